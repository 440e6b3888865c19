"""Damaged COCO files: `python -m benchmarks fuzz` runs ten thousand, here are the first."""

import json
import random
from pathlib import Path

import pytest

from core.formats.coco_fields import CocoError
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows import coco_import
from mrcnn_gui.workflows.import_report import ImportReport
from mrcnn_gui.workflows.results_import import import_results
from tests.helpers import coco_fuzzing
from tests.helpers.coco_fuzzing import Playground
from tests.helpers.coco_mutations import (
    HEIGHT,
    TURNED,
    WIDTH,
    damaged,
    dataset,
    mutated,
    results,
    to_bytes,
)

FILES = 300


def test_no_damaged_file_does_harm(tmp_path: Path) -> None:
    playground = Playground(tmp_path / "fuzz")
    failures = {seed: playground.failure(seed) for seed in range(FILES)}
    assert not {seed: why for seed, why in failures.items() if why}
    assert FILES / 3 < playground.imported < FILES  # neither all broken nor all well


def test_no_damaged_results_do_harm(tmp_path: Path) -> None:
    """Taken or refused, and then the suggestions are as they were."""
    Playground(tmp_path / "fuzz")
    project, path = tmp_path / "fuzz" / "project", tmp_path / "results.json"
    taken = 0
    with Store.open(project) as store, SuggestionStore(project) as suggestions:
        (entry,) = store.images()
        store.update_image(entry.id, content_hash="a", width=WIDTH, height=HEIGHT)
        for seed in range(FILES):
            suggestions.replace("a", "before", [])
            path.write_bytes(damaged(results(), seed))
            try:
                taken += import_results(store, path).results > 0
            except CocoError:
                assert suggestions.ran_with("a") == "before"
    assert taken > FILES / 3


def test_the_file_before_the_damage_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports: list[ImportReport] = []

    def import_and_keep(*arguments: object) -> ImportReport:
        reports.append(coco_import.import_coco(*arguments))  # type: ignore[arg-type]
        return reports[0]

    whole = to_bytes(dataset(), random.Random(0))
    monkeypatch.setattr(coco_fuzzing, "mutated", lambda _: whole)
    monkeypatch.setattr(coco_fuzzing, "import_coco", import_and_keep)
    assert Playground(tmp_path / "fuzz").failure(0) == ""
    (report,) = reports
    assert [line for line in report.problems if TURNED in line and "turned upright" in line]
    assert (report.images, report.instances) == (4, len(dataset()["annotations"]))
    assert json.loads(whole) == dataset()


def test_the_same_seed_gives_the_same_file() -> None:
    assert [mutated(seed) for seed in range(20)] == [mutated(seed) for seed in range(20)]
    assert len({mutated(seed) for seed in range(100)}) > 95


def raise_crash(*_: object) -> None:
    raise RuntimeError("boom")


def leave_a_category(store: Store, *_: object) -> None:
    store.add_category("left behind")
    raise CocoError("no")


def read_outside(_: object, path: Path, *__: object) -> None:
    (path.parent / "outside" / "secret.png").read_bytes()
    raise CocoError("no")


def write_outside(_: object, path: Path, *__: object) -> None:
    (path.parent / "new.txt").touch()
    raise CocoError("no")


@pytest.mark.parametrize(
    ("damage", "failure"),
    [
        (raise_crash, "import: RuntimeError: boom"),
        (leave_a_category, "left something behind"),
        (read_outside, "secret.png was opened"),
        (write_outside, "are new"),
    ],
)
def test_harm_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: object, failure: str
) -> None:
    monkeypatch.setattr(coco_fuzzing, "import_coco", damage)
    assert failure in Playground(tmp_path / "fuzz").failure(0)
