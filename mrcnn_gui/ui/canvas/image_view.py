"""The image at hand with its masks and suggestions: everything to look at, nothing to do."""

from collections.abc import Iterable
from math import ceil, floor

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.document import Change
from mrcnn_gui.services.images import Images
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.ui.canvas import marks, palette
from mrcnn_gui.ui.canvas.compose import Box
from mrcnn_gui.ui.canvas.pan_zoom import PanZoomWidget
from mrcnn_gui.ui.canvas.picture import Picture
from mrcnn_gui.ui.canvas.preview import Preview
from mrcnn_gui.ui.canvas.scene import Scene

_FALLBACK_COLOR = "#9aa0a6"  # of a category that the project does not have


class ImageView(PanZoomWidget):
    """Shows the session's open image and follows what the services tell about it.

    Attributes:
        preview: What a tool shows before its edit exists.
        suggestions: Those that are visible now.
    """

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        images: Images,
        segmenter: Segmenter,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._view_state = session, view_state
        self._images, self._segmenter = images, segmenter
        self.preview = Preview(self._show_stale, self.update)
        self.suggestions: list[Suggestion] = []
        self._scene = Scene(view_state, self.preview, self._color_of)
        self._picture: Picture | None = None
        self._image_id = 0
        self._problem = ""
        self._emphasised: list[Box] = []
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

    def open_image(self, image_id: int) -> None:
        """Show an image as soon as it is read; 0 shows none."""
        self._image_id, self._picture, self._problem = image_id, None, ""
        self.suggestions, self._emphasised = [], []
        self.show_no_image()
        if image_id:
            self._images.request(image_id)

    def image_shown(self) -> None:
        """The open image has been read and is shown now."""

    def viewport_changed(self) -> None:
        """Place the picture anew."""
        if self._picture is not None and self.viewport is not None:
            self._picture.place(self.viewport)
        self.update()

    def paint_marks(self, painter: QPainter) -> None:
        """Paint what lies over the picture, in logical pixels: the scores of the suggestions."""
        marks.paint_pills(painter, list(self._pills()), QRectF(self.rect()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint what is asked for, and no more."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), palette.GROUND)
        notice = self._notice()
        if notice is None:
            self._paint_picture(painter, event.rect())
            self.paint_marks(painter)
        else:
            marks.paint_notice(painter, QRectF(self.rect()), *notice, problem=bool(self._problem))

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
        self._segmenter.suggestions_changed.connect(self._follow_suggestions)
        state.selected_instances_changed.connect(self._follow_emphasis)
        state.selected_suggestion_changed.connect(self._follow_emphasis)
        state.hovered_suggestion_changed.connect(self._follow_emphasis)
        state.hidden_instances_changed.connect(self._recompose)

    def _show_image(self, image_id: int, pyramid: Pyramid) -> None:
        if image_id != self._image_id or self._picture is not None:
            return
        self._picture = Picture(pyramid)
        self.suggestions = list(self._segmenter.visible_suggestions())
        self.show_image_of(pyramid.width, pyramid.height)
        self.image_shown()

    def _show_problem(self, image_id: int, problem: str) -> None:
        if image_id == self._image_id:
            self._problem = problem
            self.update()

    def _follow_document(self, change: Change) -> None:
        if change.dirty is not None:
            self._show_stale(change.dirty)

    def _follow_suggestions(self, image_id: int) -> None:
        if image_id == self._image_id:
            self._reload_suggestions()

    def _reload_suggestions(self) -> None:
        if self._picture is None:
            return
        before = {suggestion.key: suggestion for suggestion in self.suggestions}
        self.suggestions = list(self._segmenter.visible_suggestions())
        after = {suggestion.key: suggestion for suggestion in self.suggestions}
        changed = before.keys() ^ after.keys()
        if changed:
            everything = before | after
            self._show_stale(*(everything[key].mask.box_xyxy for key in changed))
            self.update()  # the pills stand outside of the boxes

    def _follow_emphasis(self) -> None:
        """Selection or hover changed: those drawn with emphasis before and now look different."""
        before, self._emphasised = self._emphasised, list(self._emphasised_boxes())
        self._show_stale(*before, *self._emphasised)
        self.update()

    def _emphasised_boxes(self) -> Iterable[Box]:
        state, document = self._view_state, self._session.document
        keys = {state.selected_suggestion, state.hovered_suggestion}
        yield from (s.mask.box_xyxy for s in self.suggestions if s.key in keys)
        instances = {} if document is None else document.instances
        chosen = (instances.get(key) for key in state.selected_instances)
        yield from (instance.mask.box_xyxy for instance in chosen if instance is not None)

    def _recompose(self) -> None:
        if self._picture is not None:
            self._picture.invalidate_all()
        self.update()

    def _color_of(self, category_id: int) -> str:
        colors = {category.id: category.color for category in self._session.categories}
        return colors.get(category_id, _FALLBACK_COLOR)

    def _show_stale(self, *image_boxes: Box) -> None:
        """Paint the view again where the masks in these image boxes are drawn."""
        if self._picture is None:
            return
        for image_box in image_boxes:
            seen = self._picture.invalidate(image_box)
            if seen is not None:
                self.update(self._logical(seen))

    def _paint_picture(self, painter: QPainter, rect: QRect) -> None:
        document, ratio = self._session.document, self.devicePixelRatioF()
        if self._picture is None or self.viewport is None or document is None:
            return
        painter.save()
        painter.scale(1 / ratio, 1 / ratio)
        layers = self._scene.layers(document, self.suggestions, ratio)
        self._picture.paint(painter, self.viewport, self._device(rect), layers)
        painter.restore()

    def _pills(self) -> Iterable[marks.Pill]:
        state, area = self._view_state, QRectF(self.rect())
        for suggestion in self.suggestions:
            left, top, right, bottom = suggestion.mask.box_xyxy
            box = QRectF(self.to_view(left, top), self.to_view(right, bottom))
            if box.intersects(area):
                chosen = (state.selected_suggestion, state.hovered_suggestion)
                strong = suggestion.key in chosen
                score = f"{suggestion.score:.2f}"
                text = f"{suggestion.category}  {score}" if strong else score
                yield marks.Pill(text, QPointF(box.center().x(), box.top()), strong)

    def _notice(self) -> tuple[str, str] | None:
        """Title and hint in place of an image."""
        if self._session.folder is None:
            return "No project is open", "Open a folder of images (Ctrl+O), or drop one here"
        if not self._image_id:
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
