import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mrcnn_gui.cli import run
from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.store import Store
from tests.helpers.data import REPOSITORY
from tests.workflows.conftest import (
    HEIGHT,
    WIDTH,
    save_tiny,
    write_picture,
)
from tests.workflows.test_coco_import import coco, write


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in range(4):
        write_picture(tmp_path / "photos" / f"{number}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def work(photos: Path, tmp_path: Path) -> str:
    """A new project, made by the command."""
    assert run(["new", str(tmp_path / "work"), "--images", str(photos), "--categories", "b,c"]) == 0
    return str(tmp_path / "work")


def results(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The JSON lines on stdout."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_whole_loop_runs_without_a_window(
    work: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    truth = str(write(tmp_path, coco()))
    images = ["--images", str(photos)]
    model = ["--model", str(save_tiny(tmp_path / "tiny", "object"))]
    out, predictions = str(tmp_path / "out.json"), str(tmp_path / "results.json")
    counts = {"images": 2, "instances": 2, "categories": 0}

    assert run(["import", work, truth, *images, "--status", "done", "--json"]) == 0
    assert results(capsys) == [counts | {"records": {}, "problems": []}]

    assert run(["status", work, "done", "--images", "2*", "--json"]) == 0
    assert results(capsys) == [{"images": 1, "problems": [], "status": "done"}]

    assert run(["presegment", work, *model, "--json"]) == 0
    (found,) = results(capsys)
    assert found["image"] == "../photos/3.png"
    assert found["suggestions"] > 0

    assert run(["accept", work, "--min-score", "0.05", "--category", "c", "--json"]) == 0
    (accepted,) = results(capsys)
    assert 0 < accepted["accepted"] <= found["suggestions"]

    assert run(["export", work, out, "--all", "--json"]) == 0
    (exported,) = results(capsys)
    assert exported["instances"] == 2 + accepted["accepted"]
    assert len(json.loads(Path(out).read_text())["images"]) == exported["images"] == 4

    assert run(["evaluate", truth, *images, *model, "--class-agnostic", "--json"]) == 0
    (metrics,) = results(capsys)
    assert {"model", "box_ap", "mask_ap"} <= metrics.keys()

    assert run(["evaluate", "--project", work, "--on", "all", "--json"]) == 0
    (figures,) = results(capsys)
    assert {"metrics", "curves", "confusion", "overlaps", "best_scores"} <= figures.keys()
    assert run(["evaluate", "--project", work, "--on", "all", "--score", "0.2"]) == 0
    assert "annotated as (rows), found as (columns), from score 0.20" in capsys.readouterr().out

    assert run(["predict", truth, *images, *model, "--out", predictions, "--json"]) == 0
    (written,) = results(capsys)
    assert written["results"] == len(json.loads(Path(predictions).read_text())) > 0


@pytest.mark.parametrize("words", [[], ["--on", "all"], ["--images", "photos"]])
def test_an_evaluation_needs_a_file_or_a_set_of_images(words: list[str]) -> None:
    assert run(["evaluate", *words]) == 2


@pytest.mark.parametrize("words", ["evaluate --project WORK --on all", "presegment WORK"])
def test_a_device_that_is_not_there_is_told(
    work: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run([*(word.replace("WORK", work) for word in words.split()), "--device", "cuda"]) == 1
    assert "torch finds no CUDA GPU here" in capsys.readouterr().err


def test_results_come_in_as_suggestions(
    work: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = {"image_id": 1, "category_id": 1, "score": 0.5, "bbox": [1, 1, 9, 9]}
    mask = box | {"segmentation": [[20, 20, 40, 20, 40, 40, 20, 40]], "category_id": 2}
    (tmp_path / "r.json").write_text(json.dumps([box, mask]))
    capsys.readouterr()
    assert run(["import-results", work, str(tmp_path / "r.json"), "--json"]) == 0
    (found,) = results(capsys)
    assert (found["results"], found["images"], found["records"]) == (1, 1, {"refused": 1})
    assert "boxes are taken on demand only" in found["problems"][0]
    words = [work, str(tmp_path / "r.json"), "--boxes", "--model", "m", "--report"]
    assert run(["import-results", *words, str(tmp_path / "lines.csv")]) == 0
    assert capsys.readouterr().out == "2 results on 1 images\n"
    assert (tmp_path / "lines.csv").read_text() == "record,fate,why\n"
    assert run(["accept", work, "--min-score", "0.1", "--json"]) == 0
    assert results(capsys) == [{"image": "../photos/0.png", "accepted": 2}]


def test_finetune_says_what_is_in_use(
    work: str,
    photos: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tiny = save_tiny(tmp_path / "tiny", "object")
    monkeypatch.setattr("mrcnn_gui.workflows.models.resource", lambda _: tiny)
    assert run(["finetune", work, "--epochs", "1"]) == 1
    assert capsys.readouterr().err == "mrcnn-gui: Mark 1 more image as done to fine-tune.\n"
    run(["import", work, str(write(tmp_path, coco())), "--images", str(photos)])
    with Store.open(Path(work)) as store:
        for image_id in (1, 2):
            store.set_status(image_id, ReviewStatus.DONE)
            store.set_side(image_id, Side.TRAIN)
    capsys.readouterr()
    words = ["finetune", work, "--epochs", "1", "--seed", "3", "--device", "cpu", "--json"]
    assert run(words) == 0
    (first,) = results(capsys)
    assert (first["version"], first["verdict"], first["active"]) == ("v1", "undecided", "starter")
    assert first["problems"] == []
    (photos / "1.png").unlink()
    assert run([*words, "--activate"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "1.png" in captured.err
    second = json.loads(captured.out)
    assert len(second["problems"]) == 1
    assert (second["version"], second["parent"], second["active"]) == ("v2", "starter", "v2")


def test_sample_writes_a_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mrcnn_gui.workflows.sample.SCENES", 5)
    monkeypatch.setattr("mrcnn_gui.workflows.sample.TEST_SCENES", ())
    assert run(["sample", str(tmp_path / "sample")]) == 0
    assert capsys.readouterr().out == f"Open it with: mrcnn-gui {tmp_path / 'sample'}\n"
    assert (tmp_path / "sample" / ".mrcnn" / "project.db").is_file()
    assert run(["sample", str(tmp_path / "sample")]) == 1
    assert "needs an empty folder" in capsys.readouterr().err


def test_a_project_is_named_by_its_folder_or_by_the_images_folder(
    photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["new", str(photos), "--images", str(photos), "--categories", "a"]) == 0
    assert run(["status", str(photos), "done"]) == 0
    assert run(["status", str(photos / ".mrcnn"), "todo", "--images", "0.png"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{photos / '.mrcnn'}: 4 images",
        "4 images: done",
        "1 images: todo",
    ]


def test_failures_are_one_line_and_exit_code_1(
    work: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text("[1,\n2]")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "project.db").write_bytes(b"no database" * 99)
    images = ["--images", str(photos)]
    failing = [
        ["status", str(tmp_path / "nowhere"), "done"],
        ["status", str(damaged), "done"],
        ["status", work, "done", "--images", "*.jpg"],
        ["new", work, *images, "--categories", "a"],
        ["import", work, str(wrong), *images],
        ["import", work, str(tmp_path / "gone.json"), *images],
        ["export", work, str(tmp_path / "no" / "folder.json")],
        ["evaluate", str(wrong), *images, "--model", str(wrong)],
        ["predict", str(wrong), *images, "--model", "v8", "--out", "x.json"],
        ["predict", str(wrong), *images, "--out", str(tmp_path / "no" / "folder.json")],
        ["presegment", work, "--model", str(wrong)],
        ["accept", work, "--min-score", "0.5", "--category", "other"],
    ]
    capsys.readouterr()
    for words in failing:
        assert run(words) == 1, words
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("mrcnn-gui: "), words
        assert captured.err.count("\n") == 1, captured.err


def test_wrong_paths_are_told_with_what_was_expected(
    work: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, empty = str(write(tmp_path, coco())), tmp_path / "empty.json"
    empty.touch()
    images, no = ["--images", str(photos)], tmp_path / "no"
    expected = {
        ("import", work, str(photos), *images): f"{photos} is a folder, expected a JSON file",
        ("import", work, str(empty), *images): f"{empty} is empty, expected a JSON file",
        ("import-results", work, str(empty)): f"{empty} is empty, expected a JSON file",
        (
            "import",
            work,
            truth,
            *images,
            "--report",
            f"{no}/r.csv",
        ): f"{no}: there is no such folder",
        ("relink", work, str(no)): f"{no} is not a folder",
        ("export", work, f"{no}/o.json"): f"cannot write {no}/o.json: there is no such folder",
    }
    capsys.readouterr()
    for words, reason in expected.items():
        assert run(list(words)) == 1
        assert capsys.readouterr().err == f"mrcnn-gui: {reason}\n"


def test_an_export_of_nothing_is_told(
    work: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["export", work, str(tmp_path / "o.json")]) == 0
    assert "none of the 4 images is done" in capsys.readouterr().err


def test_an_unreadable_image_is_reported_and_the_others_are_done(
    work: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(save_tiny(tmp_path / "tiny"))]
    (photos / "0.png").unlink()
    assert run(["status", work, "done"]) == 1
    assert "0.png cannot be read" in capsys.readouterr().err
    assert run(["status", work, "todo"]) == 0
    (photos / "0.png").write_bytes(b"")
    capsys.readouterr()
    assert run(["presegment", work, *model, "--json"]) == 0
    lines = results(capsys)
    assert [set(line) for line in lines] == [{"image", "problem"}, *[{"image", "suggestions"}] * 3]
    for path in photos.glob("*.png"):
        path.unlink()
    assert run(["presegment", work, *model]) == 1  # not one image could be read


def test_predict_leaves_a_truncated_image_out_and_evaluate_names_it(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, out = str(write(tmp_path, coco())), tmp_path / "results.json"
    words = ["--images", str(photos), "--model", str(save_tiny(tmp_path / "tiny")), "--json"]
    (photos / "0.png").write_bytes((photos / "0.png").read_bytes()[:2000])
    assert run(["predict", truth, *words, "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "0.png" in captured.err
    assert len(json.loads(captured.out)["problems"]) == 1
    assert len({result["image_id"] for result in json.loads(out.read_text())}) == 1
    assert run(["evaluate", truth, *words, "--class-agnostic"]) == 1
    assert "0.png" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="file names that are no UTF-8")
def test_a_file_name_that_is_no_text_stops_nothing(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(save_tiny(tmp_path / "tiny"))]
    os.rename(photos / "0.png", os.fsencode(photos) + b"/\xff.png")  # noqa: PTH104 - bytes
    work = str(tmp_path / "work\udcff")
    assert run(["new", work, "--images", str(photos), "--categories", "a"]) == 0
    assert "work\\udcff" in capsys.readouterr().out
    assert run(["presegment", work, *model, "--json"]) == 0
    captured = capsys.readouterr()
    assert sum("suggestions" in json.loads(line) for line in captured.out.splitlines()) == 3
    assert "rename it" in captured.err


def test_doctor_tells_what_is_wrong_while_a_window_has_the_project(
    work: str, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    with Store.open(Path(work)):
        assert run(["doctor", work]) == 0
        assert capsys.readouterr().out == "nothing is wrong\n"
        (photos / "2.png").unlink()
        assert run(["doctor", work]) == 1
        assert "2.png: the image is missing" in capsys.readouterr().out
        assert run(["doctor", work, "--json"]) == 1
    (finding,) = results(capsys)
    assert finding["about"] == "../photos/2.png"
    assert "the image is missing" in finding["problem"]


def test_doctor_repairs(work: str, capsys: pytest.CaptureFixture[str]) -> None:
    with Store.open(Path(work)) as store:
        store._database.execute("UPDATE images SET cursor = 7 WHERE id = 1")
    capsys.readouterr()
    assert run(["doctor", work]) == 1
    assert capsys.readouterr().out == "../photos/0.png: its history is at edit 7 of 0\n"
    assert run(["doctor", work, "--repair", "--deep"]) == 0
    copied, repaired, end = capsys.readouterr().out.splitlines()
    assert copied.startswith("project.db: copied to backups/repair-")
    assert repaired == "../photos/0.png: its history begins anew: edits 1 to 7 are missing"
    assert end == "nothing is wrong"
    with Store.open(Path(work)):
        assert run(["doctor", work, "--repair"]) == 1
    assert "open in another window or command" in capsys.readouterr().err


def test_relink_finds_moved_images(
    work: str, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    photos.rename(tmp_path / "moved")
    assert run(["relink", work, str(tmp_path / "nowhere")]) == 1
    assert "nowhere is not a folder" in capsys.readouterr().err
    (tmp_path / "moved" / "2.png").unlink()
    assert run(["relink", work, str(tmp_path / "moved")]) == 1
    told = capsys.readouterr()
    assert told.out == "3 images found, 1 still missing\n"
    assert "0.png: ../moved/0.png is a guess" in told.err
    assert "still missing: ../photos/2.png" in told.err
    write_picture(tmp_path / "moved" / "2.png")
    assert run(["relink", work, str(tmp_path), "--json"]) == 0
    [report] = results(capsys)
    assert [found["after"] for found in report["found"]] == ["../moved/2.png"]
    assert run(["relink", work, str(tmp_path)]) == 0
    assert capsys.readouterr().out == "0 images found, 0 still missing\n"


def test_a_project_that_a_window_holds_is_left_alone(
    work: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with Store.open(Path(work)):
        for words in (["status", work, "done"], ["finetune", work], ["relink", work, work]):
            assert run(words) == 1
            assert "open in another window or command" in capsys.readouterr().err


_CHILD = """
import sys
from mrcnn_gui.cli import run
photos, work, out = sys.argv[1:]
codes = [
    run(["new", work, "--images", photos, "--categories", "a"]),
    run(["status", work, "done"]),
    run(["export", work, out]),
]
assert codes == [0, 0, 0], codes
loaded = {"PySide6", "pyqtgraph", "torch", "torchvision"} & sys.modules.keys()
assert not loaded, loaded
import mrcnn_gui.workflows.finetune, mrcnn_gui.workflows.evaluate, mrcnn_gui.workflows.presegment
assert "torch" not in sys.modules, "a workflow loads torch before it is used"
run(["presegment", work, "--model", work])
assert "torch" in sys.modules
assert "PySide6" not in sys.modules
"""


def test_neither_qt_nor_torch_is_loaded_where_it_is_not_needed(
    photos: Path, tmp_path: Path
) -> None:
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, photos, tmp_path / "work", tmp_path / "out.json"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert child.returncode == 0, child.stderr
    image = json.loads((tmp_path / "out.json").read_text())["images"][0]
    assert (image["width"], image["height"]) == (WIDTH, HEIGHT)
