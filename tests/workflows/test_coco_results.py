import json
from pathlib import Path

import pytest

from core.masks import decode_rle
from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.coco_results import export_results
from tests.workflows.conftest import rectangle

BOX = rectangle(60, 40, 9, 8)


@pytest.fixture
def suggested(reviewed: Path) -> Path:
    """Three suggestions on the first image: of a category, of none, and with a low score."""
    suggestions = [
        Suggestion.of("b", 0.9, BOX, "v1"),
        Suggestion.of("object", 0.8, rectangle(0, 0, 5, 5), "v1"),
        Suggestion.of("b", 0.1, rectangle(80, 0, 5, 5), "v1"),
    ]
    with Store.open(reviewed) as store, SuggestionStore(reviewed) as store_of_suggestions:
        store_of_suggestions.replace(store.image(1).content_hash, "v1", suggestions)
    return reviewed


def test_pending_suggestions_become_results(suggested: Path, tmp_path: Path) -> None:
    report = export_results(suggested, tmp_path / "out.json", 0.5)
    (result,) = json.loads((tmp_path / "out.json").read_text())
    assert decode_rle(result.pop("segmentation")) == BOX
    assert result == {"image_id": 1, "category_id": 2, "bbox": [60, 40, 9, 8], "score": 0.9}
    assert (report.results, report.images) == (1, 1)
    assert report.problems == ("1 suggestion left out: the project has no category 'object'",)


def test_suggestions_without_a_category_take_the_chosen_one(
    suggested: Path, tmp_path: Path
) -> None:
    report = export_results(suggested, tmp_path / "out.json", 0.05, "a")
    results = json.loads((tmp_path / "out.json").read_text())
    assert [each["category_id"] for each in results] == [2, 1, 2]
    assert report.problems == ()
    with pytest.raises(ProjectError, match="there is no category 'x'; choices: a, b"):
        export_results(suggested, tmp_path / "out.json", 0.05, "x")


def test_no_suggestions_are_an_empty_list(project: Path, tmp_path: Path) -> None:
    assert export_results(project, tmp_path / "out.json", 0.05).results == 0
    assert json.loads((tmp_path / "out.json").read_text()) == []
