import numpy as np
import pytest

from mrcnn_gui.ui.canvas.compose import Box, Grid, Layer, Style
from mrcnn_gui.ui.canvas.overlay import Overlay

STYLE = Style(fill=1, border=2, border_width=2, halo=3, halo_width=1, gap=4)
WIDTH, HEIGHT = 120, 90


def blobs() -> list[Layer]:
    generator = np.random.default_rng(0)
    return [
        Layer(generator.random((12, 15)) > 0.3, int(x), int(y), STYLE)
        for x, y in generator.integers(-20, 110, (25, 2))
    ]


def fresh(grid: Grid, layers: list[Layer]) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    overlay = Overlay()
    overlay.place(grid, WIDTH, HEIGHT)
    overlay.refresh(layers)
    return overlay.pixels.copy()


@pytest.mark.parametrize("moves", [[(5, -3)], [(-40, 20), (3, 3)], [(0, 500)], [(-7, 0), (7, 0)]])
def test_a_pan_composes_only_what_came_into_view(moves: list[tuple[int, int]]) -> None:
    layers = blobs()
    overlay = Overlay()
    grid = Grid(1.5, 0, 0)
    overlay.place(grid, WIDTH, HEIGHT)
    overlay.refresh(layers)
    for dx, dy in moves:
        grid = Grid(grid.scale, grid.x + dx, grid.y + dy)
        overlay.place(grid, WIDTH, HEIGHT)
    overlay.refresh(layers)
    np.testing.assert_array_equal(overlay.pixels, fresh(grid, layers))


def test_a_change_before_a_pan_is_not_lost() -> None:
    layers = blobs()
    overlay = Overlay()
    overlay.place(Grid(1.0, 0, 0), WIDTH, HEIGHT)
    overlay.refresh(layers)
    gone = layers.pop(3)
    overlay.invalidate(gone.box_xyxy)
    overlay.place(Grid(1.0, 9, 4), WIDTH, HEIGHT)
    overlay.refresh(layers)
    np.testing.assert_array_equal(overlay.pixels, fresh(Grid(1.0, 9, 4), layers))


def test_a_new_scale_or_size_composes_everything() -> None:
    layers = blobs()
    overlay = Overlay()
    for grid in (Grid(1.0, 0, 0), Grid(2.0, 0, 0)):
        overlay.place(grid, WIDTH, HEIGHT)
        overlay.refresh(layers)
        np.testing.assert_array_equal(overlay.pixels, fresh(grid, layers))
    overlay.place(Grid(2.0, 0, 0), 60, 40)
    overlay.refresh(layers)
    np.testing.assert_array_equal(overlay.pixels, fresh(Grid(2.0, 0, 0), layers)[:40, :60])


@pytest.mark.parametrize("scale", [0.4, 1.0, 6.5])
def test_changes_leave_the_same_picture_as_composing_anew(scale: float) -> None:
    layers, grid = blobs(), Grid(scale, -30, -10)
    overlay = Overlay()
    overlay.place(grid, WIDTH, HEIGHT)
    for index in (0, 4, 9):
        overlay.refresh(layers)
        before = layers[index]
        layers[index] = Layer(before.crop, before.x + 6, before.y - 2, STYLE)
        boxes: tuple[Box, ...] = (before.box_xyxy, layers[index].box_xyxy)
        for box in boxes:
            overlay.invalidate(box)
    overlay.refresh(layers)
    np.testing.assert_array_equal(overlay.pixels, fresh(grid, layers))


def test_what_is_out_of_view_asks_for_no_repaint() -> None:
    overlay = Overlay()
    overlay.place(Grid(1.0, 0, 0), WIDTH, HEIGHT)
    assert overlay.invalidate((1000, 1000, 1010, 1010)) is None
