"""What the commands on images and instances do."""

from collections.abc import Sequence

from PySide6.QtCore import QObject

from mrcnn_gui.project.annotation import Category, Instance, ReviewStatus
from mrcnn_gui.project.edits import Edit, RemoveInstance, SetCategory
from mrcnn_gui.project.reshaping import Overlap, as_one
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas.pan_zoom import PanZoomWidget

_RADIUS_STEP = 1.2


class EditCommands(QObject):
    """Turns a command into one edit, or into a change of the view's state."""

    def __init__(self, session: Session, view_state: ViewState, canvas: PanZoomWidget) -> None:
        super().__init__(canvas)
        self._session = session
        self._view_state = view_state
        self._canvas = canvas
        self._laid_down = ""  # the tool that was in the hand
        session.image_opened.connect(view_state.clear)
        session.document_changed.connect(self._forget_removed)
        session.project_opened.connect(self._lay_tools_down)
        session.exclusive.changed.connect(self._lay_tools_down)

    def use_tool(self, name: str) -> None:
        """Take a tool into the hand."""
        self._view_state.tool = name
        self._view_state.tool_changed.emit(name)  # its button was toggled off when it was on

    def scale_radius(self, steps: int) -> None:
        """Make the brush larger (positive steps) or smaller."""
        self._view_state.brush_radius *= _RADIUS_STEP**steps

    def next_overlap(self) -> None:
        """Change what becomes of new paint where other instances are."""
        modes = list(Overlap)
        now = modes.index(self._view_state.overlap)
        self._view_state.overlap = modes[(now + 1) % len(modes)]

    def delete_instances(self) -> None:
        """Remove the selected instances that are not locked."""
        gone = [instance for instance in self._selection() if not instance.locked]
        title = RemoveInstance.title if len(gone) == 1 else "Delete instances"
        self._push([RemoveInstance(instance) for instance in gone], title)

    def deselect(self) -> None:
        """Select nothing."""
        self._view_state.selected_instance = None
        self._view_state.selected_suggestion = None

    def select_all(self) -> None:
        """Select every instance that is shown."""
        self._view_state.selected_instances = tuple(self._shown())

    def select_category(self) -> None:
        """Select every instance of the active category that is shown."""
        active, document = self._view_state.active_category, self._session.document
        if document is not None:
            instances = document.instances
            chosen = [key for key in self._shown() if instances[key].category_id == active]
            self._view_state.selected_instances = tuple(chosen)

    def use_category(self, key: int) -> None:
        """Make the category with that number key active; selected instances get it, too."""
        category = self.category_of_key(key)
        if category is None:
            return
        self._view_state.active_category = category.id
        others = [it for it in self._selection() if it.category_id != category.id and not it.locked]
        edits = [SetCategory(it.id, it.category_id, category.id) for it in others]
        self._push(edits, SetCategory.title)

    def category_of_key(self, key: int) -> Category | None:
        """The category with that number key."""
        return next((it for it in self._session.categories if it.key == key), None)

    def step_image(self, step: int) -> None:
        """Open the next (1) or previous (-1) image."""
        self._session.next_image(step)

    def toggle_done(self) -> None:
        """Mark the open image done, or take that back."""
        document = self._session.document
        if document is None:
            return
        done = document.status is ReviewStatus.DONE
        self._session.set_review_status(ReviewStatus.IN_PROGRESS if done else ReviewStatus.DONE)

    def show_instance(self, instance_id: int) -> None:
        """Bring an instance into the middle of the canvas."""
        document = self._session.document
        if document is None or instance_id not in document.instances:
            return
        left, top, right, bottom = document.instances[instance_id].mask.box_xyxy
        self._canvas.centre_on((left + right) / 2, (top + bottom) / 2)

    def _lay_tools_down(self) -> None:
        """Nothing can be drawn while the project can only be read; then the tool comes back."""
        if self._session.no_writing:
            self._laid_down = self._laid_down or self._view_state.tool
            self.use_tool("select")
        elif self._laid_down:
            back, self._laid_down = self._laid_down, ""
            self.use_tool(back)

    def _forget_removed(self, _: object) -> None:
        document, selected = self._session.document, self._view_state.selected_instances
        if document is not None:
            self._view_state.selected_instances = tuple(
                key for key in selected if key in document.instances
            )

    def _selection(self) -> list[Instance]:
        document = self._session.document
        instances = {} if document is None else document.instances
        return [instances[key] for key in self._view_state.selected_instances if key in instances]

    def _shown(self) -> list[int]:
        document, unseen = self._session.document, self._view_state.unseen_instances
        return [] if document is None else [key for key in document.instances if key not in unseen]

    def _push(self, edits: Sequence[Edit], title: str) -> None:
        edit = as_one(edits, title)
        if edit is not None:
            self._session.push(edit)
