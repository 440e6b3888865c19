"""Damaged COCO files: `python -m benchmarks fuzz` runs ten thousand, here are the first."""

import json
import random
from pathlib import Path

import pytest

from core.formats.coco_fields import CocoError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows import coco_import
from mrcnn_gui.workflows.import_report import ImportReport
from tests.helpers import coco_fuzzing
from tests.helpers.coco_fuzzing import Playground
from tests.helpers.coco_mutations import dataset, mutated, to_bytes

FILES = 300


def test_no_damaged_file_does_harm(tmp_path: Path) -> None:
    playground = Playground(tmp_path / "fuzz")
    failures = {seed: playground.failure(seed) for seed in range(FILES)}
    assert not {seed: why for seed, why in failures.items() if why}
    assert FILES / 3 < playground.imported < FILES  # neither all broken nor all well


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
    assert (report.images, report.instances) == (3, len(dataset()["annotations"]))
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
