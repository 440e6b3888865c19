"""Where instances must not overlap: moving, nudging, copying and accepting keep to it, too."""

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Verdict
from mrcnn_gui.project.edits import SetLocked
from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.clipboard_commands import ClipboardCommands
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import Mouse, grabbed
from tests.ui.conftest import open_next, square

Add = Callable[..., int]
FORBIDDEN = (Overlap.YIELDS, Overlap.TAKES)


def instances(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return dict(services.session.document.instances)


def masks(services: Services) -> list[Mask]:
    return [it.mask for it in instances(services).values()]


@pytest.fixture
def pair(services: Services, canvas: CanvasView, add_instance: Add) -> tuple[int, int]:
    """A square of 20, selected, and another one 10 pixels to the right of it."""
    made = add_instance(20, 40), add_instance(50, 40)
    services.view_state.selected_instance = made[0]
    return made


@pytest.fixture
def clipboard(services: Services, canvas: CanvasView) -> ClipboardCommands:
    return ClipboardCommands(services.session, services.view_state, QObject(canvas))


def drag_by(mouse: Mouse, dx: int) -> None:
    mouse.press(30, 50)
    mouse.drag_to(36, 50)
    mouse.drag_to(30 + dx, 50)
    mouse.release(30 + dx, 50)


@pytest.mark.parametrize(
    ("overlap", "moved", "other"),
    [
        (Overlap.ALLOWED, square(40, 40), square(50, 40)),
        (Overlap.YIELDS, square(40, 40).subtract(square(50, 40)), square(50, 40)),
        (Overlap.TAKES, square(40, 40), square(50, 40).subtract(square(40, 40))),
    ],
)
def test_a_move_yields_or_takes_as_one_step(
    services: Services,
    mouse: Mouse,
    pair: tuple[int, int],
    overlap: Overlap,
    moved: Mask,
    other: Mask,
) -> None:
    services.view_state.overlap = overlap
    drag_by(mouse, 20)
    assert masks(services) == [moved, other]
    assert services.session.history is not None
    assert services.session.history.undo_title == "Move instance"
    services.session.undo()
    assert masks(services) == [square(20, 40), square(50, 40)]


@pytest.mark.parametrize("overlap", FORBIDDEN)
def test_the_preview_of_a_move_is_what_becomes_of_it(
    services: Services, canvas: CanvasView, mouse: Mouse, pair: tuple[int, int], overlap: Overlap
) -> None:
    services.view_state.overlap = overlap
    mouse.press(30, 50)
    for x in (36, 60, 50):  # it covers the other wholly on the way
        mouse.drag_to(x, 50)
    shown, shapes = grabbed(canvas), canvas.preview.shapes
    mouse.release(50, 50)
    after = instances(services)
    changed = {it.instance_id: Mask.from_bitmap(it.bitmap, it.x, it.y) for it in shapes}
    assert changed == {
        key: after[key].mask for key in (pair if overlap is Overlap.TAKES else pair[:1])
    }
    if overlap is Overlap.YIELDS:  # else the other's edge is drawn over the halo meanwhile
        np.testing.assert_array_equal(grabbed(canvas), shown)
    picture = grabbed(canvas)
    canvas._recompose()
    np.testing.assert_array_equal(grabbed(canvas), picture)


def test_a_move_onto_a_place_without_room_says_so(
    services: Services, canvas: CanvasView, mouse: Mouse, pair: tuple[int, int], qtbot: QtBot
) -> None:
    services.view_state.overlap = Overlap.YIELDS
    before, picture = masks(services), grabbed(canvas)
    with qtbot.waitSignal(canvas.message):
        drag_by(mouse, 30)
    assert masks(services) == before
    mouse.move(5, 110)
    np.testing.assert_array_equal(grabbed(canvas), picture)


def test_what_moves_together_stays_together(
    services: Services, mouse: Mouse, pair: tuple[int, int], add_instance: Add
) -> None:
    services.view_state.selected_instances = (*pair, add_instance(60, 40))
    services.view_state.overlap = Overlap.YIELDS
    before = masks(services)
    drag_by(mouse, 25)
    assert masks(services) == [mask.shift(25, 0) for mask in before]


def test_locked_instances_lose_nothing(
    services: Services, mouse: Mouse, pair: tuple[int, int]
) -> None:
    services.session.push(SetLocked(pair[1], True))
    services.view_state.overlap = Overlap.TAKES
    drag_by(mouse, 20)
    assert masks(services) == [square(40, 40).subtract(square(50, 40)), square(50, 40)]


@pytest.mark.parametrize("overlap", FORBIDDEN)
def test_arrow_keys_go_over_others_and_leave_them_as_they_were(
    services: Services, canvas: CanvasView, pair: tuple[int, int], overlap: Overlap
) -> None:
    services.view_state.overlap = overlap
    before, shift = instances(services), Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(canvas, Qt.Key.Key_Right, shift)
    QTest.keyClick(canvas, Qt.Key.Key_Right, shift)
    assert sum(mask.area for mask in masks(services)) == 600
    if overlap is Overlap.TAKES:  # the other goes, and comes back
        QTest.keyClick(canvas, Qt.Key.Key_Right, shift)
        assert masks(services) == [square(50, 40)]
        QTest.keyClick(canvas, Qt.Key.Key_Left, shift)
    for _ in range(2):
        QTest.keyClick(canvas, Qt.Key.Key_Left, shift)
    assert instances(services) == before


def test_after_another_edit_the_arrow_keys_begin_anew(
    services: Services, canvas: CanvasView, pair: tuple[int, int], add_instance: Add
) -> None:
    services.view_state.overlap = Overlap.YIELDS
    for _ in range(15):
        QTest.keyClick(canvas, Qt.Key.Key_Right)
    left = square(35, 40).subtract(square(50, 40))
    assert masks(services)[0] == left
    add_instance(100, 90)
    QTest.keyClick(canvas, Qt.Key.Key_Left)
    assert masks(services)[0] == left.shift(-1, 0)


def test_copies_at_the_same_place_of_another_image_yield_or_take(
    services: Services,
    clipboard: ClipboardCommands,
    pair: tuple[int, int],
    add_instance: Add,
    qtbot: QtBot,
) -> None:
    clipboard.copy()
    open_next(services, qtbot)
    add_instance(30, 40)
    services.view_state.overlap = Overlap.YIELDS
    clipboard.paste()
    assert masks(services) == [square(30, 40), square(20, 40).subtract(square(30, 40))]
    services.session.undo()
    services.view_state.overlap = Overlap.TAKES
    clipboard.paste()
    assert masks(services) == [square(30, 40).subtract(square(20, 40)), square(20, 40)]
    services.session.undo()
    assert masks(services) == [square(30, 40)]


def test_copies_without_room_say_so(
    services: Services,
    clipboard: ClipboardCommands,
    pair: tuple[int, int],
    add_instance: Add,
    qtbot: QtBot,
) -> None:
    clipboard.copy()
    open_next(services, qtbot)
    add_instance(10, 30, 40)
    services.view_state.overlap = Overlap.YIELDS
    with qtbot.waitSignal(clipboard.message):
        clipboard.paste()
    assert masks(services) == [square(10, 30, 40)]


@pytest.mark.parametrize("overlap", FORBIDDEN)
def test_a_duplicate_goes_where_it_is_whole(
    services: Services,
    clipboard: ClipboardCommands,
    pair: tuple[int, int],
    add_instance: Add,
    overlap: Overlap,
) -> None:
    services.view_state.overlap = overlap
    add_instance(25, 65)
    services.view_state.selected_instance = pair[0]
    before = masks(services)
    clipboard.duplicate()
    *others, copy = masks(services)
    assert others == before
    assert copy.area == 400
    assert all(copy.intersect(other).is_empty for other in before)


def test_a_duplicate_that_has_room_nowhere_takes_what_it_gets(
    services: Services, clipboard: ClipboardCommands, canvas: CanvasView, add_instance: Add
) -> None:
    services.view_state.selected_instance = add_instance(10, 10, 80)
    services.view_state.overlap = Overlap.YIELDS
    clipboard.duplicate()
    first, copy = masks(services)
    assert first == square(10, 10, 80)
    assert copy == square(14, 14, 80).subtract(first)


@pytest.mark.parametrize(
    ("overlap", "other", "accepted"),
    [
        (Overlap.YIELDS, square(20, 10), square(10, 10).subtract(square(20, 10))),
        (Overlap.TAKES, square(20, 10).subtract(square(10, 10)), square(10, 10)),
    ],
)
def test_an_accepted_suggestion_yields_or_takes(
    services: Services,
    canvas: CanvasView,
    add_instance: Add,
    suggest: Callable[[], None],
    overlap: Overlap,
    other: Mask,
    accepted: Mask,
) -> None:
    add_instance(20, 10)
    suggest()
    services.view_state.overlap = overlap
    services.segmenter.accept(canvas.suggestions[0].key)
    assert masks(services) == [other, accepted]
    services.session.undo()
    assert masks(services) == [square(20, 10)]
    services.segmenter.accept_all_visible()
    assert masks(services) == [other, accepted, square(60, 30)]
    assert services.session.document is not None
    assert {it.verdict for it in services.session.document.decisions.values()} == {Verdict.ACCEPTED}


def test_a_suggestion_without_room_is_left_to_decide(
    services: Services,
    canvas: CanvasView,
    add_instance: Add,
    suggest: Callable[[], None],
    qtbot: QtBot,
) -> None:
    add_instance(5, 5, 40)
    suggest()
    services.view_state.overlap = Overlap.YIELDS
    with qtbot.waitSignal(services.session.failed):
        services.segmenter.accept(canvas.suggestions[0].key)
    assert masks(services) == [square(5, 5, 40)]
    assert len(canvas.suggestions) == 2
