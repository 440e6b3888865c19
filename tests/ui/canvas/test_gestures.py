"""Any sequence of gestures, undone, gives the document before; redone, the one after."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.ui.canvas.conftest import CONTROL, NO_KEYS, SHIFT, Mouse, held

DRAGGED = ("select", "vertex", "brush", "eraser", "lasso", "rectangle", "wand", "cut")
KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Delete, Qt.Key.Key_Escape, Qt.Key.Key_Return)

points = st.tuples(st.integers(-10, 170), st.integers(-10, 130))
modifiers = st.sampled_from([NO_KEYS, NO_KEYS, SHIFT, CONTROL])


@dataclass(frozen=True)
class Drag:
    """A tool's drag, let go or cancelled; one point is a click."""

    tool: str
    path: list[tuple[int, int]]
    keys: Qt.KeyboardModifier
    cancelled: bool

    def __call__(self, canvas: CanvasView, mouse: Mouse, services: Services) -> None:
        canvas.set_tool(self.tool)
        with held(mouse, self.keys):
            mouse.press(*self.path[0])
            for point in self.path[1:]:
                mouse.drag_to(*point)
            if self.cancelled:
                canvas.cancel_gesture()
            mouse.release(*self.path[-1])
        canvas.set_tool("polygon")  # what the wand still looks for is pushed at once


@dataclass(frozen=True)
class Polygon:
    """Clicks, and Enter."""

    corners: list[tuple[int, int]]
    keys: Qt.KeyboardModifier

    def __call__(self, canvas: CanvasView, mouse: Mouse, services: Services) -> None:
        canvas.set_tool("polygon")
        with held(mouse, self.keys):
            for corner in self.corners:
                mouse.click(*corner)
        canvas.accept_gesture()


@dataclass(frozen=True)
class Press:
    """A key on the canvas."""

    key: Qt.Key

    def __call__(self, canvas: CanvasView, mouse: Mouse, services: Services) -> None:
        QTest.keyClick(canvas, self.key)


@dataclass(frozen=True)
class Mode:
    """Another overlap mode, and everything selected."""

    overlap: Overlap

    def __call__(self, canvas: CanvasView, mouse: Mouse, services: Services) -> None:
        services.view_state.overlap = self.overlap
        services.view_state.selected_instances = tuple(snapshot(services))


gestures = st.lists(
    st.one_of(
        st.builds(
            Drag,
            st.sampled_from(DRAGGED),
            st.lists(points, min_size=1, max_size=5),
            modifiers,
            st.sampled_from([False, False, False, True]),
        ),
        st.builds(Polygon, st.lists(points, min_size=2, max_size=5), modifiers),
        st.builds(Press, st.sampled_from(KEYS)),
        st.builds(Mode, st.sampled_from(list(Overlap))),
    ),
    min_size=3,
    max_size=10,
)


def snapshot(services: Services) -> dict[int, Instance]:
    assert services.session.document is not None
    return dict(services.session.document.instances)


@pytest.fixture
def prepared(
    canvas: CanvasView, services: Services, add_instance: Callable[..., int], qtbot: QtBot
) -> CanvasView:
    """Three squares, two of which overlap."""
    canvas.fit()
    services.view_state.brush_radius = 6
    for place in ((20, 20, 40), (50, 40, 30), (100, 60, 25)):
        add_instance(*place)
    return canvas


@settings(
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(done=gestures)
def test_whatever_was_drawn_is_undone_and_redone(
    prepared: CanvasView,
    mouse: Mouse,
    services: Services,
    done: list[Callable[[CanvasView, Mouse, Services], None]],
) -> None:
    session, state = services.session, services.view_state
    state.set_selected_instances(())
    assert session.history is not None
    start, position = snapshot(services), session.history.position
    places = [start]
    for gesture in done:
        edits = session.history.position
        gesture(prepared, mouse, services)
        assert session.history.position <= edits + 1, "one step for each gesture"
        if session.history.position > edits:
            places.append(snapshot(services))
            if state.overlap is not Overlap.ALLOWED:
                assert overlapping(places[-1]) <= overlapping(places[-2])
    prepared.cancel_gesture()
    while session.history.position > position:
        session.undo()
    assert snapshot(services) == start
    for expected in places[1:]:
        session.redo()
        assert snapshot(services) == expected
    while session.history.position > position:
        session.undo()
    assert snapshot(services) == start


def overlapping(instances: dict[int, Instance]) -> int:
    """How many pixels too many the instances have, all together."""
    masks = [it.mask for it in instances.values()]
    if not masks:
        return 0
    return sum(mask.area for mask in masks) - reduce(lambda a, b: a.union(b), masks).area
