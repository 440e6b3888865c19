"""Any sequence of gestures and commands, undone, gives the document before; redone, the one after.

Every tool and every command that edits takes part.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QInputDialog
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Decision, Instance, ReviewStatus
from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.actions import COMMANDS
from mrcnn_gui.ui.canvas.drawings import Note
from mrcnn_gui.ui.canvas.tools.table import TOOLS
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import CONTROL, NO_KEYS, SHIFT, Mouse, held

DRAGGED = tuple(tool for tool in TOOLS if tool not in ("polygon", "click_prompt"))
KEYS = (
    *(Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Delete),
    *(Qt.Key.Key_Backspace, Qt.Key.Key_Escape, Qt.Key.Key_Return),
)
BACK_AND_FORTH = ("undo", "redo")
GROWING = "grow_by"  # asks in a dialog
SELECTING = ("copy", "select_all", "select_category", "deselect", "next_suggestion", "hide_one")
EDITING = tuple(
    command.id
    for command in COMMANDS
    if (command.menu in ("&Edit", "Mas&k", "I&nstance") and "writable" in command.needs)
    or command.id in ("accept", "accept_all", "reject", "done", "category_1", "category_2")
    if command.id not in (*BACK_AND_FORTH, GROWING)
)

State: TypeAlias = tuple[Mapping[int, Instance], Mapping[str, Decision], ReviewStatus]

points = st.tuples(st.integers(-10, 170), st.integers(-10, 130))
modifiers = st.sampled_from([NO_KEYS, NO_KEYS, SHIFT, CONTROL])


@dataclass(frozen=True)
class Drag:
    """A tool's drag, let go or cancelled; one point is a click."""

    tool: str
    path: list[tuple[int, int]]
    keys: Qt.KeyboardModifier
    cancelled: bool

    def __call__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        canvas, mouse = window.canvas, Mouse(window.canvas)
        canvas.set_tool(self.tool)
        with held(mouse, self.keys):
            mouse.press(*self.path[0])
            for point in self.path[1:]:
                mouse.drag_to(*point)
            if self.cancelled:
                canvas.cancel_gesture()
            mouse.release(*self.path[-1])
        qtbot.waitUntil(lambda: not asks(window))
        canvas.set_tool("polygon")  # what the wand still looks for is pushed at once


@dataclass(frozen=True)
class Click:
    """A click prompt, and what becomes of its candidate; or a double click."""

    tool: str
    at: tuple[int, int]
    keys: Qt.KeyboardModifier
    twice: bool

    def __call__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        canvas, mouse = window.canvas, Mouse(window.canvas)
        canvas.set_tool(self.tool)
        with held(mouse, self.keys):
            if self.twice and self.tool != "click_prompt":
                mouse.double_click(*self.at)
            else:
                mouse.click(*self.at)
        qtbot.waitUntil(lambda: not asks(window))
        mouse.wheel(*self.at, notches=-1)
        canvas.accept_gesture()


@dataclass(frozen=True)
class Polygon:
    """Clicks, and Enter."""

    corners: list[tuple[int, int]]
    keys: Qt.KeyboardModifier

    def __call__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        mouse = Mouse(window.canvas)
        window.canvas.set_tool("polygon")
        with held(mouse, self.keys):
            for corner in self.corners:
                mouse.click(*corner)
        window.canvas.accept_gesture()


@dataclass(frozen=True)
class Press:
    """A key on the canvas, while the select tool is in the hand."""

    key: Qt.Key
    tool: str
    keys: Qt.KeyboardModifier

    def __call__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        window.canvas.set_tool(self.tool)
        QTest.keyClick(window.canvas, self.key, self.keys)


@dataclass(frozen=True)
class Order:
    """A command, from the menu."""

    command: str

    def __call__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        QApplication.processEvents()  # it may be greyed out
        window.actions_by_id[self.command].trigger()


@dataclass(frozen=True)
class Grow:
    """The command that asks by how many pixels, and the answer: with Enter, or Esc and none."""

    radius: int
    given: bool

    def __call__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        QApplication.processEvents()
        if window.actions_by_id[GROWING].isEnabled():
            QTimer.singleShot(0, self._answer)
            window.actions_by_id[GROWING].trigger()  # comes back when the dialog is closed

    def _answer(self) -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, QInputDialog)
        dialog.setIntValue(self.radius)
        QTest.keyClick(dialog, Qt.Key.Key_Return if self.given else Qt.Key.Key_Escape)


@dataclass(frozen=True)
class Mode:
    """Another overlap mode, and everything selected."""

    overlap: Overlap

    def __call__(self, window: MainWindow, services: Services, qtbot: QtBot) -> None:
        services.view_state.overlap = self.overlap
        services.view_state.selected_instances = tuple(state(services)[0])


gestures = st.lists(
    st.one_of(
        st.builds(
            Drag,
            st.sampled_from(DRAGGED),
            st.lists(points, min_size=1, max_size=5),
            modifiers,
            st.sampled_from([False, False, False, True]),
        ),
        st.builds(
            Click, st.sampled_from(("click_prompt", "vertex")), points, modifiers, st.booleans()
        ),
        st.builds(Polygon, st.lists(points, min_size=2, max_size=5), modifiers),
        st.builds(
            Press,
            st.sampled_from(KEYS),
            st.sampled_from(("select", "vertex")),
            st.sampled_from([NO_KEYS, SHIFT]),
        ),
        st.builds(Order, st.sampled_from(EDITING)),
        st.builds(Order, st.sampled_from((*BACK_AND_FORTH, *SELECTING))),
        st.builds(Grow, st.integers(-9, 9), st.sampled_from([True, True, True, False])),
        st.builds(Mode, st.sampled_from(list(Overlap))),
    ),
    min_size=3,
    max_size=12,
)


def asks(window: MainWindow) -> bool:
    """Whether the model was asked and has not answered yet."""
    shown = window.canvas.preview.drawings
    return any(isinstance(it, Note) and "looks" in it.text for it in shown)


def state(services: Services) -> State:
    document = services.session.document
    assert document is not None
    return dict(document.instances), dict(document.decisions), document.status


@pytest.fixture
def prepared(
    open_window: MainWindow, services: Services, add_instance: Callable[..., int], qtbot: QtBot
) -> MainWindow:
    """Three squares, two of which overlap, three suggestions, and a second category."""
    session, canvas = services.session, open_window.canvas
    canvas.fit()
    services.view_state.brush_radius = 6
    services.project_edits.add_category("other")
    services.view_state.active_category = session.categories[0].id
    for place in ((20, 20, 40), (50, 40, 30), (100, 60, 25)):
        add_instance(*place)
    assert session.document is not None
    services.segmenter.run([session.document.image_id])
    services.view_state.score_threshold = 0.2
    qtbot.waitUntil(lambda: len(canvas.suggestions) == 3)
    return open_window


@settings(
    deadline=None,
    max_examples=80,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(done=gestures)
def test_whatever_was_done_is_undone_and_redone(
    prepared: MainWindow,
    services: Services,
    qtbot: QtBot,
    done: list[Callable[[MainWindow, Services, QtBot], None]],
) -> None:
    session, view_state = services.session, services.view_state
    view_state.clear()
    assert session.history is not None
    start = session.history.position
    states = [state(services)]  # by the number of edits since the start
    for gesture in done:
        before = session.history.position - start
        gesture(prepared, services, qtbot)
        after = session.history.position - start
        assert after <= before + 1, "one step for each gesture"
        if after < 0:  # back beyond the start: once more to it
            session.redo()
        elif isinstance(gesture, Order) and gesture.command in BACK_AND_FORTH:
            states += [state(services)] if after == len(states) else []  # of the last sequence
            assert state(services) == states[after]
        elif after > before:
            states[after:] = [state(services)]
            if view_state.overlap is not Overlap.ALLOWED:
                # a run of arrow keys that ends where it began brings back what there was
                allowed = states[: before + 1] if isinstance(gesture, Press) else [states[before]]
                assert overlapping(states[after]) <= max(map(overlapping, allowed)), gesture
        else:
            assert state(services) == states[after], "no step, no change"
    prepared.canvas.cancel_gesture()
    session.jump(start + len(states) - 1)
    for expected in reversed(states[:-1]):
        session.undo()
        assert state(services) == expected
    for expected in states[1:]:
        session.redo()
        assert state(services) == expected
    session.jump(start)
    assert state(services) == states[0]


def test_all_tools_and_editing_commands_take_part() -> None:
    assert {*DRAGGED, "polygon", "click_prompt"} == set(TOOLS)
    masks = {it.id for it in COMMANDS if it.menu == "Mas&k"} - {GROWING}
    assert masks | {"paste", "duplicate", "delete", "raise_one", "lock", "reject"} <= set(EDITING)


def overlapping(of: State) -> int:
    """How many pixels too many the instances have, all together."""
    masks = [it.mask for it in of[0].values()]
    if not masks:
        return 0
    return sum(mask.area for mask in masks) - reduce(lambda a, b: a.union(b), masks).area
