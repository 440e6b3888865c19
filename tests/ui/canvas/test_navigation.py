import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, Qt
from pytestqt.qtbot import QtBot

from mrcnn_gui.services.pyramid import Pyramid
from mrcnn_gui.ui.canvas.boxes import grown, overlap
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import MIDDLE, Mouse, grabbed, pixel_at

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.mark.parametrize("keys", [Qt.KeyboardModifier.NoModifier, CONTROL, SHIFT])
def test_the_wheel_zooms_to_the_cursor(
    canvas: CanvasView, mouse: Mouse, keys: Qt.KeyboardModifier
) -> None:
    before = canvas.to_view(60, 40)
    for notches in (1, 1, 3, -2):
        mouse.wheel(60, 40, notches=notches, keys=keys)
    assert canvas.scale == pytest.approx(3 * 2**0.75)
    moved = canvas.to_view(60, 40) - before
    assert abs(moved.x()) < 1
    assert abs(moved.y()) < 1


def test_a_trackpad_zooms_smoothly(canvas: CanvasView, mouse: Mouse) -> None:
    mouse.wheel(60, 40, pixels=3, notches=0.1)
    assert 1.0 < canvas.scale / 3 < 1.02


def test_the_middle_button_pans_with_every_tool(canvas: CanvasView, mouse: Mouse) -> None:
    for tool in ("select", "brush", "eraser", "polygon"):
        canvas.set_tool(tool)
        before = canvas.to_view(0, 0)
        mouse.press(80, 60, button=MIDDLE)
        mouse.drag_to(90, 55, button=MIDDLE)
        mouse.release(80, 60, button=MIDDLE)
        assert canvas.to_view(0, 0) - before == QPointF(30, -15)


def test_fit_and_actual_size(canvas: CanvasView, qtbot: QtBot) -> None:
    canvas.fit()
    assert canvas.scale == pytest.approx((480 - 24) / 120)
    canvas.resize(400, 480)
    assert canvas.scale == pytest.approx((400 - 24) / 160)
    with qtbot.waitSignal(canvas.zoom_changed, check_params_cb=lambda scale: scale == 1.0):
        canvas.zoom_100()
    canvas.resize(640, 480)
    assert canvas.scale == 1.0
    canvas.zoom_in()
    canvas.zoom_out()
    assert canvas.scale == pytest.approx(1.0)


def test_the_position_is_told_while_the_cursor_is_on_the_image(
    canvas: CanvasView, mouse: Mouse
) -> None:
    told: list[list[object]] = []
    canvas.position_changed.connect(lambda x, y: told.append([x, y]))
    mouse.move(12.3, 45.9)
    assert told[-1] == [12, 45]
    mouse.move(-5, 45)
    assert told[-1] == [None, None]


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_the_image_is_drawn_where_it_lies(
    canvas: CanvasView, services: Services, scale: float
) -> None:
    canvas.zoom_at(scale, QPointF(320, 240))
    assert pixel_at(canvas, 45, 55) == (230, 230, 230)  # in the photo's bright square
    for outside in ((-3, 50), (163, 50), (50, -3), (50, 123)):
        assert pixel_at(canvas, *outside) == (38, 40, 43)


@pytest.mark.parametrize("scale", [4.0, 5.3, 7.77, 16.0, 33.3])
def test_image_pixels_lie_under_the_mask_pixels(
    canvas: CanvasView, services: Services, scale: float
) -> None:
    pyramid = services.images.pyramid(1)
    assert pyramid is not None
    canvas.zoom_at(scale, QPointF(123, 210))
    assert canvas.viewport is not None
    grid = canvas.viewport.grid
    seen = overlap(grown(grid.covered((0, 0, 160, 120)), -2), (1, 1, 639, 479))
    assert seen is not None
    left, top, right, bottom = seen
    drawn = grabbed(canvas)[top:bottom, left:right]

    def expected(dx: int, dy: int) -> NDArray[np.uint8]:
        rows, columns = grid.rows(top + dy, bottom + dy), grid.columns(left + dx, right + dx)
        return pyramid.levels[0][:, :][rows[:, None], columns]

    wrong = (drawn != expected(0, 0)).any(axis=2)
    assert wrong.mean() < (0 if scale.is_integer() else 0.04) + 1e-9
    # Qt steps through a row in 1/65536 pixels: an edge may lie one view pixel beside the mask's.
    near = [drawn == expected(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    assert np.any([same.all(axis=2) for same in near], axis=0).all()


def test_tiles_meet_without_a_seam(canvas: CanvasView) -> None:
    pixels = np.full((700, 1100, 3), 200, np.uint8)
    canvas._picture = None
    canvas._show_image(canvas.image_id, Pyramid.of(pixels))
    for scale in (0.37, 0.5, 0.83, 1.3, 4.7):
        canvas.zoom_at(scale, canvas.to_view(512, 512))
        left, top = canvas.to_view(400, 400).toTuple()
        right, bottom = canvas.to_view(600, 600).toTuple()
        part = grabbed(canvas)[max(int(top), 0) : int(bottom), max(int(left), 0) : int(right)]
        assert (part == 200).all()


def test_empty_states_say_what_to_do(services: Services, qtbot: QtBot) -> None:
    it = services
    view = CanvasView(it.session, it.view_state, it.images, it.segmenter, it.jobs)
    qtbot.addWidget(view)
    view.resize(400, 300)
    assert "Open a folder of images (Ctrl+O), or drop one here" in view.empty_text
    drawn = grabbed(view)
    assert (drawn > 150).any(axis=2).sum() > 50  # there is text


def test_an_unreadable_image_tells_its_problem(
    canvas: CanvasView, services: Services, qtbot: QtBot
) -> None:
    path = services.session.image_path(4)  # no neighbour of the open one: not read yet
    path.write_bytes(b"no image")
    with qtbot.waitSignal(services.images.image_failed):
        services.session.open_image(4)
        assert canvas.empty_text == "Reading image…"
    assert "cannot be read" in canvas.empty_text
    assert path.name in canvas.empty_text
    assert (grabbed(canvas) > 150).any(axis=2).sum() > 50  # it is written there
