"""The image at hand with its masks and suggestions: everything to look at, nothing to do."""

from collections.abc import Iterable, Sequence
from math import ceil, floor

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from mrcnn_gui.project.annotation import Instance, Suggestion
from mrcnn_gui.project.document import Change
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas import marks, palette
from mrcnn_gui.ui.canvas.backdrop import Backdrop
from mrcnn_gui.ui.canvas.boxes import Box
from mrcnn_gui.ui.canvas.guides import paint_pixel_grid
from mrcnn_gui.ui.canvas.minimap import Minimap
from mrcnn_gui.ui.canvas.pan_zoom import PanZoomWidget
from mrcnn_gui.ui.canvas.picture import Picture
from mrcnn_gui.ui.canvas.pills import Pill, paint_pills
from mrcnn_gui.ui.canvas.preview import Preview
from mrcnn_gui.ui.canvas.scene import Scene

_MANY_PILLS = 8  # of so many changes, finding the places takes longer than painting all
_FALLBACK_COLOR = "#9aa0a6"  # of a category that the project does not have


class ImageView(PanZoomWidget):
    """Shows the session's open image and follows what the services tell about it.

    Attributes:
        image_id: Of the open image; 0 without one.
        preview: What a tool shows before its edit exists.
        suggestions: Those that are visible now.
        minimap: In a corner, where it is wanted.
    """

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        images: Images,
        segmenter: Segmenter,
        jobs: JobRunner,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._view_state = session, view_state
        self._images, self._segmenter, self._jobs = images, segmenter, jobs
        self.preview = Preview(self._show_preview, self.update)
        self.suggestions: list[Suggestion] = []
        self._strong: frozenset[str | None] = frozenset()
        self._scene: Scene | None = None
        self._picture: Picture | None = None
        self.image_id = 0
        self._problem = self._progress = ""
        self.minimap = Minimap(self)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._connect()

    @property
    def empty_text(self) -> str:
        """What is said in place of an image; "" when there is one."""
        notice = self._notice()
        return "" if notice is None else ": ".join(filter(None, notice))

    @property
    def shows_image(self) -> bool:
        """Whether the open image is read and shown."""
        return self._picture is not None

    @property
    def is_sharp(self) -> bool:
        """Whether the open image is shown as it is, with nothing left to be made or painted."""
        return self._picture is not None and self._picture.is_sharp

    def open_image(self, image_id: int) -> None:
        """Show an image as soon as it is read; 0 shows none."""
        if self._picture is not None:
            self._picture.close()
        self.image_id, self._problem, self._progress = image_id, "", ""
        self._picture = self._scene = None
        self.suggestions = []
        self.minimap.hide()
        self.show_no_image()
        if image_id:
            self._images.request(image_id)

    def image_shown(self) -> None:
        """The open image has been read and is shown now."""

    def viewport_changed(self) -> None:
        """Place the picture anew."""
        if self._picture is not None and self.viewport is not None:
            self._picture.place(self.viewport)
        self.minimap.show_viewport(self.viewport)
        self.update()

    def paint_marks(self, painter: QPainter, stale: QRectF) -> None:
        """Paint what lies over the picture, in logical pixels: the scores of the suggestions.

        `stale` holds all that must be painted.
        """
        if not self._view_state.only_image:
            paint_pills(painter, list(self._pills()), QRectF(self.rect()), stale)
        if self._progress:
            marks.paint_note(painter, self.rect(), self._progress)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is asked for, and no more."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), palette.GROUND)
        notice = self._notice()
        if notice is None:
            self._paint_picture(painter, event.rect())
            self.paint_marks(painter, QRectF(event.rect()))
        else:
            marks.paint_notice(painter, QRectF(self.rect()), *notice, problem=bool(self._problem))

    def event(self, event: QEvent) -> bool:
        """Draw lines as wide as the screen needs them when the window goes to another one."""
        handled = super().event(event)
        if event.type() == QEvent.Type.DevicePixelRatioChange and self._scene is not None:
            self._scene.ratio = self.devicePixelRatioF()
            self._recompose()
        return handled

    def instances_near(self, x: int, y: int) -> list[Instance]:
        """The instances that are shown and whose box holds a pixel of the image."""
        return [] if self._scene is None else self._scene.instances_near(x, y)

    def to_view(self, x: float, y: float) -> QPointF:
        """An image point in logical pixels of the widget."""
        assert self.viewport is not None
        view_x, view_y = self.viewport.to_view(x, y)
        return QPointF(view_x, view_y) / self.devicePixelRatioF()

    def _connect(self) -> None:
        session, state = self._session, self._view_state
        session.document_changed.connect(self._follow_document)
        session.categories_changed.connect(self._recompose)
        session.project_opened.connect(self.update)
        session.project_closed.connect(self.update)
        self._images.image_ready.connect(self._show_image)
        self._images.image_failed.connect(self._show_problem)
        self._images.detail_progress.connect(self._show_progress)
        self._segmenter.suggestions_changed.connect(self._follow_suggestions)
        state.selected_instances_changed.connect(self._follow_emphasis)
        state.selected_suggestion_changed.connect(self._follow_emphasis)
        state.hovered_suggestion_changed.connect(self._follow_emphasis)
        state.hidden_instances_changed.connect(self._follow_emphasis)
        state.filtered_instances_changed.connect(self._follow_emphasis)
        state.shows_origin_changed.connect(self._follow_emphasis)
        state.look_changed.connect(self._recompose)
        state.tone_changed.connect(self._follow_tone)
        state.only_image_changed.connect(self.update)
        state.guides_changed.connect(self._follow_guides)
        self.minimap.moved.connect(self.centre_on)

    def _show_image(self, image_id: int, pyramid: Pyramid) -> None:
        if image_id != self.image_id:
            return
        if self._picture is not None:
            self._progress = ""
            self._show_backdrop(pyramid)
            self.update(marks.note_rect(self.rect()))
            return
        self._compose_scene()
        assert self._scene is not None
        self._picture = Picture(self._backdrop(pyramid), self._scene, self._jobs, self._show_box)
        self.show_image_of(pyramid.width, pyramid.height)
        self._follow_guides()
        self.image_shown()

    def _compose_scene(self) -> None:
        """Begin to show the open document."""
        document, ratio = self._session.document, self.devicePixelRatioF()
        assert document is not None
        self._scene = Scene(document, self._view_state, self.preview, self._color_of, ratio)
        self.suggestions = list(self._segmenter.visible_suggestions())
        self._scene.show_suggestions(self.suggestions)

    def _show_progress(self, image_id: int, share: float) -> None:
        """Tell how far the fine levels of a large image are."""
        if image_id == self.image_id:
            self._progress = f"Reading details… {share:.0%}"
            self.update(marks.note_rect(self.rect()))

    def _show_problem(self, image_id: int, problem: str) -> None:
        if image_id == self.image_id:
            self._problem = problem
            self.update()

    def _follow_document(self, change: Change) -> None:
        if self._picture is not None:
            self._picture.follow(change)

    def _follow_suggestions(self, image_id: int) -> None:
        if image_id == self.image_id and self._picture is not None:
            before = self.suggestions
            self.suggestions = list(self._segmenter.visible_suggestions())
            self._picture.show_suggestions(self.suggestions)
            kept = {it.key for it in before} & {it.key for it in self.suggestions}
            self._update_pills([it for it in (*before, *self.suggestions) if it.key not in kept])

    def _follow_emphasis(self) -> None:
        """Selection or hover changed: those drawn with emphasis before and now look different."""
        if self._picture is not None:
            self._picture.follow_view_state()
            before, self._strong = self._strong, self._now_strong()
            self._update_pills([it for it in self.suggestions if it.key in before ^ self._strong])

    def _show_preview(self, *image_boxes: Box) -> None:
        """What a tool shows looks different in these image boxes."""
        if self._picture is not None:
            self._picture.follow_preview(image_boxes)

    def _recompose(self) -> None:
        if self._picture is not None:
            self._picture.restack()
        self.update()

    def _follow_tone(self) -> None:
        pyramid = self._images.pyramid(self.image_id)
        if pyramid is not None:
            self._show_backdrop(pyramid)

    def _show_backdrop(self, pyramid: Pyramid) -> None:
        if self._picture is not None:
            self._picture.show_image(self._backdrop(pyramid))
            self._follow_guides()

    def _backdrop(self, pyramid: Pyramid) -> Backdrop:
        return Backdrop(pyramid, self._view_state.tone)

    def _follow_guides(self) -> None:
        pyramid = self._images.pyramid(self.image_id)
        shown = self._view_state.guides.minimap and self._picture is not None
        self.minimap.setVisible(shown)
        if shown and pyramid is not None:
            self.minimap.show_image(self._backdrop(pyramid).smallest())
            self.minimap.show_viewport(self.viewport)
        self.update()

    def _color_of(self, category_id: int) -> str:
        colors = {category.id: category.color for category in self._session.categories}
        return colors.get(category_id, _FALLBACK_COLOR)

    def _show_box(self, box: Box) -> None:
        """Paint a box of the view again."""
        self.update(self._logical(box))

    def _paint_picture(self, painter: QPainter, rect: QRect) -> None:
        if self._picture is None:
            return
        ratio = self.devicePixelRatioF()
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        only_image = self._view_state.only_image
        self._picture.paint(painter, self._device(rect), only_image=only_image)
        if self._view_state.guides.pixel_grid and self.viewport is not None:
            paint_pixel_grid(painter, self.viewport, self._device(rect))
        painter.restore()

    def _pills(self) -> Iterable[Pill]:
        strong = self._now_strong()
        pills = (self._pill(it, it.key in strong) for it in self.suggestions)
        return (pill for pill in pills if pill is not None)

    def _pill(self, suggestion: Suggestion, strong: bool) -> Pill | None:
        """That of a suggestion; None where the suggestion is out of sight."""
        viewport = self.viewport
        assert viewport is not None
        box = suggestion.mask.box_xyxy
        (left, top), (right, bottom) = viewport.to_view(*box[:2]), viewport.to_view(*box[2:])
        if right <= 0 or bottom <= 0 or left >= viewport.view_width or top >= viewport.view_height:
            return None
        score = f"{suggestion.score:.2f}"
        text = f"{suggestion.category}  {score}" if strong else score
        return Pill(text, QPointF((left + right) / 2, top) / self.devicePixelRatioF(), strong)

    def _now_strong(self) -> frozenset[str | None]:
        state = self._view_state
        return frozenset((state.selected_suggestion, state.hovered_suggestion))

    def _update_pills(self, suggestions: Sequence[Suggestion]) -> None:
        """Paint the pills of these again, which may have come, gone, or become strong or pale."""
        if len(suggestions) > _MANY_PILLS:
            self.update()
            return
        metrics, area = QFontMetricsF(self.font()), QRectF(self.rect())
        for suggestion in suggestions:
            for strong in (False, True):
                pill = self._pill(suggestion, strong)
                if pill is not None:
                    rect = pill.rect(metrics, area).adjusted(-1, -1, 1, 1)  # antialiasing
                    self.update(rect.toAlignedRect())

    def _notice(self) -> tuple[str, str] | None:
        """Title and hint in place of an image."""
        if self._session.folder is None:
            return "No project is open", "Open a folder of images (Ctrl+O), or drop one here"
        if not self.image_id:
            return "No image is open", "Choose one from the list"
        if self._problem:
            return "This image cannot be read", self._problem
        return ("Reading image…", "") if self._picture is None else None

    def _logical(self, box: Box) -> QRect:
        ratio = self.devicePixelRatioF()
        left, top = floor(box[0] / ratio), floor(box[1] / ratio)
        return QRect(left, top, ceil(box[2] / ratio) - left, ceil(box[3] / ratio) - top)

    def _device(self, rect: QRect) -> Box:
        ratio = self.devicePixelRatioF()
        left, top = floor(rect.left() * ratio), floor(rect.top() * ratio)
        right, bottom = ceil((rect.right() + 1) * ratio), ceil((rect.bottom() + 1) * ratio)
        return left, top, right, bottom
