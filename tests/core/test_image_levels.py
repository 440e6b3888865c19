import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from core.image_levels import (
    build_levels,
    read_jpeg_from_afar,
    sample_from_afar,
    stored_levels,
)
from core.images import ImageReadError, read_rgb

WIDTH, HEIGHT = 1400, 1001


def smooth(width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    small = np.random.default_rng(0).integers(0, 256, (12, 16, 3), np.uint8)
    large = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, dtype=np.uint8)


def write(path: Path, pixels: NDArray[np.generic], **options: object) -> Path:
    pyvips.Image.new_from_array(pixels).write_to_file(str(path), **options)
    return path


def never() -> bool:
    return False


@pytest.fixture
def built(tmp_path: Path) -> Path:
    source = write(tmp_path / "photo.png", smooth())
    shares: list[float] = []
    build_levels(source, tmp_path / "levels.tif", on_progress=shares.append, should_stop=never)
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    return tmp_path / "levels.tif"


@pytest.fixture
def _time_for_all_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is."""
    monkeypatch.setattr("core.image_levels._SAMPLE_SECONDS", 60.0)


def test_levels_halve_the_image_and_read_any_part(built: Path) -> None:
    levels = stored_levels(built)
    assert levels[0].shape == (HEIGHT, WIDTH, 3)
    for larger, smaller in itertools.pairwise(levels):
        assert abs(smaller.shape[1] - larger.shape[1] / 2) <= 1
    part = levels[0][300:700, 500:1100]
    np.testing.assert_array_equal(part, smooth()[300:700, 500:1100])
    half = cv2.resize(smooth()[:1000], (700, 500), interpolation=cv2.INTER_AREA)
    assert np.abs(levels[1][:, :].astype(int) - half).max() <= 1


def test_a_file_of_unrelated_pages_or_of_one_is_none_of_levels(tmp_path: Path) -> None:
    assert stored_levels(write(tmp_path / "a.png", smooth(60, 40))) == []
    pages = smooth(64, 128)
    write(tmp_path / "pages.tif", pages, page_height=64, tile=True, tile_width=64, tile_height=64)
    assert stored_levels(tmp_path / "pages.tif") == []


def test_16_bit_levels_are_stretched(tmp_path: Path) -> None:
    values = (smooth()[:, :, 0].astype(np.uint16) * 16) + 1000
    path = write(
        tmp_path / "scan.tif", values, tile=True, tile_width=256, tile_height=256, pyramid=True
    )
    levels = stored_levels(path)
    assert len(levels) > 2
    pixels = levels[0][0:400, 0:400]
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 2])
    shown = levels[0][:, :]
    assert shown.max() > 240
    assert shown.min() < 15
    order = np.argsort(values[:400, :400], axis=None, kind="stable")
    assert (np.diff(pixels[:, :, 0].ravel()[order].astype(int)) >= 0).all()


@pytest.mark.parametrize("shrink", [2, 4, 8])
def test_a_jpeg_is_decoded_small(tmp_path: Path, shrink: int) -> None:
    path = write(tmp_path / "photo.jpg", smooth(), Q=95)
    seen = read_jpeg_from_afar(path, shrink)
    size = WIDTH // shrink, HEIGHT // shrink
    assert seen.shape == (size[1], size[0], 3)
    wanted = cv2.resize(read_rgb(path), size, interpolation=cv2.INTER_AREA)
    assert np.abs(seen.astype(int) - wanted).mean() < 3


@pytest.mark.usefixtures("_time_for_all_tiles")
def test_tiles_tell_how_a_flat_scan_looks(tmp_path: Path) -> None:
    pixels = smooth(3000, 2600)
    path = write(tmp_path / "flat.tif", pixels, tile=True, tile_width=256, tile_height=256)
    seen = sample_from_afar(path)
    assert seen is not None
    assert 1250 <= max(seen.shape) <= 3000
    wanted = cv2.resize(pixels, seen.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(seen.astype(int) - wanted).mean() < 3
    assert sample_from_afar(write(tmp_path / "strips.tif", pixels)) is None


@pytest.mark.usefixtures("_time_for_all_tiles")
@pytest.mark.parametrize("bands", [1, 2, 4])
def test_grey_and_alpha_have_three_channels_from_afar(tmp_path: Path, bands: int) -> None:
    pixels = np.full((1400, 1300, bands), 255, np.uint8)
    pixels[:, :, 0] = smooth(1300, 1400)[:, :, 0]
    path = write(tmp_path / "flat.tif", pixels, tile=True, tile_width=256, tile_height=256)
    seen = sample_from_afar(path)
    assert seen is not None
    assert seen.shape == (1400, 1300, 3)
    np.testing.assert_array_equal(seen, read_rgb(path))


def test_a_full_disk_is_no_fault_of_the_image(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    source, target = write(tmp_path / "photo.png", smooth()), tmp_path / "cache" / "levels.tif"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            build_levels(source, target, on_progress=lambda _: None, should_stop=never)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(target.parent.iterdir()) == []


def test_a_build_that_is_stopped_leaves_nothing(tmp_path: Path) -> None:
    source = write(tmp_path / "photo.png", smooth(3000, 3000))
    target = tmp_path / "cache" / "levels.tif"
    build_levels(source, target, on_progress=lambda _: None, should_stop=lambda: True)
    assert list(target.parent.iterdir()) == []


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    source = write(tmp_path / "photo.jpg", smooth(), Q=95)
    source.write_bytes(source.read_bytes()[:20_000])
    with pytest.raises(ImageReadError, match=r"photo\.jpg"):
        read_jpeg_from_afar(source, 2)
    with pytest.raises(ImageReadError, match=r"photo\.jpg"):
        build_levels(source, tmp_path / "x.tif", on_progress=lambda _: None, should_stop=never)
    assert not (tmp_path / "x.tif").exists()
