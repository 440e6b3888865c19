"""One plane of the picture, as tiles of view pixels that are made in the background.

Tiles are counted from the image's corner, so a pan only moves them and a zoom asks for new ones;
until those are there, the tiles of the scale before stand in for them. What an edit changes is
composed at once where that costs little.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from PySide6.QtGui import QImage, QPainter, QRegion

from mrcnn_gui.services.jobs import WORKERS, Job, JobRunner, Lane
from mrcnn_gui.ui.canvas.boxes import Box, grown, hull, merged, moved, overlap
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.stamps import Pixels
from mrcnn_gui.ui.canvas.style import MAX_REACH
from mrcnn_gui.ui.canvas.tile import NOTHING, SIDE, Key, StandIn, Tile, keys_in, rect, tile_box

AHEAD = 256  # so far around the view, tiles are made before they are seen
_FEW = 8  # boxes that are painted again each by itself


class Source(Protocol):
    """What a plane shows; never changes, and may be asked from any thread."""

    def pixels(self, scale: float, box: Box) -> Pixels | None:
        """A box, counted from the image's corner, as view pixels; None: nothing is to be seen."""

    def cost(self, scale: float, box: Box) -> int:
        """What that takes, as a number of pixels to be composed."""


@dataclass(frozen=True)
class Workshop:
    """Where and how the tiles of a plane are made.

    Attributes:
        jobs: Makes them.
        priority: Among the planes.
        form: Of the pixels.
        budget: What may be composed on the GUI thread when something changes; see `Source.cost`.
    """

    jobs: JobRunner
    priority: int
    form: QImage.Format = QImage.Format.Format_ARGB32_Premultiplied
    budget: int = 0


class Plane:
    """The tiles of one source at one scale.

    Args:
        source: What is shown.
        bounds: The box, counted from the image's corner, that holds all of it at a scale.
        workshop: Where the tiles are made.
        shown: Told which box of the view must be painted again.
        last_resort: What stands in where nothing else does.
    """

    def __init__(
        self,
        source: Source,
        bounds: Callable[[float], Box],
        workshop: Workshop,
        shown: Callable[[Box], None],
        last_resort: StandIn = NOTHING,
    ) -> None:
        self._source, self._bounds_at, self._workshop, self._shown = source, bounds, workshop, shown
        self.last_resort = last_resort
        self._grid, self._view = Grid(1.0, 0, 0), (0, 0, 0, 0)
        self._bounds: Box = (0, 0, 0, 0)
        self._tiles: dict[Key, Tile] = {}
        self._changed: list[Box] = []  # that the tiles do not show yet
        self._budget = 0  # for composing them
        self._stale: set[Key] = set()  # among the tiles; shown until the new ones come
        self._stand_in = NOTHING
        self._jobs: list[Job] = []
        self._pending: set[Key] = set()
        self._rests = False

    @property
    def is_sharp(self) -> bool:
        """Whether all that the view shows is as the source has it."""
        return not self._changed and not self._lacking(self._view)

    @property
    def bytes(self) -> int:
        """Memory that the tiles take."""
        tiles = (*self._tiles.values(), *self._stand_in.tiles)
        return sum(0 if tile.pixels is None else tile.pixels.nbytes for tile in tiles)

    def place(self, grid: Grid, width: int, height: int) -> None:
        """Say what the view shows."""
        if grid.scale != self._grid.scale or not self._bounds[2]:
            self._leave_scale()
            self._bounds = self._bounds_at(grid.scale)
        self._grid, self._view = grid, (0, 0, width, height)
        self._request()

    def rest(self, rests: bool) -> None:
        """Make no tiles while the scale goes on changing, so that nothing competes with that."""
        self._rests = rests
        if not rests:
            self._request()

    def change(self, source: Source, image_boxes: Iterable[Box], budget: int | None = None) -> None:
        """Show another source, which differs in these boxes of the image.

        The budget is that of the workshop if no other is given.
        """
        self._source = source
        allowed = self._workshop.budget if budget is None else budget
        self._budget = max(self._budget, allowed) if self._changed else allowed
        grid = Grid(self._grid.scale, 0, 0)
        covered = (grown(grid.covered(it), MAX_REACH) for it in image_boxes)
        boxes = [box for it in covered if (box := overlap(it, self._bounds)) is not None]
        self._changed += boxes
        for box in boxes if len(boxes) <= _FEW else [reduce(hull, boxes)]:
            self._show(box)
        if self._pending:
            self._restart()

    def change_all(self, source: Source) -> None:
        """Show a source that may differ everywhere; what was shown stays until it comes."""
        self._source, self._changed = source, []
        self._stale |= self._tiles.keys()
        self._restart()

    def close(self) -> None:
        """Make no more tiles."""
        for job in self._jobs:
            job.cancel()
        self._jobs, self._pending = [], set()

    def paint(self, painter: QPainter, box: Box) -> None:
        """Paint a box of the view; the painter works in device pixels."""
        self.refresh()
        missing = QRegion()
        for key in keys_in(moved(box, -self._grid.x, -self._grid.y), self._bounds):
            place = moved(tile_box(key, self._bounds), self._grid.x, self._grid.y)
            tile = self._tiles.get(key)
            if tile is None:
                missing += rect(place)
            elif tile.image is not None:
                painter.drawImage(place[0], place[1], tile.image)
        if not missing.isEmpty():
            rest = self._stand_in.paint(painter, self._grid, missing)
            self.last_resort.paint(painter, self._grid, rest)

    # What changes

    def refresh(self) -> None:
        """Compose what changed, or have it composed where that takes long."""
        changed, self._changed = merged(self._changed), []
        view = moved(self._view, -self._grid.x, -self._grid.y)
        left = self._budget
        for box in changed:
            made: Box | None = None
            for part in (overlap(box, grown(view, AHEAD + SIDE)), overlap(box, view)):
                cost = 0 if part is None else self._source.cost(self._grid.scale, part)
                if part is not None and cost <= left:
                    left, made = left - cost, part
                    self._recompose(part)
                    break
            if made != box:
                self._stale |= self._tiles.keys() & set(keys_in(box, self._bounds))
        if self._stale:
            self._request()

    def _recompose(self, box: Box) -> None:
        for key in keys_in(box, self._bounds):
            tile = self._tiles.get(key)
            part = None if tile is None else overlap(box, tile.box)
            if tile is not None and part is not None:
                pixels = self._source.pixels(self._grid.scale, part)
                tile.replace(part, pixels, self._workshop.form)

    def _leave_scale(self) -> None:
        """The tiles at hand stand in for those to come, unless older ones show more."""
        if self._tiles and (not self._lacking(self._view) or not self._stand_in.tiles):
            self._stand_in = StandIn(self._grid.scale, tuple(self._tiles.values()))
        self._tiles, self._stale, self._changed = {}, set(), []
        self.close()

    # The tiles to come

    def _lacking(self, view: Box) -> list[Key]:
        """The tiles of a box of the view that are missing or stale, from its middle outwards."""
        box = moved(view, -self._grid.x, -self._grid.y)
        keys = keys_in(box, self._bounds)
        lacking = [key for key in keys if key not in self._tiles or key in self._stale]
        middle = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return sorted(lacking, key=lambda key: _distance(tile_box(key, self._bounds), middle))

    def _request(self) -> None:
        """Have made what the view lacks, then what lies around it."""
        if self._rests:
            return
        lacking, priority = self._lacking(self._view), self._workshop.priority
        if not lacking:
            self._stand_in = NOTHING
            self._forget_far_tiles()
            lacking, priority = self._lacking(grown(self._view, AHEAD)), -10
        if not self._pending.issuperset(lacking):
            self._start(lacking, priority)

    def _restart(self) -> None:
        self.close()
        self._request()

    def _start(self, keys: Sequence[Key], priority: int) -> None:
        """Have tiles made by all workers: the first keys come first."""
        self.close()
        self._pending = set(keys)
        tiles = [(key, tile_box(key, self._bounds)) for key in keys]
        workers = WORKERS[Lane.DRAW]
        self._jobs = [
            self._workshop.jobs.start(
                Lane.DRAW,
                make_tiles,
                self._source,
                self._grid.scale,
                share,
                priority=priority,
                on_progress=self._take,
                on_done=lambda _: self._request(),
            )
            for number in range(workers)
            if (share := tiles[number::workers])
        ]

    def _take(self, made: tuple[Key, Pixels | None]) -> None:
        key, pixels = made
        box = tile_box(key, self._bounds)
        stands_in = bool(self._stand_in.tiles or self.last_resort.tiles)
        before = self._tiles.get(key)
        shown = stands_in if before is None else before.image is not None
        self._tiles[key] = Tile.of(box, pixels, self._workshop.form)
        self._pending.discard(key)
        self._stale.discard(key)
        if shown or pixels is not None:
            self._show(box)

    def _show(self, box: Box) -> None:
        seen = overlap(moved(box, self._grid.x, self._grid.y), self._view)
        if seen is not None:
            self._shown(seen)

    def _forget_far_tiles(self) -> None:
        box = moved(grown(self._view, 2 * AHEAD), -self._grid.x, -self._grid.y)
        near = set(keys_in(box, self._bounds))
        for key in self._tiles.keys() - near:
            del self._tiles[key]
            self._stale.discard(key)


def make_tiles(source: Source, scale: float, tiles: Sequence[tuple[Key, Box]], *, job: Job) -> None:
    """Make tiles, each reported as soon as it is there; a job."""
    for key, box in tiles:
        if job.should_stop():
            return
        job.report((key, source.pixels(scale, box)))


def _distance(box: Box, middle: tuple[float, float]) -> float:
    return abs(box[0] + box[2] - 2 * middle[0]) + abs(box[1] + box[3] - 2 * middle[1])
