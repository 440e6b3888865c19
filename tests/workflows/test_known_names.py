"""Versions know categories by the names of their training; the project may have changed them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.masks import Mask
from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.accept import accept_suggestions
from mrcnn_gui.workflows.evaluation import ImageSet, evaluate_project
from mrcnn_gui.workflows.known_names import IDS, NamesNow
from tests.workflows.conftest import rectangle, save_tiny
from tests.workflows.test_evaluation import Finder

MASK = rectangle(2, 2, 10, 10)


@pytest.fixture
def versioned(reviewed: Path) -> Path:
    """With a version that knows both categories, a (1) and b (2)."""
    save_tiny(reviewed / "models" / "v1", "a", "b")
    card = reviewed / "models" / "v1" / "card.json"
    content = json.loads(card.read_text())
    card.write_text(json.dumps(content | {IDS: {"a": 1, "b": 2}}))
    return reviewed


def rename(store: Store, number: int, name: str) -> None:
    category = next(it for it in store.categories() if it.id == number)
    store.update_category(replace(category, name=name))


def names(store: Store) -> list[str]:
    """What a and b, and a word that nobody knows, are called now."""
    now = NamesNow.of(store)
    return [now.name("v1", each) for each in ("a", "b", "thing")]


def test_a_renamed_category_has_its_new_name(versioned: Path) -> None:
    with Store.open(versioned) as store:
        assert names(store) == ["a", "b", "thing"]
        rename(store, 1, "ant")
        assert names(store) == ["ant", "b", "thing"]
        rename(store, 2, "a")
        assert names(store) == ["ant", "a", "thing"]
        assert NamesNow.of(store).name("v7", "b") == "b"


def test_a_merged_category_is_the_one_it_went_into(versioned: Path) -> None:
    with Store.open(versioned) as store:
        bee, cat = store.add_category("bee").id, store.add_category("cat").id
        store.project_history.merge_category(1, bee)
        assert names(store) == ["bee", "b", "thing"]
        store.project_history.merge_category(bee, cat)
        assert names(store) == ["cat", "b", "thing"]
        store.project_history.undo()
        store.project_history.undo()
        assert names(store) == ["a", "b", "thing"]


def test_the_number_of_a_removed_category_is_not_given_again(versioned: Path) -> None:
    with Store.open(versioned) as store:
        store.project_history.delete_category(2)
        assert store.add_category("wasp").id == 3
        assert names(store) == ["a", "b", "thing"]


def test_suggestions_are_accepted_as_what_their_category_is_called_now(versioned: Path) -> None:
    with Store.open(versioned) as store, SuggestionStore(versioned) as suggestions:
        entry = store.images()[3]
        store.update_image(entry.id, content_hash="f" * 16)
        suggestions.replace("f" * 16, "v1", [Suggestion.of("b", 0.9, MASK, "v1")])
        rename(store, 2, "bee")
    assert [(it.image_id, it.count) for it in accept_suggestions(versioned, 0.5)] == [(4, 1)]
    with Store.open(versioned) as store:
        (instance,) = store.instances(4)
    assert (instance.category_id, Mask.iou(instance.mask, MASK)) == (2, 1.0)


def test_a_version_is_judged_by_what_its_categories_are_called_now(
    versioned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.workflows.evaluation.load_predictor", lambda *_: Finder())
    with Store.open(versioned) as store:
        rename(store, 1, "ant")
    result = evaluate_project(versioned, "v1", ImageSet.VALIDATION)
    assert result is not None
    assert result.categories == ("ant", "b")
    assert [it.category for it in result.images[0].found] == ["ant", "b"]
    assert result.metrics.per_category["ant"] == pytest.approx(1.0)
