import numpy as np
import pytest

from mrcnn_gui.services.look import Tone
from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.ui.canvas.backdrop import Backdrop
from mrcnn_gui.ui.canvas.viewport import Viewport
from tests.helpers.photos import photo
from tests.helpers.reference_picture import _image

WIDTH, HEIGHT = 1203, 801
BACKDROP = Backdrop(Pyramid.of(photo(3, WIDTH, HEIGHT)))
SCALES = [0.07, 0.31, 0.5, 0.83, 1.0, 1.6, 3.99, 4.0, 7.77]


@pytest.mark.parametrize("scale", SCALES)
def test_the_image_equals_a_slow_reference(scale: float) -> None:
    left, top, right, bottom = BACKDROP.bounds(scale)
    right, bottom = min(right, 900), min(bottom, 700)
    pixels = BACKDROP.pixels(scale, (left, top, right, bottom))
    rgb = np.stack([(pixels >> shift) & 0xFF for shift in (16, 8, 0)], axis=2)
    viewport = Viewport(WIDTH, HEIGHT, right, bottom, scale, 0.0, 0.0)
    np.testing.assert_array_equal(rgb, _image(BACKDROP.pyramid, viewport, Tone()))
    assert (pixels >> 24 == 255).all()


@pytest.mark.parametrize("scale", SCALES)
def test_a_part_equals_the_same_part_of_the_whole(scale: float) -> None:
    _, _, right, bottom = BACKDROP.bounds(scale)
    right, bottom = min(right, 900), min(bottom, 700)
    whole = BACKDROP.pixels(scale, (0, 0, right, bottom))
    for box in ((right // 3, bottom // 4, right, bottom), (5, 7, right // 2 + 1, bottom // 2 + 1)):
        part = BACKDROP.pixels(scale, box)
        np.testing.assert_array_equal(part, whole[box[1] : box[3], box[0] : box[2]])


def test_only_what_is_seen_is_read() -> None:
    read: list[tuple[slice, slice]] = []

    class Spy:
        shape = (800, 1200, 3)
        nbytes = 0

        def __getitem__(
            self, part: tuple[slice, slice]
        ) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
            read.append(part)
            return np.zeros((*(it.stop - it.start for it in part), 3), np.uint8)

    backdrop = Backdrop(Pyramid((Spy(),), 1200, 800))
    backdrop.pixels(2.0, (1000, 600, 1100, 650))
    [(rows, columns)] = read
    assert rows.stop - rows.start <= 25 + 3
    assert columns.stop - columns.start <= 50 + 3
