import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.reshaping import Overlap
from mrcnn_gui.services.view_state import ViewState


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("selected_instance", 3),
        ("selected_instances", (3, 1)),
        ("overlap", Overlap.TAKES),
        ("wand_tolerance", 50),
        ("selected_suggestion", "abc"),
        ("hovered_suggestion", "abc"),
        ("active_category", 2),
        ("tool", "brush"),
        ("brush_radius", 20.0),
        ("score_threshold", 0.25),
        ("hidden_instances", frozenset({1, 2})),
    ],
)
def test_every_attribute_tells_its_change_once(
    view_state: ViewState, qtbot: QtBot, name: str, value: object
) -> None:
    told: list[object] = []
    getattr(view_state, f"{name}_changed").connect(told.append)
    setattr(view_state, name, value)
    getattr(view_state, f"set_{name}")(value)
    assert getattr(view_state, name) == value
    assert told == [value]


def selected(state: ViewState) -> tuple[int | None, str | None]:
    return state.selected_instance, state.selected_suggestion


def test_instance_and_suggestion_are_never_both_selected(view_state: ViewState) -> None:
    view_state.selected_instance = 3
    view_state.selected_suggestion = "abc"
    assert selected(view_state) == (None, "abc")
    view_state.selected_instance = 4
    assert selected(view_state) == (4, None)


def test_the_last_of_several_selected_instances_is_primary(
    view_state: ViewState, qtbot: QtBot
) -> None:
    view_state.selected_instances = (3, 1)
    assert view_state.selected_instance == 1
    told: list[object] = []
    view_state.selected_instance_changed.connect(told.append)
    view_state.selected_instances = (2, 3, 1, 3)
    assert [*view_state.selected_instances] == [2, 3, 1]
    view_state.set_selected_instances((2, 3))
    view_state.selected_suggestion = "abc"
    assert told == [3, None]
    assert not view_state.selected_instances


def test_radius_and_threshold_stay_in_range(view_state: ViewState) -> None:
    view_state.brush_radius = 0.0
    view_state.score_threshold = 0.0
    assert (view_state.brush_radius, view_state.score_threshold) == (0.5, 0.05)
    view_state.brush_radius = 1e9
    view_state.score_threshold = 2.0
    assert (view_state.brush_radius, view_state.score_threshold) == (512.0, 1.0)


def test_clear_forgets_what_belongs_to_an_image(view_state: ViewState) -> None:
    view_state.selected_instance = 3
    view_state.hovered_suggestion = "abc"
    view_state.hidden_instances = frozenset({3})
    view_state.tool = "brush"
    view_state.clear()
    assert selected(view_state) == (None, None)
    assert view_state.hidden_instances == frozenset()
    assert view_state.tool == "brush"
    assert view_state.hovered_suggestion is None
