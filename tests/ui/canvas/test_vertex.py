from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks import Mask, rasterise_polygon
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance, SetLocked
from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.canvas.drawings import Vertices
from mrcnn_gui.ui.canvas.tools import vertex
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import SHIFT, Mouse, grabbed, held
from tests.ui.conftest import square

Add = Callable[..., int]


def instances(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return services.session.document.instances


def title(services: Services) -> str:
    assert services.session.history is not None
    return services.session.history.undo_title


def filled(*corners: tuple[float, float]) -> Mask:
    return rasterise_polygon(np.array(corners))


def shown(canvas: CanvasView) -> Vertices:
    (drawing, *_) = canvas.preview.drawings
    assert isinstance(drawing, Vertices)
    return drawing


@pytest.fixture
def key(canvas: CanvasView, services: Services, add_instance: Add) -> int:
    """A square of 40 at (40, 40), selected, its vertices shown at 300 %."""
    services.view_state.selected_instance = key = add_instance(40, 40, 40)
    canvas.set_tool("vertex")
    return key


def test_it_shows_the_vertices_of_what_is_selected(
    canvas: CanvasView, services: Services, key: int, add_instance: Add
) -> None:
    (ring,) = shown(canvas).rings
    assert sorted(map(tuple, ring.tolist())) == [(40, 40), (40, 80), (80, 40), (80, 80)]
    services.view_state.selected_instance = add_instance(5, 5)
    assert shown(canvas).rings[0].min() == 5
    services.view_state.selected_instance = None
    assert shown(canvas).rings == ()
    canvas.set_tool("select")
    assert canvas.preview.drawings == ()


def test_a_vertex_is_dragged(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int
) -> None:
    mouse.press(80.3, 39.8)
    mouse.drag_to(90, 35)
    mouse.drag_to(100.3, 29.8)
    assert instances(services)[key].mask == square(40, 40, 40)
    drawn = grabbed(canvas)
    mouse.release(100.3, 29.8)
    expected = filled((40, 40), (100, 30), (80, 80), (40, 80))
    assert instances(services)[key].mask == expected
    assert title(services) == "Move vertices"
    np.testing.assert_array_equal(grabbed(canvas), drawn)
    services.session.undo()
    assert instances(services)[key].mask == square(40, 40, 40)
    assert shown(canvas).chosen == frozenset()
    services.session.redo()
    assert instances(services)[key].mask == expected


def test_a_drag_on_a_line_inserts_a_vertex(
    mouse: Mouse, services: Services, key: int, canvas: CanvasView
) -> None:
    mouse.drag((60, 40.5), (60, 30), (60, 20.5))
    expected = filled((40, 40), (60, 20), (80, 40), (80, 80), (40, 80))
    assert instances(services)[key].mask == expected
    assert len(shown(canvas).rings[0]) == 5
    mouse.drag((60, 20), (60, 25), (60, 30))  # it is still chosen, and a vertex
    expected = filled((40, 40), (60, 30), (80, 40), (80, 80), (40, 80))
    assert instances(services)[key].mask == expected


def test_a_click_on_a_line_inserts_without_an_edit(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int
) -> None:
    mouse.click(60, 40)
    assert len(shown(canvas).rings[0]) == 5
    assert title(services) == "Add instance"


@pytest.mark.parametrize("how", ["delete", "backspace", "double click"])
def test_a_vertex_is_removed(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int, how: str
) -> None:
    if how == "double click":
        mouse.double_click(80, 40)
    else:
        mouse.click(80, 40)
        QTest.keyClick(canvas, Qt.Key.Key_Delete if how == "delete" else Qt.Key.Key_Backspace)
    assert instances(services)[key].mask == filled((40, 40), (80, 80), (40, 80))
    assert title(services) == "Delete vertices"
    assert len(shown(canvas).rings[0]) == 3
    assert not canvas.delete_in_gesture()


def test_three_vertices_stay(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int, qtbot: QtBot
) -> None:
    with held(mouse, SHIFT):
        mouse.click(80, 40)
        mouse.click(80, 80)
    with qtbot.waitSignal(canvas.message):
        QTest.keyClick(canvas, Qt.Key.Key_Delete)
    assert instances(services)[key].mask == square(40, 40, 40)


def test_vertices_in_a_frame_move_together(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int
) -> None:
    mouse.press(70, 30)
    mouse.drag_to(85, 60)
    mouse.drag_to(90, 90)
    drawn = grabbed(canvas)
    mouse.release(90, 90)
    assert (grabbed(canvas) != drawn).any()  # the frame is gone
    assert len(shown(canvas).chosen) == 2
    mouse.drag((80, 40), (90, 40), (100, 40))
    assert instances(services)[key].mask == filled((40, 40), (100, 40), (100, 80), (40, 80))


def test_shift_takes_more_vertices_and_lets_go(canvas: CanvasView, mouse: Mouse, key: int) -> None:
    mouse.click(80, 40)
    with held(mouse, SHIFT):
        mouse.click(40, 40)
        assert len(shown(canvas).chosen) == 2
        mouse.click(80, 40)
        assert len(shown(canvas).chosen) == 1
        mouse.drag((30, 75), (50, 78), (85, 85))
    assert len(shown(canvas).chosen) == 3
    assert canvas.accept_gesture()
    assert shown(canvas).chosen == frozenset()
    assert not canvas.accept_gesture()


def test_escape_puts_the_vertex_back(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int
) -> None:
    for start in ((80.0, 40.0), (60.0, 40.0)):
        before = grabbed(canvas)
        mouse.press(*start)
        mouse.drag_to(100, 10)
        assert (grabbed(canvas) != before).any()
        QTest.keyClick(canvas, Qt.Key.Key_Escape)
        mouse.release(100, 10)
        np.testing.assert_array_equal(grabbed(canvas), before)
    assert instances(services)[key].mask == square(40, 40, 40)
    assert not canvas.cancel_gesture()


def test_pixels_that_the_vertex_does_not_touch_stay(
    canvas: CanvasView, mouse: Mouse, services: Services
) -> None:
    """A mask with a hole, a second part and ragged edges: one corner of the hole moves."""
    bitmap = np.ones((80, 120), dtype=np.bool_)
    bitmap[20:60, 20:60] = False
    bitmap[:, 80:90] = False
    bitmap[np.random.default_rng(0).random(bitmap.shape) < 0.02] ^= True
    bitmap[15:65, 15:65] = True
    bitmap[20:60, 20:60] = False
    mask = Mask.from_bitmap(bitmap, 10, 10)
    session = services.session
    key = session.new_instance_id()
    category = session.categories[0].id
    session.push(AddInstance(Instance(key, category, mask, Provenance(Source.IMPORTED))))
    services.view_state.selected_instance = key
    canvas.set_tool("vertex")
    mouse.drag((30, 30), (35, 35), (40, 40))
    changed = mask.xor(instances(services)[key].mask)
    assert not changed.is_empty
    hole = filled((30, 30), (70, 30), (70, 70), (30, 70))
    reduced = filled((40, 40), (70, 30), (70, 70), (30, 70))
    assert changed == hole.xor(reduced)


def test_vertices_stay_in_the_image(mouse: Mouse, services: Services, key: int) -> None:
    mouse.drag((80, 80), (100, 100), (400, 300))
    assert instances(services)[key].mask == filled((40, 40), (80, 40), (160, 120), (40, 80))


def test_a_click_on_another_instance_selects_it(
    mouse: Mouse, services: Services, key: int, add_instance: Add
) -> None:
    other = add_instance(100, 90)
    mouse.click(110, 100)
    assert services.view_state.selected_instance == other


def test_new_ground_yields_to_others(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int, add_instance: Add
) -> None:
    other = instances(services)[add_instance(85, 40)].mask
    services.view_state.overlap = Overlap.YIELDS
    mouse.press(80, 40)
    mouse.drag_to(90, 40)
    mouse.drag_to(110, 40)
    drawn = grabbed(canvas)
    mouse.release(110, 40)
    expected = filled((40, 40), (110, 40), (80, 80), (40, 80)).subtract(other)
    assert instances(services)[key].mask == expected
    inside = canvas.to_view(60, 60).toPoint()
    np.testing.assert_array_equal(
        grabbed(canvas)[inside.y(), inside.x()], drawn[inside.y(), inside.x()]
    )


def test_a_locked_instance_stays(
    canvas: CanvasView, mouse: Mouse, services: Services, key: int, qtbot: QtBot
) -> None:
    services.session.push(SetLocked(key, True))
    with qtbot.waitSignal(canvas.message):
        mouse.drag((80, 40), (90, 40), (110, 40))
    assert instances(services)[key].mask == square(40, 40, 40)


def test_a_closer_look_shows_more_vertices(
    canvas: CanvasView, mouse: Mouse, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vertex, "_TOLERANCE_SHARE", 0.5)  # so small an image is never small
    rows, columns = np.ogrid[:100, :100]
    disc = (rows - 49.5) ** 2 + (columns - 49.5) ** 2 <= 50**2
    session = services.session
    key = session.new_instance_id()
    mask = Mask.from_bitmap(disc, 20, 10)
    human = Provenance(Source.HUMAN)
    session.push(AddInstance(Instance(key, session.categories[0].id, mask, human)))
    canvas.zoom_at(1, canvas.to_view(80, 60))
    services.view_state.selected_instance = key
    canvas.set_tool("vertex")
    coarse = len(shown(canvas).rings[0])
    canvas.zoom_at(4, canvas.to_view(80, 60))
    mouse.move(80, 60)
    assert len(shown(canvas).rings[0]) > coarse
