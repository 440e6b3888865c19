from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance, SetLocked
from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from tests.ui.conftest import square

Add = Callable[..., int]
SHIFT, CONTROL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


def instances(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return services.session.document.instances


def title(services: Services) -> str:
    assert services.session.history is not None
    return services.session.history.undo_title


def add_mask(services: Services, mask: Mask) -> int:
    session = services.session
    key = session.new_instance_id()
    provenance = Provenance(Source.IMPORTED)
    session.push(
        AddInstance(Instance(key, session.categories[0].id, mask, provenance, original="{}"))
    )
    services.view_state.selected_instance = key
    return key


@pytest.fixture
def pair(open_window: MainWindow, services: Services, add_instance: Add) -> tuple[int, int]:
    """Two squares that overlap, both selected."""
    chosen = add_instance(20, 20), add_instance(30, 25)
    services.view_state.selected_instances = chosen
    return chosen


def press(
    window: MainWindow,
    key: Qt.Key,
    keys: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
) -> None:
    QTest.qWait(0)  # the commands follow the selection in the event loop
    QTest.keyClick(window.canvas, key, keys)


def test_merge_unites_into_the_first(
    open_window: MainWindow, services: Services, pair: tuple[int, int]
) -> None:
    before = dict(instances(services))
    press(open_window, Qt.Key.Key_M)
    merged = square(20, 20).union(square(30, 25))
    assert {key: it.mask for key, it in instances(services).items()} == {pair[0]: merged}
    assert services.view_state.selected_instances == (pair[0],)
    assert title(services) == "Merge instances"
    services.session.undo()
    assert instances(services) == before


@pytest.mark.parametrize(
    ("key", "first", "second"),
    [
        (Qt.Key.Key_S, square(20, 20).subtract(square(30, 25)), square(30, 25)),
        (Qt.Key.Key_D, square(20, 20), square(30, 25).subtract(square(20, 20))),
        (Qt.Key.Key_I, square(20, 20).intersect(square(30, 25)), square(30, 25)),
    ],
)
def test_two_are_subtracted_and_intersected(
    open_window: MainWindow,
    services: Services,
    pair: tuple[int, int],
    key: Qt.Key,
    first: Mask,
    second: Mask,
) -> None:
    before = dict(instances(services))
    press(open_window, key, SHIFT)
    assert [instances(services)[it].mask for it in pair] == [first, second]
    services.session.undo()
    assert instances(services) == before
    services.session.redo()
    assert [instances(services)[it].mask for it in pair] == [first, second]


def test_what_is_wholly_subtracted_is_gone(
    open_window: MainWindow, services: Services, add_instance: Add
) -> None:
    small, large = add_instance(25, 25, 5), add_instance(20, 20)
    services.view_state.selected_instances = (small, large)
    press(open_window, Qt.Key.Key_S, SHIFT)
    assert list(instances(services)) == [large]


def test_what_changes_nothing_says_why(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    services.view_state.selected_instances = (add_instance(20, 20), add_instance(80, 20))
    before = title(services)
    commands = open_window.mask_edits
    for command in (
        commands.subtract_first,
        commands.subtract_others,
        commands.intersect,
        commands.fill_holes,
        commands.keep_largest,
        commands.split,
    ):
        with qtbot.waitSignal(commands.message):
            command()
    assert title(services) == before


def speckled() -> Mask:
    """A square with a hole, and a pixel far away."""
    bitmap = np.zeros((40, 60), dtype=np.bool_)
    bitmap[5:25, 5:25] = True
    bitmap[10:14, 10:14] = False
    bitmap[30, 50] = True
    return Mask.from_bitmap(bitmap)


def test_holes_are_filled_and_crumbs_removed(open_window: MainWindow, services: Services) -> None:
    key = add_mask(services, speckled())
    press(open_window, Qt.Key.Key_H, SHIFT)
    assert title(services) == "Fill holes"
    press(open_window, Qt.Key.Key_L, SHIFT)
    assert instances(services)[key].mask == square(5, 5)
    assert title(services) == "Keep largest part"


def test_parts_become_instances(open_window: MainWindow, services: Services) -> None:
    key = add_mask(services, speckled())
    whole = instances(services)[key]
    press(open_window, Qt.Key.Key_P, SHIFT)
    first, second = instances(services).values()
    assert (first.id, first.mask.area, second.mask.area) == (key, 384, 1)
    assert (second.category_id, second.provenance) == (whole.category_id, whole.provenance)
    assert (first.original, second.original) == ("{}", "")
    assert services.view_state.selected_instances == (first.id, second.id)
    services.session.undo()
    assert list(instances(services).values()) == [whole]


def test_masks_grow_and_shrink(
    open_window: MainWindow, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = add_mask(services, square(0, 40))
    before = instances(services)[key].mask
    press(open_window, Qt.Key.Key_BracketRight, CONTROL)
    assert instances(services)[key].mask.box_xyxy == (0, 39, 21, 61)
    services.session.undo()
    press(open_window, Qt.Key.Key_BracketLeft, CONTROL)
    assert instances(services)[key].mask.box_xyxy == (0, 41, 19, 59)
    services.session.undo()
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (7, True))
    press(open_window, Qt.Key.Key_G, CONTROL | SHIFT)
    assert instances(services)[key].mask.box_xyxy == (0, 33, 27, 67)
    services.session.undo()
    assert instances(services)[key].mask == before


def test_a_mask_does_not_shrink_to_nothing(
    open_window: MainWindow, services: Services, add_instance: Add, qtbot: QtBot
) -> None:
    services.view_state.selected_instance = key = add_instance(50, 50, 4)
    with qtbot.waitSignal(open_window.mask_edits.message):
        open_window.mask_edits.grow(-3)
    assert instances(services)[key].mask == square(50, 50, 4)


def test_smoothing_rounds_corners_off(open_window: MainWindow, services: Services) -> None:
    key = add_mask(services, square(40, 40))
    press(open_window, Qt.Key.Key_O, SHIFT)
    smoothed = instances(services)[key].mask
    assert 380 < smoothed.area < 400
    assert smoothed.box_xyxy == (40, 40, 60, 60)


@pytest.mark.parametrize("overlap", [Overlap.YIELDS, Overlap.TAKES])
def test_growing_masks_do_not_overlap_when_they_may_not(
    open_window: MainWindow, services: Services, add_instance: Add, overlap: Overlap
) -> None:
    pair = add_instance(20, 20), add_instance(42, 20)
    services.view_state.overlap = overlap
    services.view_state.selected_instances = pair
    open_window.mask_edits.grow(3)
    first, second = (instances(services)[key].mask for key in pair)
    assert first.intersect(second).is_empty
    assert first.area > 400
    assert second.area > 400


def test_locked_masks_stay(
    open_window: MainWindow, services: Services, pair: tuple[int, int], qtbot: QtBot
) -> None:
    services.session.push(SetLocked(pair[0], True))
    with qtbot.waitSignal(open_window.mask_edits.message):
        open_window.mask_edits.merge()
    open_window.mask_edits.grow(1)
    assert instances(services)[pair[0]].mask == square(20, 20)
    assert instances(services)[pair[1]].mask.area > 400
    services.view_state.selected_instance = pair[0]
    with qtbot.waitSignal(open_window.mask_edits.message):
        open_window.mask_edits.grow(1)
