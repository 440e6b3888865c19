import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mrcnn_gui.ui.canvas.compose import compose
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.style import Layer, Patch, Style

PLAIN = Style(fill=1, border=2, border_width=2, halo=3, halo_width=1)
THICK = Style(fill=4, border=5, border_width=3, halo=6, halo_width=2)
BARE = Style(fill=0, border=7, border_width=1)
DASHED = Style(fill=0, border=8, border_width=2, gap=9, dash=4)
WIDTH, HEIGHT = 48, 36


def shown(layer: Layer, grid: Grid) -> NDArray[np.bool_]:
    """Which view pixels show the mask, with 8 pixels around the view, one by one."""
    bitmap = np.zeros((HEIGHT + 16, WIDTH + 16), bool)
    for row in range(bitmap.shape[0]):
        for column in range(bitmap.shape[1]):
            x = int(np.floor((column - 8 + 0.5 - grid.x) / grid.scale)) - layer.x
            y = int(np.floor((row - 8 + 0.5 - grid.y) / grid.scale)) - layer.y
            inside = 0 <= x < layer.crop.shape[1] and 0 <= y < layer.crop.shape[0]
            bitmap[row, column] = inside and layer.crop[y, x]
    return bitmap


def spread(bitmap: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """Pixels with one of the bitmap's in the disc around them."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    result = np.zeros_like(bitmap)
    for dy, dx in np.argwhere(disc) - radius:
        result |= np.roll(bitmap, (dy, dx), (0, 1))
    return result


def reference(layers: list[Layer], grid: Grid) -> NDArray[np.uint32]:
    pixels = np.zeros((HEIGHT + 16, WIDTH + 16), np.uint32)
    bitmaps = [shown(layer, grid) for layer in layers]
    for layer, bitmap in zip(layers, bitmaps, strict=True):
        pixels[bitmap & (layer.style.fill > 0)] = layer.style.fill
    for layer, bitmap in zip(layers, bitmaps, strict=True):
        if layer.style.halo:
            pixels[spread(bitmap, layer.style.halo_width) & ~bitmap] = layer.style.halo
    for layer, bitmap in zip(layers, bitmaps, strict=True):
        pixels[bitmap & spread(~bitmap, layer.style.border_width)] = layer.style.border
    return pixels[8:-8, 8:-8]


def whole(layers: list[Layer], grid: Grid) -> NDArray[np.uint32]:
    pixels = np.full((HEIGHT, WIDTH), 99, np.uint32)
    compose(pixels, (0, 0, WIDTH, HEIGHT), layers, grid)
    return pixels


@st.composite
def layers(draw: st.DrawFn, styles: tuple[Style, ...] = (PLAIN, THICK, BARE)) -> list[Layer]:
    made = []
    for _ in range(draw(st.integers(1, 3))):
        seed, side = draw(st.integers(0, 99)), draw(st.integers(1, 40))
        noise = cv2.blur(np.random.default_rng(seed).random((side, side)), (3, 3))
        x, y = draw(st.integers(-30, 50)), draw(st.integers(-30, 50))
        made.append(Layer(noise > 0.5, x, y, draw(st.sampled_from(styles))))
    return made


grids = st.builds(
    Grid,
    st.sampled_from([0.23, 0.5, 1.0, 1.7, 4.0, 9.3]),
    st.integers(-60, 20),
    st.integers(-60, 20),
)


@settings(max_examples=40, deadline=None)
@given(layers(), grids)
def test_the_picture_equals_a_slow_reference(made: list[Layer], grid: Grid) -> None:
    np.testing.assert_array_equal(whole(made, grid), reference(made, grid))


@settings(max_examples=100, deadline=None)
@given(
    layers((PLAIN, THICK, BARE, DASHED)),
    grids,
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, 20),
)
def test_a_part_equals_the_same_part_of_the_whole(
    made: list[Layer], grid: Grid, left: int, top: int, side: int
) -> None:
    expected = whole(made, grid)
    pixels = expected.copy()
    right, bottom = min(left + side, WIDTH), min(top + side, HEIGHT)
    pixels[top:bottom, left:right] = 99
    compose(pixels, (left, top, right, bottom), made, grid)
    np.testing.assert_array_equal(pixels, expected)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 99),
    st.tuples(st.integers(-30, 50), st.integers(-30, 50)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    grids,
)
def test_a_patch_holds_in_place_of_what_is_under_it_and_beyond(
    seed: int, corner: tuple[int, int], size: tuple[int, int], grid: Grid
) -> None:
    generator = np.random.default_rng(seed)
    crop, patch = generator.random((30, 25)) < 0.7, generator.random(size[::-1]) < 0.7
    x, y = corner
    both = np.zeros((140, 140), bool)
    both[40 : 40 + 30, 45 : 45 + 25] = crop
    both[40 + y : 40 + y + size[1], 40 + x : 40 + x + size[0]] = patch
    patched = Layer(crop, 5, 0, PLAIN, Patch(patch, x, y))
    plain = Layer(both, -40, -40, PLAIN)
    np.testing.assert_array_equal(whole([patched], grid), whole([plain], grid))


@pytest.mark.parametrize("count", [10, 33, 8193])
def test_any_number_of_layers_keep_their_colours_and_the_later_ones_lie_on_top(count: int) -> None:
    pixels = np.zeros((100, 100), np.uint32)
    layers = [
        Layer(np.ones((1, 2), bool), it % 99, it // 99, Style(it + 1, it + 10_001, it % 2))
        for it in range(count)
    ]
    compose(pixels, (0, 0, 100, 100), layers, Grid(1.0, 0, 0))
    expected = np.zeros((100, 100), np.uint32)
    for it in [*range(0, count, 2), *range(1, count, 2)]:  # borders lie over all fills
        color = it + 1 + (10_000 if it % 2 else 0)
        expected[it // 99, it % 99 : it % 99 + 2] = color
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0, -1.0, -0.5])
def test_dashes_alternate_along_outlines_of_every_slope(slope: float) -> None:
    columns, rows = np.meshgrid(np.arange(200), np.arange(200))
    below = rows > 100 + slope * (columns - 100)
    pixels = np.zeros((100, 100), np.uint32)
    compose(pixels, (0, 0, 100, 100), [Layer(below, -50, -50, DASHED)], Grid(1.0, 0, 0))
    dashes, gaps = np.count_nonzero(pixels == 8), np.count_nonzero(pixels == 9)
    assert min(dashes, gaps) > 0.4 * (dashes + gaps)
    first = (pixels != 0).argmax(axis=0)
    line = pixels[first, np.arange(100)][10:90]
    runs = np.diff(np.flatnonzero(np.diff(line.astype(int))))
    assert runs.size > 5
    assert runs.max() <= 9


def test_the_slope_of_a_large_mask_does_not_matter_when_it_fills_the_view() -> None:
    pixels = whole([Layer(np.ones((4000, 4000), bool), -2000, -2000, PLAIN)], Grid(1.0, 0, 0))
    assert (pixels == PLAIN.fill).all()
