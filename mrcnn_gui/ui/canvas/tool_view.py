"""A tool at work on the image: when it is taken up, given its context and laid down."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from mrcnn_gui.services.drafts import Drafts
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.new_ids import new_region_id
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.image_view import ImageView
from mrcnn_gui.ui.canvas.tools.context import Pointer, Tool, ToolContext
from mrcnn_gui.ui.canvas.tools.table import TOOLS
from mrcnn_gui.ui.canvas.visible_pixels import VisiblePixels, visible_pixels

_REACH = 8.0  # logical pixels that a click may miss a point by


class ToolView(ImageView):
    """Holds the active tool; every gesture becomes at most one edit.

    Signals:
        message: Why a gesture does nothing, for the person.
        hint: What a gesture has done, for a glance.
    """

    message = Signal(str)
    hint = Signal(str)

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        images: Images,
        segmenter: Segmenter,
        jobs: JobRunner,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(session, view_state, images, segmenter, jobs, parent)
        self._tool: Tool | None = None
        self._tool_name = ""
        self._drafts = Drafts(session)
        self._held: Pointer | None = None  # where the button that is down was last
        session.leaving.connect(self.finish_gesture)
        session.document_changed.connect(self._warn_tool)
        view_state.tool_changed.connect(self._change_tool)
        view_state.selected_instances_changed.connect(self._tell_selection)

    # What other parts call

    def set_tool(self, name: str) -> None:
        """Choose the tool: one of `TOOLS`."""
        self._view_state.tool = name

    def accept_gesture(self) -> bool:
        """Finish what is being drawn; False when nothing is."""
        return self._tool is not None and self._tool.accept()

    def step_back(self) -> bool:
        """Take back the last vertex; False when there is none."""
        return self._tool is not None and self._tool.step_back()

    def delete_in_gesture(self) -> bool:
        """Delete what the tool has selected, such as vertices; False when there is nothing."""
        return self._tool is not None and self._tool.delete()

    def cancel_gesture(self) -> bool:
        """Drop what is being drawn without an edit; False when nothing is."""
        return self._tool is not None and self._tool.cancel()

    def finish_gesture(self) -> None:
        """The work turns elsewhere: let go what the button holds, and keep what was begun."""
        if self._tool is None:
            return
        self._let_go()
        self._tool.finish()
        draft = self._tool.draft()
        if draft is not None and self._drafts.keep(self.image_id, self._tool_name, draft):
            self._tool.cancel()
            self.hint.emit(self._tool.kept)

    # The tool

    def open_image(self, image_id: int) -> None:
        """Show another image."""
        self._drop_tool()
        super().open_image(image_id)

    def image_shown(self) -> None:
        """Now there is something to work on."""
        self._renew_tool()

    def _change_tool(self, name: str) -> None:
        if type(self._tool) is not TOOLS[name]:
            self.finish_gesture()
            self._renew_tool()

    def _renew_tool(self) -> None:
        self._drop_tool()
        if self.shows_image:
            self._tool_name = self._view_state.tool
            self._tool = TOOLS[self._tool_name](self._tool_context())
            self.setCursor(self._tool.cursor)
            draft = self._drafts.take(self.image_id, self._tool_name) if self._tool.kept else None
            if draft is not None:
                self._tool.resume(draft)
        self.update()

    def _let_go(self) -> None:
        """Release what the button holds, where it was last."""
        held, self._held = self._held, None
        if held is not None and self._tool is not None:
            self._tool.release(held)

    def _warn_tool(self) -> None:
        if self._tool is not None:
            self._tool.document_changed()

    def _tell_selection(self) -> None:
        if self._tool is not None:
            self._tool.selection_changed()

    def _drop_tool(self) -> None:
        if self._tool is not None:
            self._tool.cancel()
            self._tool.leave()
        self._tool = None
        self.preview.show_drawings()
        self.unsetCursor()

    def _tool_context(self) -> ToolContext:
        document, viewport = self._session.document, self.viewport
        assert document is not None
        assert viewport is not None
        return ToolContext(
            document=document,
            instances_near=self.instances_near,
            width=viewport.image_width,
            height=viewport.image_height,
            preview=self.preview,
            view_state=self._view_state,
            push=self._session.push,
            new_instance_id=self._session.new_instance_id,
            new_region_id=lambda: new_region_id(self._session),
            suggestions=lambda: self.suggestions,
            accept=self._segmenter.accept,
            pan=self.pan,
            reach=lambda: _REACH * self.devicePixelRatioF() / self.scale,
            prompts=self._segmenter.prompts,
            pixels=self._visible_pixels,
            jobs=self._jobs,
            message=self.message.emit,
            hint=self.hint.emit,
        )

    def _visible_pixels(self) -> VisiblePixels | None:
        pyramid = self._images.pyramid(self.image_id)
        if pyramid is None or self.viewport is None:
            return None
        return visible_pixels(pyramid, self.viewport)
