"""Of an image of 16 bit, a narrow stretch of values can be looked at without steps."""

from pathlib import Path

import numpy as np
import pyvips

from core.images import read_deep, read_rgb
from mrcnn_gui.services.image_reading import read_pyramid
from mrcnn_gui.services.jobs import Job
from mrcnn_gui.services.look import Tone
from mrcnn_gui.ui.canvas.backdrop import Backdrop


def write_ramp(path: Path, bands: int) -> None:
    """Values 1000 to 1999 from left to right, one pixel of 0 and one of 65535."""
    ramp = np.tile(np.arange(1000, 2000, dtype=np.uint16), (8, 1))
    ramp[0, 0], ramp[0, 1] = 0, 65535
    pixels = np.repeat(ramp[:, :, None], bands, axis=2)
    image = pyvips.Image.new_from_array(pixels)
    image.copy(interpretation="grey16" if bands == 1 else "rgb16").write_to_file(str(path))


def test_a_narrow_window_shows_all_values_and_the_data_stay(tmp_path: Path) -> None:
    for bands, name in ((1, "grey.png"), (3, "rgb.tif")):
        path = tmp_path / name
        write_ramp(path, bands)
        pyramid = read_pyramid(path, None, job=Job(read_pyramid, (), print))
        assert not isinstance(pyramid, str)
        box = 0, 2, 1000, 3
        plain = Backdrop(pyramid).pixels(1.0, box) & 0xFF
        assert 4 <= len(np.unique(plain)) <= 6
        tone = Tone(black=1000 / 65535, white=2000 / 65535)
        seen = (Backdrop(pyramid, tone).pixels(1.0, box) & 0xFF).astype(int)[0]
        assert len(np.unique(seen)) > 250
        assert np.abs(seen - np.arange(1000) * 255 / 1000).max() <= 1
        difference = pyramid.levels[0][:, :].astype(int) - read_rgb(path)
        assert np.abs(difference).max() <= 1


def test_images_of_8_bit_are_not_deep(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    pyvips.Image.new_from_array(np.zeros((5, 5, 3), np.uint8)).write_to_file(str(path))
    assert read_deep(path) is None
