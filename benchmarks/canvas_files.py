"""From a row of the list to the sharp picture: photos, 100 megapixels, scans of 400.

As a program it opens one project without torch and prints the memory that this took at most.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyvips
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from benchmarks.canvas_driver import Hand, hand_on
from benchmarks.canvas_scenes import photo, polygon_masks, polygons, project
from benchmarks.row import Row
from benchmarks.window import run_until

_BIG = (10_000, 10_000)
_SCAN_SIDE = 20_000
_OPENINGS, _PHOTOS, _TURNS = 5, 10, 200
_LATEST_SECONDS = 120


def opening_rows(work: Path, labelme_ms: float | None) -> Iterator[Row]:
    """`open_100mpx`, the worst of five files, and the memory of a process that opens one."""
    images = work / "big"
    images.mkdir()
    big = photo(work / "big.jpg", *_BIG).read_bytes()
    small = photo(work / "small.jpg", 1200, 900).read_bytes()
    for number in range(3 * _OPENINGS + 2):  # neighbours are read ahead: these are small ones
        (images / f"{number:03}.jpg").write_bytes(big if number % 3 == 2 else small)
    folder = project(work, "big_project", [images / "000.jpg"], [])
    with hand_on(folder) as hand:
        times = [_open(hand, 3 * number + 2) for number in range(_OPENINGS)]
        _wait_whole(hand)
        hand.check("open_100mpx")
    peer = "" if labelme_ms is None else "labelme"
    yield Row("open_100mpx", max(times), "ms", peer, labelme_ms, bar=1000)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.canvas_files", str(folder)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    yield Row("open_100mpx_memory", float(done.stdout.split()[-1]), "MB", bar=450)


def turning_rows(work: Path) -> Iterator[Row]:
    """`next_image`: an arrow key, from one 12-Mpx photo to the next that is read already."""
    images = work / "photos"
    images.mkdir()
    for number in range(_PHOTOS):
        photo(images / f"{number:03}.jpg", 4000, 3000, number)
    masks = polygon_masks(list(polygons(20, 4000, 3000, (100, 300))))
    with hand_on(project(work, "photos_project", [images / "000.jpg"], masks)) as hand:
        services = hand.services
        for entry in services.session.images:
            services.session.open_image(entry.id)
            hand.wait()
            run_until(lambda: not services.images.is_reading)
        services.session.open_image(services.session.images[0].id)
        hand.wait()
        times = [_turn(hand, turn) for turn in range(_TURNS)]
        hand.check("next_image")
    yield Row("next_image", float(np.percentile(times, 99)), "ms", bar=60)


def scan_rows(work: Path) -> Iterator[Row]:
    """A 20,000 x 20,000 16-bit tiled TIFF, with a pyramid inside and without."""
    for name, pyramid, bar in (("pyramid", True, 1000.0), ("flat_coarse", False, 2000.0)):
        images = work / f"scan_{name}"
        images.mkdir()
        photo(images / "000.jpg", 1200, 900)
        photo(images / "001.jpg", 1200, 900)
        _write_scan(images / "002.tif", pyramid=pyramid)
        with hand_on(project(work, f"scan_{name}_project", [images / "000.jpg"], [])) as hand:
            opened = _open(hand, 2)
            yield Row(f"open_tiff_{name}", opened, "ms", bar=bar)
            if not pyramid:
                start = time.perf_counter()
                _wait_whole(hand)
                yield Row("open_tiff_flat_levels", time.perf_counter() - start, "s")
            hand.canvas.zoom_100()
            hand.wait()
            pans = hand.pan(200)
            hand.check(f"tiff_{name}")
            pan = float(np.percentile(pans, 99))
            yield Row(f"pan_tiff_{name.removesuffix('_coarse')}", pan, "ms", bar=16)
        (images / "002.tif").unlink()


def _open(hand: Hand, row: int) -> float:
    """Choose a row of the list and wait until its picture is sharp."""
    session = hand.services.session
    run_until(lambda: not hand.services.images.is_reading)
    start = time.perf_counter()
    session.open_image(session.images[row].id)
    hand.wait()
    return (time.perf_counter() - start) * 1000


def _turn(hand: Hand, turn: int) -> float:
    key = Qt.Key.Key_Right if turn // (_PHOTOS - 1) % 2 == 0 else Qt.Key.Key_Left
    before, start = hand.canvas.image_id, time.perf_counter()
    first = hand.services.session.images[0].id
    last = hand.services.session.images[-1].id
    if (before, key) in ((first, Qt.Key.Key_Left), (last, Qt.Key.Key_Right)):
        raise SystemExit("the benchmark turned beyond the end of the list")
    QTest.keyClick(hand.canvas, key)
    run_until(lambda: hand.canvas.image_id != before and hand.canvas.is_sharp)
    return (time.perf_counter() - start) * 1000


def _wait_whole(hand: Hand) -> None:
    """Until the open image can be seen pixel by pixel."""
    images, deadline = hand.services.images, time.monotonic() + _LATEST_SECONDS

    def is_whole() -> bool:
        pyramid = images.pyramid(hand.canvas.image_id)
        return time.monotonic() > deadline or (pyramid is not None and pyramid.is_whole)

    run_until(is_whole)
    hand.wait()


def _write_scan(path: Path, *, pyramid: bool) -> None:
    place = pyvips.Image.xyz(_SCAN_SIDE, _SCAN_SIDE)
    waves = (place[0] * 0.7).sin() * 900 + (place[1] * 0.013).sin() * 9000 + 20000
    waves.cast("ushort").tiffsave(
        str(path), tile=True, tile_width=512, tile_height=512, pyramid=pyramid, bigtiff=True
    )


def _print_peak_memory(folder: Path) -> None:
    """Open the third image of a project, look at it pixel by pixel, and tell the peak in MB."""
    with hand_on(folder) as hand:
        _open(hand, 2)
        _wait_whole(hand)
        hand.canvas.zoom_100()
        hand.wait()
    if "torch" in sys.modules:
        raise SystemExit("torch was imported")
    # Not ru_maxrss: that one begins with the memory of the process which started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    print(int(peak.split()[1]) / 1000)


if __name__ == "__main__":
    _print_peak_memory(Path(sys.argv[1]))
