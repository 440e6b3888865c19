from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.masks import Mask
from mrcnn_gui.ui.canvas.tools.stroke import Stroke, capsule

WIDTH, HEIGHT = 60, 50
POINTS = st.tuples(st.floats(-20, 80), st.floats(-20, 70))


def slow_capsule(
    start: tuple[float, float], stop: tuple[float, float], radius: float
) -> NDArray[np.bool_]:
    """Pixels of the image whose centre is near the line, measured one by one."""
    bitmap = np.zeros((HEIGHT, WIDTH), bool)
    a, b = np.array(start), np.array(stop)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            centre = np.array([column + 0.5, row + 0.5])
            length = float((b - a) @ (b - a))
            along = min(max(float((centre - a) @ (b - a)) / length, 0), 1) if length > 0 else 0.0
            bitmap[row, column] = np.hypot(*(centre - a - along * (b - a))) <= radius
    column, row = int(np.floor(stop[0])), int(np.floor(stop[1]))
    if 0 <= column < WIDTH and 0 <= row < HEIGHT:
        bitmap[row, column] = True
    return bitmap


@settings(max_examples=25, deadline=None)
@given(POINTS, POINTS, st.floats(0.5, 15))
def test_a_capsule_holds_the_pixels_near_its_line(
    start: tuple[float, float], stop: tuple[float, float], radius: float
) -> None:
    box, bitmap = capsule(start, stop, radius)
    painted = Mask.from_bitmap(bitmap, box[0], box[1]).to_bitmap(HEIGHT, WIDTH)
    narrow = slow_capsule(start, stop, radius - 1e-6)
    wide = slow_capsule(start, stop, radius + 1e-6)
    assert not (narrow & ~painted).any()
    assert not (painted & ~wide).any()


def test_the_smallest_brush_paints_the_pixel_under_the_cursor() -> None:
    box, bitmap = capsule((7.9, 3.1), (7.9, 3.1), 0.5)
    assert Mask.from_bitmap(bitmap, box[0], box[1]) == Mask.from_bitmap(np.ones((1, 1)), 7, 3)


@settings(max_examples=30, deadline=None)
@given(st.lists(POINTS, min_size=2, max_size=6), st.booleans())
def test_a_stroke_is_the_union_of_its_lines_within_the_image(
    points: list[tuple[float, float]], erase: bool
) -> None:
    before = Mask.from_bitmap(np.ones((15, 20), bool), 20, 10)
    stroke = Stroke(before, erase=erase, width=WIDTH, height=HEIGHT)
    painted = Mask.empty()
    for start, stop in pairwise(points):
        stroke.add(start, stop, 6.0)
        box, bitmap = capsule(start, stop, 6.0)
        painted = painted.union(Mask.from_bitmap(bitmap, box[0], box[1]).clip(WIDTH, HEIGHT))
    expected = before.subtract(painted) if erase else before.union(painted)
    assert stroke.mask == expected


def test_the_dirty_box_holds_every_changed_pixel() -> None:
    stroke = Stroke(Mask.empty(), erase=False, width=WIDTH, height=HEIGHT)
    for start, stop in (((10, 10), (20, 12)), ((20, 12), (55, 45)), ((55, 45), (5, 48))):
        before = stroke.mask
        dirty = stroke.add(start, stop, 4.0)
        changed = before.xor(stroke.mask)
        assert dirty is not None
        left, top, right, bottom = changed.box_xyxy
        assert dirty[0] <= left
        assert dirty[1] <= top
        assert dirty[2] >= right
        assert dirty[3] >= bottom


def test_a_stroke_out_of_the_image_changes_nothing() -> None:
    stroke = Stroke(Mask.empty(), erase=False, width=WIDTH, height=HEIGHT)
    assert stroke.add((-30, -30), (-20, 90), 5.0) is None
    assert stroke.mask.is_empty


@settings(max_examples=60, deadline=None)
@given(st.lists(POINTS, min_size=2, max_size=4), st.booleans(), st.integers(0, 40))
def test_what_a_stroke_flipped_is_what_differs(
    points: list[tuple[float, float]], erase: bool, seed: int
) -> None:
    noise = np.random.default_rng(seed).random((25, 30)) < 0.5
    before = Mask.from_bitmap(noise, 20, 10) if seed else Mask.empty()
    stroke = Stroke(before, erase=erase, width=WIDTH, height=HEIGHT)
    for start, stop in pairwise(points):
        stroke.add(start, stop, 5.0)
    assert stroke.flipped == before.xor(stroke.mask)
    assert stroke.is_empty == stroke.mask.is_empty
