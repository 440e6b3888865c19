"""The canvas under thousands of masks, on images of 100 megapixels and more, beside labelme's.

Times are the p99 of at least 200 events of the real window; after each burst the window's pixels
are compared with those of a slow reference.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np

from benchmarks.canvas_driver import Hand, Times, hand_on
from benchmarks.canvas_edits import paint
from benchmarks.canvas_files import opening_rows, scan_rows, turning_rows
from benchmarks.canvas_labelme import peer_times
from benchmarks.canvas_scenes import dense_masks, photo, polygon_masks, polygons, project
from benchmarks.row import Row

Size: TypeAlias = tuple[int, int]

_EVENTS = 220
_SCENES: tuple[tuple[str, Size, int, tuple[int, int]], ...] = (
    ("thousand", (10_000, 10_000), 1000, (60, 250)),
    ("thousands", (4000, 3000), 5000, (12, 50)),
)
_BARS: dict[str, float | None] = {
    "pan_1000": 16.0,
    "zoom_1000": 16.0,
    "hover_1000": 16.0,
    "select_1000": 16.0,
    "pan_5000": 16.0,
    "zoom_5000": 16.0,
    "hover_5000": 16.0,
    "pan_dense": 16.0,
    "pan_4k": 33.0,
    "sharp": 200.0,
    "dab_50": 8.0,
    "dab_500": 8.0,
    "dab_500_whole_pixels": None,
    "release": 25.0,
    "undo": 16.0,
}
_NAMES = {
    "dab_50": "brush_dab_50",
    "dab_500": "brush_dab_500",
    "dab_500_whole_pixels": "brush_dab_500_whole_pixels",
    "release": "brush_release",
    "undo": "undo_stroke",
}


@dataclass
class Bursts:
    """The times of all events, by row."""

    times: dict[str, Times] = field(default_factory=dict)

    def add(self, row: str, hand: Hand, burst: Callable[[], Times]) -> None:
        """Make a burst of events, and see that the picture is right after it."""
        self.times.setdefault(row, []).extend(burst())
        hand.check(row)

    def rows(self, ending: str, peers: dict[str, float]) -> Iterator[Row]:
        """The rows whose name ends so, beside labelme's median where that is known."""
        for name in (name for name in _BARS if name.endswith(ending)):
            yield self._row(name, peers.get(name))

    def _row(self, name: str, labelme_ms: float | None) -> Row:
        value = float(np.percentile(self.times[name], 99))
        peer = "" if labelme_ms is None else "labelme"
        full_name = _NAMES.get(name, f"canvas_{name}")
        return Row(full_name, value, "ms", peer, labelme_ms, bar=_BARS[name])


def rows(labelme: str = "") -> Iterator[Row]:
    """All rows of the canvas; `labelme` is the Python of an environment that has it."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        peers: dict[str, float] = {}
        bursts = Bursts()
        for name, size, count, radii in _SCENES:
            times = _look_at_polygons(work, bursts, labelme, (name, size, count, radii))
            peers |= {f"{row}_{count}": value for row, value in times.items()}
            yield from bursts.rows(f"_{count}", peers)
        _look_at_dense(work, bursts)
        yield from bursts.rows("pan_dense", peers)
        yield from bursts.rows("pan_4k", peers)
        yield from bursts.rows("sharp", peers)
        for row, edit_times in _edit(work).items():
            bursts.times[row] = edit_times
            yield from bursts.rows(row, peers)
        yield from opening_rows(work, peers.get("open_1000"))
        yield from turning_rows(work)
        yield from scan_rows(work)


def _look_at_polygons(
    work: Path, bursts: Bursts, labelme: str, scene: tuple[str, Size, int, tuple[int, int]]
) -> dict[str, float]:
    """All looks at one scene; returns labelme's times at the same."""
    name, size, count, radii = scene
    outlines = list(polygons(count, *size, radii))
    picture = photo(_folder(work, name) / "photo.jpg", *size)
    folder = project(work, name, [picture], polygon_masks(outlines))
    with hand_on(folder) as hand:
        _look_around(bursts, hand, str(count))
        if count == 1000:
            bursts.add("select_1000", hand, lambda: hand.select(_EVENTS))
        _sharpen(bursts, hand)
    if count == 1000:
        with hand_on(folder, (3840, 2160)) as hand:
            _pan(bursts, hand, "pan_4k")
    return peer_times(labelme, picture, size, outlines)


def _look_at_dense(work: Path, bursts: Bursts) -> None:
    picture = photo(_folder(work, "dense") / "photo.jpg", 4000, 3000)
    with hand_on(project(work, "dense", [picture], dense_masks(500, 4000, 3000))) as hand:
        _pan(bursts, hand, "pan_dense")
        _sharpen(bursts, hand)


def _edit(work: Path) -> dict[str, Times]:
    masks = polygon_masks(list(polygons(1001, 8000, 8000, (60, 200))))
    picture = photo(_folder(work, "edited") / "photo.jpg", 8000, 8000)
    with hand_on(project(work, "edited", [picture], masks)) as hand:
        times = paint(hand)
        hand.check("brush")
    return times


def _look_around(bursts: Bursts, hand: Hand, count: str) -> None:
    _pan(bursts, hand, f"pan_{count}")
    hand.canvas.fit()
    bursts.add(f"zoom_{count}", hand, lambda: hand.zoom(_EVENTS))
    hand.canvas.fit()
    hand.wait()
    bursts.add(f"hover_{count}", hand, lambda: hand.hover(_EVENTS))


def _pan(bursts: Bursts, hand: Hand, row: str) -> None:
    """At three scales: everything in view, a part of it, and pixel by pixel."""
    fit = hand.canvas.viewport
    assert fit is not None
    for scale in (fit.fit_scale, 3 * fit.fit_scale, 1.0):
        hand.canvas.fit()
        hand.canvas.zoom_at(scale, hand.canvas.rect().center().toPointF())
        hand.wait()
        bursts.add(row, hand, lambda: hand.pan(_EVENTS // 2))


def _sharpen(bursts: Bursts, hand: Hand) -> None:
    hand.canvas.fit()
    hand.wait()
    bursts.add("sharp", hand, lambda: hand.sharpen(_EVENTS // 3))


def _folder(work: Path, name: str) -> Path:
    folder = work / f"{name}_images"
    folder.mkdir()
    return folder
