from pathlib import Path

import pytest

from mrcnn_gui.project.annotation import Category, ReviewStatus, Source, Suggestion
from mrcnn_gui.project.edits import RejectSuggestion
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.accept import accept_suggestions, category_for
from tests.workflows.conftest import human, rectangle


def suggest(project: Path, *suggestions: Suggestion) -> None:
    """The same suggestions for the first two images."""
    with Store.open(project) as store, SuggestionStore(project) as stored:
        for image_id in (1, 2):
            store.update_image(image_id, content_hash=f"hash{image_id}")
            stored.replace(f"hash{image_id}", "v1", suggestions)


def suggestion(category: str, x: int, score: float = 0.9) -> Suggestion:
    return Suggestion.of(category, score, rectangle(x, 1, 8, 8), "v1")


def test_visible_suggestions_become_instances(project: Path) -> None:
    rejected, covered = suggestion("a", 20), suggestion("a", 40)
    suggest(project, suggestion("b", 0), suggestion("a", 10, 0.4), rejected, covered)
    with Store.open(project) as store:
        store.insert_instances(1, [human(store, covered.mask)])
        History(store, store.load_document(1)).push(RejectSuggestion(rejected))
    accepted = accept_suggestions(project, 0.5)
    assert [(each.image_id, each.path, each.count) for each in accepted] == [
        (1, "../0.png", 1),
        (2, "../1.png", 3),
    ]
    with Store.open(project) as store:
        made = store.instances(1)[-1]
        assert (made.category_id, made.mask) == (2, rectangle(0, 1, 8, 8))
        assert (made.provenance.source, made.provenance.score) == (Source.MODEL, 0.9)
        assert store.image(2).status is ReviewStatus.IN_PROGRESS
        history = History(store, store.load_document(2))
        assert history.undo_title == "Accept 3 suggestions"
        history.undo()
        assert store.instances(2) == []
    assert accept_suggestions(project, 0.95) == []


def test_an_unknown_category_goes_to_the_named_one(project: Path) -> None:
    suggest(project, suggestion("object", 0), suggestion("a", 20))
    accept_suggestions(project, 0.5, "b")
    with Store.open(project, read_only=True) as store:
        assert sorted(instance.category_id for instance in store.instances(1)) == [1, 2]


@pytest.mark.parametrize(
    ("named", "chosen", "expected"),
    [
        ("object", "b", 2),  # no category at all: what the person chose
        ("object", None, 1),
        ("a", "b", 3),  # a category: what the model says
        ("owl", "b", 2),
        ("owl", None, None),
    ],
)
def test_a_choice_goes_before_object_and_behind_every_other_name(
    named: str, chosen: str | None, expected: int | None
) -> None:
    names = ("object", "b", "a")
    categories = [Category(each, name, "#ffffff", None) for each, name in enumerate(names, 1)]
    assert category_for(suggestion(named, 0), categories, chosen) == expected


def test_an_unknown_category_goes_to_the_only_one(tmp_path: Path) -> None:
    with Store.create(tmp_path / "p") as store:
        store.add_category("cell")
        store.add_images([tmp_path / "1.png", tmp_path / "2.png"])
    suggest(tmp_path / "p", suggestion("object", 0))
    assert [each.count for each in accept_suggestions(tmp_path / "p", 0.5)] == [1, 1]


def test_a_choice_that_is_missing_changes_nothing(project: Path) -> None:
    suggest(project, suggestion("a", 0), suggestion("object", 20))
    with pytest.raises(ProjectError, match=r"'object', .* choices: a, b"):
        accept_suggestions(project, 0.5)
    with pytest.raises(ProjectError, match="no category 'c'; choices: a, b"):
        accept_suggestions(project, 0.5, "c")
    with Store.open(project, read_only=True) as store:
        assert store.instance_counts() == {}
