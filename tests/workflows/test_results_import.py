import json
import math
from pathlib import Path
from typing import Any

import pytest

from core.formats.coco_fields import CocoError
from core.masks import Mask, encode_rle
from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.content import read_content
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore, visible
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.coco_results import export_results
from mrcnn_gui.workflows.export_options import ExportOptions
from mrcnn_gui.workflows.import_report import Fate
from mrcnn_gui.workflows.results_import import ResultsImport, ResultsOptions, import_results
from tests.workflows.conftest import HEIGHT, WIDTH, rectangle, ring

DONUT, BOX = ring(60, 30, 24), rectangle(2, 2, 10, 9)


def result(mask: Mask = BOX, **changes: Any) -> dict[str, Any]:
    return {
        "image_id": 1,
        "category_id": 2,
        "segmentation": encode_rle(mask, HEIGHT, WIDTH),
        "bbox": list(mask.bbox_xywh),
        "score": 0.75,
    } | changes


def imported(project: Path, results: object, path: Path, **options: Any) -> ResultsImport:
    path.write_text(json.dumps(results))
    with Store.open(project) as store:
        return import_results(store, path, ResultsOptions(**options))


def pending(project: Path, image_id: int = 1) -> list[Suggestion]:
    with (
        Store.open(project, read_only=True) as store,
        SuggestionStore(project, read_only=True) as suggestions,
    ):
        found = suggestions.for_image(store.image(image_id).content_hash)
        return visible(store.load_document(image_id), found, 0)


def test_results_become_pending_suggestions(project: Path, tmp_path: Path) -> None:
    polygon = [[40, 20, 50, 20, 50, 30, 40, 30]]
    results = [result(DONUT), result(segmentation=polygon, score=0.5), result(image_id=3, score=1)]
    report = imported(project, results, tmp_path / "r.json", model="yolo 11")
    assert (report.results, report.images, report.problems) == (3, 2, ())
    first, second = pending(project)
    assert (first.mask, first.category, first.score) == (DONUT, "b", 0.75)
    assert first.model_version == "yolo 11"
    assert (second.mask, second.score) == (rectangle(40, 20, 10, 10), 0.5)
    (third,) = pending(project, 3)
    assert third.score == 1.0
    with Store.open(project, read_only=True) as store:
        entry = store.image(3)  # its hash was not known before
        assert (entry.content_hash, entry.file_size, entry.modified_ns) == read_content(
            store.image_path(entry)
        )


def test_results_are_never_exported_as_annotations(reviewed: Path, tmp_path: Path) -> None:
    imported(reviewed, [result(DONUT)], tmp_path / "r.json")
    assert len(pending(reviewed)) == 1
    report = export_coco(reviewed, tmp_path / "out.json", ExportOptions(all_images=True))
    assert report.instances == 3  # those that people made


def test_results_come_out_as_they_came_in(project: Path, tmp_path: Path) -> None:
    results = [
        result(DONUT, score=0.9),
        result(score=0.123456789012345, category_id=1),
        result(rectangle(90, 60, 6, 4), image_id=4, score=1e-9),
    ]
    imported(project, results, tmp_path / "r.json", model="m")
    export_results(project, tmp_path / "out.json", 0)
    assert json.loads((tmp_path / "out.json").read_text()) == results
    with Store.open(project) as store:
        import_results(store, tmp_path / "out.json", ResultsOptions("m"))
    export_results(project, tmp_path / "again.json", 0)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "out.json").read_bytes()


def test_new_results_replace_those_of_their_images_alone(project: Path, tmp_path: Path) -> None:
    imported(project, [result(DONUT), result(image_id=2)], tmp_path / "r.json")
    imported(project, [result()], tmp_path / "new.json")
    assert [each.mask for each in pending(project)] == [BOX]
    assert pending(project)[0].model_version == "new.json"
    assert pending(project, 2)[0].model_version == "r.json"


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (result(image_id=99), "the project has no image 99"),
        (result(image_id="x"), "image_id must be a whole number, got 'x'"),
        (result(category_id=99), "there is no category 99"),
        (result(score=None), "score must be a number from 0 to 1, got None"),
        (result(score=97.5), "got 97.5"),
        (result(score=True), "got True"),
        (result(score=math.nan), "JSON does not have"),
        (result(segmentation=None), "it has a box and no mask: boxes are taken on demand only"),
        (result(segmentation=None, bbox=[1, 2]), "neither a segmentation nor a bbox"),
        (result(segmentation={"size": [1, 1], "counts": [1]}), r"its RLE is for \[1, 1\]"),
        (result(segmentation=[[1, 1, 5, 5]]), "three points"),
        (result(segmentation=[[200, 1, 300, 1, 300, 9]]), "covers no pixel"),
        (result(DONUT), "one of the same pixels before it"),
        ([], "expected an object"),
    ],
)
def test_what_cannot_be_a_suggestion_is_refused(
    project: Path, tmp_path: Path, record: object, why: str
) -> None:
    report = imported(project, [result(DONUT), record], tmp_path / "r.json")
    assert (report.results, report.totals) == (1, {Fate.REFUSED: 1})
    (line,) = report.lines
    assert line.record == "results[1]"
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(line.why)


def test_boxes_become_masks_on_demand(project: Path, tmp_path: Path) -> None:
    results = [result(segmentation=None)]
    assert imported(project, results, tmp_path / "r.json", boxes=True).results == 1
    assert [each.mask for each in pending(project)] == [BOX]


def test_results_on_an_image_that_is_gone_are_refused(project: Path, tmp_path: Path) -> None:
    (project.parent / "0.png").unlink()
    report = imported(project, [result(), result(image_id=2)], tmp_path / "r.json")
    assert report.results == 1
    assert "0.png: No such file" in report.problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": []}', "holds an object .a COCO dataset.., expected a list"),
        ("[{}", "expected ',' or ']'"),
        ("[" * 100_000, "nested too deeply"),
        ("", "is empty, expected a JSON file"),
    ],
)
def test_a_wrong_file_changes_nothing(
    project: Path, tmp_path: Path, text: str, message: str
) -> None:
    imported(project, [result(DONUT)], tmp_path / "r.json")
    (tmp_path / "wrong.json").write_text(text)
    with Store.open(project) as store, pytest.raises(CocoError, match=message):
        import_results(store, tmp_path / "wrong.json")
    assert [each.mask for each in pending(project)] == [DONUT]


def test_a_file_that_ends_in_the_middle_changes_nothing(project: Path, tmp_path: Path) -> None:
    imported(project, [result(DONUT)], tmp_path / "r.json")
    half = json.dumps([result(), result(image_id=2)])[:-5]
    (tmp_path / "half.json").write_text(half)
    with Store.open(project) as store, pytest.raises(CocoError, match="not JSON"):
        import_results(store, tmp_path / "half.json")
    assert [each.mask for each in pending(project)] == [DONUT]
    with Store.open(project, read_only=True) as store:
        assert store.image(2).content_hash == ""


def test_a_stopped_import_changes_nothing(project: Path, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(json.dumps([result()] * 3))
    with Store.open(project) as store:
        report = import_results(store, tmp_path / "r.json", should_stop=lambda: True)
    assert report.cancelled
    assert pending(project) == []


def test_a_pipe_is_no_results_file(project: Path, tmp_path: Path) -> None:
    with Store.open(project) as store, pytest.raises(CocoError, match="is no regular file"):
        import_results(store, Path("/dev/zero"))
