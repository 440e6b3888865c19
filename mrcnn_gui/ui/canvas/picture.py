"""The picture under the marks: the image, the masks at rest, and what stands out, as planes."""

from collections.abc import Callable, Iterable, Sequence

from PySide6.QtCore import QTimer
from PySide6.QtGui import QImage, QPainter

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.document import Change
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.ui.canvas.backdrop import Backdrop
from mrcnn_gui.ui.canvas.boxes import Box, grown
from mrcnn_gui.ui.canvas.plane import Plane, Workshop
from mrcnn_gui.ui.canvas.scene import Scene
from mrcnn_gui.ui.canvas.style import MAX_REACH
from mrcnn_gui.ui.canvas.tile import StandIn, Tile
from mrcnn_gui.ui.canvas.viewport import Viewport

_OPAQUE = QImage.Format.Format_RGB32
_AT_REST_BUDGET = 300_000  # composed pixels between two frames, some 4 ms
_CALM_MS = 20  # without a zoom, before the new scale is worth making tiles for
_STANDING_OUT_BUDGET = 500_000
_GESTURE_BUDGET = 1_500_000  # what a hand draws is shown at once, whatever else waits


class Picture:
    """One image with its masks, as one viewport shows it.

    Args:
        image: Its pixels.
        scene: Its masks.
        jobs: Where tiles are made.
        shown: Told which box of the view must be painted again.
    """

    def __init__(
        self, image: Backdrop, scene: Scene, jobs: JobRunner, shown: Callable[[Box], None]
    ) -> None:
        self._scene = scene
        self._image = Plane(
            image, image.bounds, Workshop(jobs, 2, _OPAQUE), shown, _smallest(image)
        )
        self._masks, self._standing_out = (
            Plane(source, lambda scale: grown(image.bounds(scale), MAX_REACH), workshop, shown)
            for source, workshop in (
                (scene.at_rest, Workshop(jobs, 1, budget=_AT_REST_BUDGET)),
                (scene.standing_out(), Workshop(jobs, 3, budget=_STANDING_OUT_BUDGET)),
            )
        )
        self._emphasised = scene.emphasised()
        self._scale = 0.0
        self._calm = QTimer()
        self._calm.setSingleShot(True)
        self._calm.timeout.connect(lambda: self._rest(False))
        self._planes = (self._image, self._masks, self._standing_out)

    @property
    def is_sharp(self) -> bool:
        """Whether everything that the view shows is as it should be."""
        return all(plane.is_sharp for plane in self._planes)

    @property
    def bytes(self) -> int:
        """Memory that the planes take."""
        return sum(plane.bytes for plane in self._planes)

    def place(self, viewport: Viewport) -> None:
        """Say what the view shows."""
        if self._scale not in (0.0, viewport.scale):
            self._rest(True)
            self._calm.start(_CALM_MS)
        self._scale = viewport.scale
        for plane in self._planes:
            plane.place(viewport.grid, viewport.view_width, viewport.view_height)

    def paint(self, painter: QPainter, box: Box, *, only_image: bool = False) -> None:
        """Paint a view box, with the masks or without; the painter works in device pixels."""
        for plane in self._planes:
            if only_image and plane is not self._image:
                plane.refresh()
            else:
                plane.paint(painter, box)

    def show_image(self, image: Backdrop) -> None:
        """Show the same image, read more finely or in other tones."""
        self._image.last_resort = _smallest(image)
        self._image.change_all(image)

    def follow(self, change: Change) -> None:
        """An edit was made or taken back."""
        self._change_at_rest(self._scene.follow(change.instance_ids))
        self.change_standing_out(() if change.dirty is None else (change.dirty,))

    def follow_view_state(self) -> None:
        """Others are selected, hovered or hidden."""
        self._change_at_rest(self._scene.follow(()))
        self.change_standing_out(())

    def follow_preview(self, image_boxes: Iterable[Box]) -> None:
        """A tool shows masks otherwise in these image boxes, or in the place of others."""
        self._change_at_rest(self._scene.follow(()))
        self.change_standing_out(image_boxes, _GESTURE_BUDGET)

    def show_suggestions(self, suggestions: Sequence[Suggestion]) -> None:
        """Show these."""
        self._change_at_rest(self._scene.show_suggestions(suggestions))
        self.change_standing_out(())

    def change_standing_out(
        self, image_boxes: Iterable[Box], budget: int = _STANDING_OUT_BUDGET
    ) -> None:
        """What stands out looks different in these image boxes, or is another."""
        before, self._emphasised = self._emphasised, self._scene.emphasised()
        boxes = [(before | self._emphasised)[it] for it in before.keys() ^ self._emphasised.keys()]
        self._standing_out.change(self._scene.standing_out(), (*image_boxes, *boxes), budget)

    def _change_at_rest(self, boxes: Sequence[Box]) -> None:
        if boxes:
            self._masks.change(self._scene.at_rest, boxes)

    def _rest(self, rests: bool) -> None:
        for plane in self._planes:
            plane.rest(rests)

    def restack(self) -> None:
        """All masks may look different."""
        self._scene.restack()
        self._masks.change_all(self._scene.at_rest)
        self._standing_out.change_all(self._scene.standing_out())

    def close(self) -> None:
        """Make no more tiles."""
        self._calm.stop()
        for plane in self._planes:
            plane.close()


def _smallest(image: Backdrop) -> StandIn:
    """The smallest level: what is shown of an image before anything else is made."""
    pixels = image.smallest()
    height, width = pixels.shape
    tile = Tile.of((0, 0, width, height), pixels, _OPAQUE)
    return StandIn(width / image.pyramid.width, (tile,))
