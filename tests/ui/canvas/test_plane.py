from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QObject
from PySide6.QtGui import QImage, QPainter
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.jobs import WORKERS, Job, JobRunner, Lane
from mrcnn_gui.ui.canvas.boxes import Box, area, overlap
from mrcnn_gui.ui.canvas.grid import Grid
from mrcnn_gui.ui.canvas.plane import Plane, Workshop
from mrcnn_gui.ui.canvas.stamps import Pixels
from mrcnn_gui.ui.canvas.tile import SIDE

WIDTH, HEIGHT = 700, 400
IMAGE = 4000  # image pixels across and down


class Ramp:
    """A source whose pixels tell where they lie; remembers what it was asked for."""

    def __init__(self, shade: int = 0, price: int = 1) -> None:
        self.shade, self.price = shade, price
        self.asked: list[Box] = []

    def pixels(self, scale: float, box: Box) -> Pixels | None:
        self.asked.append(box)
        columns, rows = np.arange(box[0], box[2]), np.arange(box[1], box[3])
        value = (columns // 7 + rows[:, None] // 5 + self.shade) % 251 + 1
        return (0xFF000000 | value * 0x010101).astype(np.uint32)

    def cost(self, scale: float, box: Box) -> int:
        return area(box) * self.price


class Bench(JobRunner):
    """Runs a job when the test says so; one that was cancelled tells nothing, as with the real."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.waiting: list[tuple[Job, Callable[[], None]]] = []

    def start(self, lane: Lane, function: Callable[..., Any], *args: Any, **told: Any) -> Job:
        def post(job: Job, event: Any, value: object) -> None:
            callback = {"progress": told["on_progress"], "done": told["on_done"]}.get(event.value)
            if callback is not None and not job.cancelled:
                callback(value)

        job = Job(function, args, post)
        self.waiting.append((job, job.run))
        return job

    def work(self) -> None:
        while self.waiting:
            self.waiting.pop(0)[1]()


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    return Bench()


def sharp(plane: Plane) -> bool:
    return plane.is_sharp


def bounds(scale: float) -> Box:
    return 0, 0, round(IMAGE * scale), round(IMAGE * scale)


def plane_of(source: Ramp, bench: Bench, budget: int = 100_000) -> tuple[Plane, list[Box]]:
    shown: list[Box] = []
    workshop = Workshop(bench, priority=0, budget=budget)
    plane = Plane(source, bounds, workshop, shown.append)
    plane.place(Grid(1.0, -300, -200), WIDTH, HEIGHT)
    bench.work()
    return plane, shown


def painted(plane: Plane) -> NDArray[np.uint32]:
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    plane.paint(painter, (0, 0, WIDTH, HEIGHT))
    painter.end()
    return np.frombuffer(image.constBits(), np.uint32).reshape(HEIGHT, WIDTH).copy()


def expected(source: Ramp, grid: Grid) -> Pixels:
    pixels = source.pixels(grid.scale, (-grid.x, -grid.y, WIDTH - grid.x, HEIGHT - grid.y))
    assert pixels is not None
    return pixels


def test_tiles_make_the_whole_and_none_is_larger_than_its_side(bench: Bench) -> None:
    source = Ramp()
    plane, _ = plane_of(source, bench)
    assert sharp(plane)
    assert max(max(box[2] - box[0], box[3] - box[1]) for box in source.asked) <= SIDE
    np.testing.assert_array_equal(painted(plane), expected(source, Grid(1.0, -300, -200)))


def test_a_pan_makes_only_what_comes_near_and_moves_the_rest(bench: Bench) -> None:
    source = Ramp()
    plane, _ = plane_of(source, bench)
    source.asked.clear()
    plane.place(Grid(1.0, -310, -190), WIDTH, HEIGHT)
    assert sharp(plane)
    assert not bench.waiting
    grid = Grid(1.0, -300 - SIDE, -200)
    plane.place(grid, WIDTH, HEIGHT)
    assert sharp(plane)  # it was made ahead
    bench.work()
    assert all(box[0] >= 2 * SIDE for box in source.asked)
    np.testing.assert_array_equal(painted(plane), expected(source, grid))


def test_what_changes_is_made_anew_at_once_and_no_more_than_that(bench: Bench) -> None:
    source = Ramp()
    plane, shown = plane_of(source, bench)
    shown.clear()
    after = Ramp(shade=40)
    plane.change(after, [(500, 300, 520, 310)])
    assert not sharp(plane)
    pixels = painted(plane)
    assert sharp(plane)
    assert not bench.waiting
    assert sum(area(box) for box in after.asked) == (20 + 32) * (10 + 32)
    left, top, right, bottom = shown[0]
    assert (left, top, right, bottom) == (184, 84, 236, 126)
    wanted = expected(source, Grid(1.0, -300, -200))
    wanted[top:bottom, left:right] = expected(after, Grid(1.0, -300, -200))[top:bottom, left:right]
    np.testing.assert_array_equal(pixels, wanted)


def test_what_costs_much_is_made_in_the_background_and_shown_as_it_was_until_then(
    bench: Bench,
) -> None:
    source, grid = Ramp(), Grid(1.0, -300, -200)
    plane, _ = plane_of(source, bench)
    after = Ramp(shade=40, price=100)
    plane.change(after, [(500, 300, 700, 400)])
    np.testing.assert_array_equal(painted(plane), expected(source, grid))
    assert not sharp(plane)
    bench.work()
    assert sharp(plane)
    tile = painted(plane)[: SIDE - 200, SIDE - 300 :]  # the one that the change lies in
    assert not np.array_equal(tile, expected(source, grid)[: SIDE - 200, SIDE - 300 :])


def test_all_workers_share_the_tiles_and_what_lies_in_the_middle_comes_first(
    bench: Bench,
) -> None:
    source = Ramp()
    plane, _ = plane_of(source, bench)
    source.asked.clear()
    plane.place(Grid(2.0, -600, -400), WIDTH, HEIGHT)
    shares = bench.waiting.copy()
    assert len(shares) == WORKERS[Lane.DRAW]
    bench.waiting.clear()
    firsts = []
    for _, run in shares:
        source.asked.clear()
        run()
        firsts.append(source.asked[0])
    assert firsts[0] == (SIDE, SIDE, 2 * SIDE, 2 * SIDE)  # holds the middle: 950 and 600
    assert sharp(plane)


def test_results_of_what_was_before_are_dropped(bench: Bench) -> None:
    plane, _ = plane_of(Ramp(), bench)
    plane.place(Grid(2.0, -600, -400), WIDTH, HEIGHT)
    old = bench.waiting.copy()
    bench.waiting.clear()
    after = Ramp(shade=90)
    plane.change_all(after)
    assert old
    assert all(job.cancelled for job, _ in old)
    for _, run_old in old:
        run_old()
    assert not sharp(plane)
    bench.work()
    np.testing.assert_array_equal(painted(plane), expected(after, Grid(2.0, -600, -400)))


def test_the_scaled_old_picture_stands_in_at_a_new_scale(bench: Bench) -> None:
    source = Ramp()
    plane, _ = plane_of(source, bench)
    before = painted(plane)
    plane.place(Grid(2.0, -600, -400), WIDTH, HEIGHT)
    assert not sharp(plane)
    twice = before.repeat(2, axis=0).repeat(2, axis=1)[:HEIGHT, :WIDTH]
    assert (painted(plane) == twice).mean() > 0.99
    bench.work()
    assert sharp(plane)
    np.testing.assert_array_equal(painted(plane), expected(source, Grid(2.0, -600, -400)))


def test_far_tiles_are_forgotten(bench: Bench) -> None:
    plane, _ = plane_of(Ramp(), bench)
    most = 0
    for step in range(60):
        plane.place(Grid(1.0, -300 - 50 * step, -200 - 40 * step), WIDTH, HEIGHT)
        bench.work()
        most = max(most, plane.bytes)
    tiles_across = (WIDTH + 4 * 256) // SIDE + 2
    tiles_down = (HEIGHT + 4 * 256) // SIDE + 2
    assert most <= tiles_across * tiles_down * SIDE * SIDE * 4


def test_outside_of_the_image_there_is_nothing(bench: Bench) -> None:
    source = Ramp()
    plane, _ = plane_of(source, bench)
    plane.place(Grid(1.0, 5000, 0), WIDTH, HEIGHT)
    bench.work()
    assert not painted(plane).any()
    assert all(overlap(box, bounds(1.0)) == box for box in source.asked)
