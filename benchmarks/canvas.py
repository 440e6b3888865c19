"""The canvas under thousands of masks, on images of 100 megapixels and more, beside labelme's.

Times are the p99 of at least 200 events of the real window; after each burst the window's pixels
are compared with those of a slow reference.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.canvas_driver import Hand, Times, hand_on
from benchmarks.canvas_scenes import dense_masks, photo, polygon_masks, polygons, project
from benchmarks.row import Row

_EVENTS = 220
_BARS = {
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
}


@dataclass
class Bursts:
    """The times of all events, by row."""

    times: dict[str, Times] = field(default_factory=dict)

    def add(self, row: str, hand: Hand, burst: Callable[[], Times]) -> None:
        """Make a burst of events, and see that the picture is right after it."""
        self.times.setdefault(row, []).extend(burst())
        hand.check(row)

    def row(self, name: str, prefix: str = "canvas_") -> Row:
        """The p99 of a row."""
        value = float(np.percentile(self.times[name], 99))
        return Row(f"{prefix}{name}", value, "ms", bar=_BARS[name])


def rows(labelme: str = "") -> Iterator[Row]:
    """All rows of the canvas; `labelme` is the Python of an environment that has it."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _masks(Path(folder))


def _masks(work: Path) -> Iterator[Row]:
    bursts = Bursts()
    scene = _scene(work, "thousand", (10_000, 10_000), 1000, (60, 250))
    with hand_on(scene) as hand:
        _look_around(bursts, hand, "1000")
        bursts.add("select_1000", hand, lambda: hand.select(_EVENTS))
        _sharpen(bursts, hand)
    with hand_on(scene, (3840, 2160)) as hand:
        _pan(bursts, hand, "pan_4k")
    scene = _scene(work, "thousands", (4000, 3000), 5000, (12, 50))
    with hand_on(scene) as hand:
        _look_around(bursts, hand, "5000")
        _sharpen(bursts, hand)
    masks = dense_masks(500, 4000, 3000)
    dense = project(work, "dense", [photo(_folder(work, "dense") / "a.jpg", 4000, 3000)], masks)
    with hand_on(dense) as hand:
        _pan(bursts, hand, "pan_dense")
        _sharpen(bursts, hand)
    for name in _BARS:
        yield bursts.row(name)


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


def _scene(
    work: Path, name: str, size: tuple[int, int], count: int, radii: tuple[int, int]
) -> Path:
    outlines = list(polygons(count, *size, radii))
    picture = photo(_folder(work, name) / "photo.jpg", *size)
    return project(work, name, [picture], polygon_masks(outlines))


def _folder(work: Path, name: str) -> Path:
    folder = work / f"{name}_images"
    folder.mkdir()
    return folder
