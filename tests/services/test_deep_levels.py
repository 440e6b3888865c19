"""Of an image of 16 bit, a narrow stretch of values can be looked at without steps."""

from pathlib import Path

import numpy as np
import pytest
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


def test_a_large_file_with_levels_keeps_its_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.services.image_reading.LARGE_PIXELS", 1000)
    path = tmp_path / "levels.tif"
    ramp = np.tile(np.arange(3000, dtype=np.uint16) * 20, (600, 1))[:, :, None]
    image = pyvips.Image.new_from_array(ramp).copy(interpretation="grey16")
    image.tiffsave(str(path), tile=True, tile_width=256, tile_height=256, pyramid=True)
    pyramid = read_pyramid(path, None, job=Job(read_pyramid, (), print))
    assert not isinstance(pyramid, str)
    assert pyramid.is_whole
    for scale in (1.0, 0.4):
        row = 0, 100, int(3000 * scale), 101
        plain = Backdrop(pyramid).pixels(scale, row)[0, 40] & 0xFF
        seen = Backdrop(pyramid, Tone(white=0.05)).pixels(scale, row)[0] & 0xFF
        assert plain < 15
        assert len(np.unique(seen[: int(150 * scale)])) > 45


def test_images_of_8_bit_are_not_deep(tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    pyvips.Image.new_from_array(np.zeros((5, 5, 3), np.uint8)).write_to_file(str(path))
    assert read_deep(path) is None
