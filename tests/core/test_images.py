import logging
import os
import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray

from core.images import (
    LARGEST_DECODED,
    LARGEST_IMAGE,
    ImageInfo,
    ImageReadError,
    content_hash,
    list_images,
    read_info,
    read_rgb,
)
from tests.helpers.data import shared_data
from tests.helpers.photos import write_bomb

Pixels = NDArray[np.uint8]


def photo(height: int = 48, width: int = 64) -> Pixels:
    """Smooth colours, different in every corner."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    colours = np.rint(np.dstack([x, y, 0.5 + 0.5 * x * y]) * 255)
    return np.asarray(colours, dtype=np.uint8)


def write(path: Path, pixels: NDArray[np.generic], kind: str = "srgb", **options: object) -> Path:
    pyvips.Image.new_from_array(pixels, interpretation=kind).write_to_file(str(path), **options)
    return path


# Where each EXIF orientation stores the upright picture.
STORED: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: np.rot90(image, 1),
    7: lambda image: image.transpose(1, 0, 2)[::-1, ::-1],
    8: lambda image: np.rot90(image, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png"])
def test_every_orientation_is_read_upright(tmp_path: Path, orientation: int, suffix: str) -> None:
    stored = np.ascontiguousarray(STORED[orientation](photo()))
    image = pyvips.Image.new_from_array(stored, interpretation="srgb").copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    path = tmp_path / f"image{suffix}"
    image.write_to_file(str(path))
    assert read_info(path) == ImageInfo(64, 48, 1, 8, orientation)
    for max_side in (None, 32):
        expected = photo() if max_side is None else photo(24, 32)
        found = read_rgb(path, max_side=max_side)
        assert found.shape == expected.shape
        assert np.abs(found.astype(int) - expected).max() < 16


def test_pixels_are_the_caller_s_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.png", photo())
    pixels = read_rgb(path)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert np.array_equal(pixels, photo())
    pixels[:] = 0
    assert np.array_equal(read_rgb(path), photo())


@pytest.mark.parametrize("max_side", [None, 16])
def test_grey_becomes_three_channels(tmp_path: Path, max_side: int | None) -> None:
    pixels = read_rgb(write(tmp_path / "g.png", photo()[:, :, 0], "b-w"), max_side=max_side)
    assert pixels.shape[2] == 3
    assert np.array_equal(pixels[:, :, 0], pixels[:, :, 2])


@pytest.mark.parametrize("max_side", [None, 16])
def test_alpha_is_flattened_on_white(tmp_path: Path, max_side: int | None) -> None:
    alpha = np.zeros((48, 64, 1), dtype=np.uint8)
    alpha[:, 32:] = 255
    path = write(tmp_path / "a.png", np.concatenate([photo(), alpha], axis=2))
    pixels = read_rgb(path, max_side=max_side)
    assert (pixels[:, : pixels.shape[1] // 2 - 2] >= 250).all()
    assert pixels[0, -1].tolist() == pytest.approx([255, 0, 128], abs=16)


def test_grey_with_alpha_is_flattened_too(tmp_path: Path) -> None:
    pixels = np.dstack([np.zeros((5, 6)), np.zeros((5, 6))]).astype(np.uint8)
    assert (read_rgb(write(tmp_path / "ga.png", pixels, "b-w")) == 255).all()


@pytest.mark.parametrize("max_side", [None, 16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_stretched(tmp_path: Path, suffix: str, max_side: int | None) -> None:
    deep = (photo().astype(np.uint16) * 4 + 1000)[:, :, 0]
    path = write(tmp_path / f"d{suffix}", deep, "grey16")
    assert read_info(path).bit_depth == 16
    pixels = read_rgb(path, max_side=max_side)
    assert pixels[0, 0].tolist() == pytest.approx([0, 0, 0], abs=6)
    assert pixels[0, -1].tolist() == pytest.approx([255, 255, 255], abs=6)
    if max_side is None:
        assert np.abs(pixels[:, :, 1].astype(int) - photo()[:, :, 0]).max() <= 1


def test_floats_are_stretched_whatever_is_not_finite(tmp_path: Path) -> None:
    values = photo()[:, :, 0].astype(np.float32) / 7
    values[3, 3], values[4, 4] = np.nan, np.inf
    path = write(tmp_path / "f.tif", values, "b-w")
    assert read_info(path).bit_depth == 32
    pixels = read_rgb(path)
    assert (pixels[0, -1, 0], pixels[3, 3, 0], pixels[4, 4, 0]) == (255, 0, 255)


def test_a_palette_is_resolved(tmp_path: Path) -> None:
    blocks = np.kron(np.array([[0, 255], [128, 64]], dtype=np.uint8), np.ones((8, 8), np.uint8))
    pixels = np.dstack([blocks, 255 - blocks, blocks // 2])
    assert np.array_equal(read_rgb(write(tmp_path / "p.png", pixels, palette=True)), pixels)


@pytest.mark.parametrize("max_side", [None, 24])
def test_cmyk_is_converted(tmp_path: Path, max_side: int | None) -> None:
    image = pyvips.Image.new_from_array(photo(), interpretation="srgb").colourspace("cmyk")
    path = tmp_path / "c.jpg"
    image.write_to_file(str(path), Q=95)
    pixels = read_rgb(path, max_side=max_side)
    expected = photo() if max_side is None else photo(18, 24)
    assert np.abs(pixels.astype(int) - expected).mean() < 20  # inks do not reach every colour


@pytest.mark.parametrize("kind", ["multiband", "srgb"])
def test_of_many_channels_the_first_three_are_read(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "m.tif", np.dstack([photo(), photo()[:, :, :2]]), kind)
    assert np.array_equal(read_rgb(path), photo())
    assert np.abs(read_rgb(path, max_side=32).astype(int) - photo(24, 32)).max() < 16


@pytest.mark.parametrize(("dtype", "kind"), [(np.uint8, "b-w"), (np.uint16, "grey16")])
def test_one_pixel_is_an_image(tmp_path: Path, dtype: type[np.generic], kind: str) -> None:
    path = write(tmp_path / "one.png", np.full((1, 1), 7, dtype=dtype), kind)
    assert read_info(path).width == 1
    assert read_rgb(path).shape == (1, 1, 3)
    assert read_rgb(path, max_side=8).shape == (1, 1, 3)


def test_pages_are_counted_and_the_first_is_read(tmp_path: Path) -> None:
    both = np.concatenate([photo(), 255 - photo()])
    path = tmp_path / "p.tif"
    write(path, both, page_height=48)
    assert read_info(path) == ImageInfo(width=64, height=48, pages=2, bit_depth=8)
    assert np.array_equal(read_rgb(path), photo())


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
@pytest.mark.parametrize("size", [(480, 640), (640, 480), (300, 3)])
def test_max_side_shrinks_and_never_enlarges(
    tmp_path: Path, suffix: str, size: tuple[int, int]
) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix == ".bmp":
        path.write_bytes(bmp(photo(*size)))
    else:
        write(path, photo(*size))
    small = read_rgb(path, max_side=160)
    assert max(small.shape[:2]) == 160
    assert small.shape[0] / size[0] == pytest.approx(small.shape[1] / size[1], rel=0.5)
    assert read_rgb(path, max_side=1000).shape == (*size, 3)


def bmp(pixels: Pixels) -> bytes:
    done, data = cv2.imencode(".bmp", np.ascontiguousarray(pixels[..., ::-1]))
    assert done
    return data.tobytes()


@pytest.mark.parametrize("name", ["a.bmp", "药品 ü.bmp", "named wrongly.jpg"])
def test_bmp_is_read_by_its_content(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(bmp(photo()))
    assert read_info(path) == ImageInfo(width=64, height=48, pages=1, bit_depth=8)
    assert np.array_equal(read_rgb(path), photo())


@pytest.mark.parametrize("name", ["药品 ü.jpg", "a[1].jpg", "a[page=1].png", "n" * 251 + ".png"])
@pytest.mark.parametrize("max_side", [None, 32])
def test_any_name_can_be_read(tmp_path: Path, name: str, max_side: int | None) -> None:
    source = write(tmp_path / f"a{Path(name).suffix}", photo())
    path = source.rename(tmp_path / name)
    assert read_info(path).width == 64
    assert read_rgb(path, max_side=max_side).shape[1] == (max_side or 64)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are not text")
def test_a_name_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))
    write(tmp_path / "a.jpg", photo()).rename(path)
    with pytest.raises(ImageReadError, match="UTF-8"):
        read_rgb(path)


@pytest.mark.parametrize("max_side", [None, 16])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".bmp"])
@pytest.mark.parametrize("part", [0.02, 0.5, 0.9])
def test_a_truncated_file_is_an_error(
    tmp_path: Path,
    suffix: str,
    part: float,
    max_side: int | None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3)).astype(np.uint8)
    path = tmp_path / f"cut{suffix}"
    data = bmp(noise) if suffix == ".bmp" else write(path, noise).read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with caplog.at_level(logging.WARNING), pytest.raises(ImageReadError, match=f"cut{suffix}: .+"):
        read_rgb(path, max_side=max_side)
    assert not caplog.records
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"no image at all " * 9, "not an image of a known format"),
        (b"BM", "cut off"),
        (b"BM" + bytes(100), "size of 0 x 0"),
    ],
)
def test_what_is_no_image_is_an_error(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    for read in (read_info, read_rgb):
        with pytest.raises(ImageReadError, match=f"bad.jpg: .*{reason}"):
            read(path)


def test_a_missing_file_and_a_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ImageReadError, match=r"none\.jpg: No such file"):
        read_info(tmp_path / "none.jpg")
    with pytest.raises(ImageReadError, match="cannot read image"):
        read_rgb(tmp_path)


@pytest.mark.parametrize("kind", ["png", "bmp"])
@pytest.mark.parametrize(
    ("side", "read", "most"),
    [
        (100_000, read_info, LARGEST_IMAGE),
        (100_000, read_rgb, LARGEST_DECODED),
        (30_000, read_rgb, LARGEST_DECODED),
        (100_000, lambda path: read_rgb(path, max_side=64), LARGEST_IMAGE),
    ],
)
def test_a_bomb_is_refused_with_the_figure_before_memory_is_taken(
    tmp_path: Path, kind: str, side: int, read: Callable[[Path], object], most: int
) -> None:
    path = tmp_path / f"bomb.{kind}"
    if kind == "png":
        write_bomb(path, side, side)
    else:
        most = min(most, LARGEST_DECODED) if read is not read_info else most
        path.write_bytes(b"BM" + struct.pack("<IIIIiiHH", 60, 0, 54, 40, side, side, 1, 24))
    tracemalloc.start()
    try:
        with pytest.raises(ImageReadError, match=f"{side:,} x {side:,} pixels, .* {most:,}"):
            read(path)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000  # numpy's arrays are traced
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("max_side", [None, 32])
def test_a_replaced_file_is_read_again(tmp_path: Path, max_side: int | None) -> None:
    path = write(tmp_path / "a.png", photo())
    before = read_rgb(path, max_side=max_side)
    write(path, 255 - photo())
    after = read_rgb(path, max_side=max_side)
    assert np.abs(after.astype(int) - (255 - before)).max() <= 2


def test_a_real_photo_is_what_opencv_reads() -> None:
    paths = sorted((shared_data("coco_mini") / "images").iterdir())[:5]
    for path in paths:
        expected = cv2.imread(str(path))
        assert expected is not None
        assert np.abs(read_rgb(path).astype(int) - expected[:, :, ::-1]).max() <= 2


def test_the_list_is_recursive_natural_and_without_hidden_folders(tmp_path: Path) -> None:
    names = ["b10.JPG", "B9.png", "a/x.tiff", ".mrcnn/cache.png", ".hidden.png", "notes.txt"]
    names += ["a/10/y.webp", "a/9/y.bmp", "img2.jpeg", "IMG1.tif"]
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.png").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found == [
        "a/9/y.bmp",
        "a/10/y.webp",
        "a/x.tiff",
        "B9.png",
        "b10.JPG",
        "IMG1.tif",
        "img2.jpeg",
    ]


def test_names_that_differ_in_kind_can_be_sorted(tmp_path: Path) -> None:
    for name in ("a.png", "1.png", "a1.png", "1a.png", "٣.png", "²x.png"):
        (tmp_path / name).touch()
    assert len(list_images(tmp_path)) == 6


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
def test_links_are_followed_once(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "a.png").touch()
    (outside / "b.png").touch()
    (inside / "loop").symlink_to(inside)
    (inside / "linked").symlink_to(outside)
    (inside / "gone").symlink_to(tmp_path / "none")
    found = [path.relative_to(inside).as_posix() for path in list_images(inside)]
    assert found == ["a.png", "linked/b.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pipes in folders")
@pytest.mark.timeout(20)
def test_a_pipe_is_neither_listed_nor_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "file.jpg").touch()
    (tmp_path / "to_file.jpg").symlink_to(tmp_path / "file.jpg")
    for name, target in (("device", "/dev/zero"), ("pipe_too", "pipe.jpg"), ("gone", "none")):
        (tmp_path / f"{name}.jpg").symlink_to(tmp_path / target)
    assert [path.name for path in list_images(tmp_path)] == ["file.jpg", "to_file.jpg"]
    for name in ("pipe.jpg", "pipe_too.jpg", "device.jpg"):
        for read in (read_info, read_rgb):
            with pytest.raises(ImageReadError, match=f"{name}: not a regular file"):
                read(tmp_path / name)
        with pytest.raises(OSError, match="not a regular file"):
            content_hash(tmp_path / name)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="none is not a folder"):
        list_images(tmp_path / "none")


def test_the_hash_follows_the_bytes_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"abc")
    (tmp_path / "c").write_bytes(b"abd")
    hashes = [content_hash(tmp_path / name) for name in "abc"]
    assert hashes[0] == hashes[1] != hashes[2]
    assert hashes[0] == "cf4ab791c62b8d2b2109c90275287816"
