import json
from pathlib import Path
from typing import Any

import pytest

from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows import replay
from mrcnn_gui.workflows.finetune import FinetuneOptions, finetune
from mrcnn_gui.workflows.models import ACTIVE_MODEL, project_models
from mrcnn_gui.workflows.replay import choose_images, subset
from mrcnn_gui.workflows.snapshot import freeze_snapshot
from tests.workflows.conftest import HEIGHT, WIDTH, human, rectangle, save_tiny, write_picture


def content(ids: range, category: str = "a", width: int = 10) -> dict[str, Any]:
    return {
        "images": [{"id": i, "file_name": f"{i}.png"} for i in ids],
        "categories": [{"id": 1, "name": category}],
        "annotations": [
            {"id": i, "image_id": i, "category_id": 1, "segmentation": [[0, 0, width, 0, 5, 5]]}
            for i in ids
        ],
    }


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "LEAST_OLD", 4)


def test_a_first_run_goes_through_everything() -> None:
    assert choose_images(content(range(1, 30)), ()) == set(range(1, 30))


def test_new_images_and_a_share_of_the_old_ones_are_gone_through() -> None:
    chosen = choose_images(content(range(1, 31)), [content(range(1, 29))], seed=1)
    assert {29, 30} <= chosen
    assert len(chosen) == 2 + 3 * 2
    assert choose_images(content(range(1, 31)), [content(range(1, 29))], seed=1) == chosen
    assert choose_images(content(range(1, 31)), [content(range(1, 29))], seed=2) != chosen


def test_every_round_goes_through_a_share_of_all_that_was_learned() -> None:
    """The parent itself went through a share alone."""
    earlier: list[dict[str, Any]] = []
    for images, expected in ((100, 100), (110, 40), (120, 40), (130, 40)):
        train = content(range(images))
        chosen = choose_images(train, earlier)
        assert len(chosen) == expected
        earlier.insert(0, subset(train, chosen))


def test_what_the_nearest_run_learned_of_an_image_counts() -> None:
    first, then = content(range(1, 30)), content(range(29, 30), width=11)
    assert 29 in choose_images(first, [then, first])
    assert len(choose_images(first, [then, first])) == 1 + 4


@pytest.mark.parametrize("changes", [{"category": "b"}, {"width": 11}])
def test_what_was_labelled_otherwise_counts_as_new(changes: dict[str, Any]) -> None:
    assert len(choose_images(content(range(1, 30)), [content(range(1, 30), **changes)])) == 29


def test_without_anything_new_everything_is_gone_through() -> None:
    assert len(choose_images(content(range(1, 30)), [content(range(1, 40))])) == 29


def test_a_subset_has_the_annotations_of_its_images() -> None:
    part = subset(content(range(1, 5)), {2, 3})
    assert [it["id"] for it in part["images"]] == [2, 3]
    assert [it["image_id"] for it in part["annotations"]] == [2, 3]
    assert part["categories"] == content(range(1))["categories"]


def learned(project: Path, name: str, run: str, parent: str, images: set[int]) -> None:
    """A version in use that learned from some of the images that are done now."""
    (project / "runs" / run).mkdir(parents=True)
    path = freeze_snapshot(project, project / "runs" / run).train_json
    path.write_text(json.dumps(subset(json.loads(path.read_text()), images)))
    folder = save_tiny(project / "models" / name, "a", "b")
    (folder / "card.json").write_text(json.dumps({"run": run, "parent": parent}))
    with Store.open(project) as store:
        store.set_setting(ACTIVE_MODEL, name)


def label(project: Path, *images: int) -> None:
    """Mark images done that teach."""
    mask = rectangle(WIDTH // 4, HEIGHT // 4, 24, 16)
    with Store.open(project) as store:
        for number in images:
            store.insert_instances(number, [human(store, mask)])
            store.set_side(number, Side.TRAIN)
            store.set_status(number, ReviewStatus.DONE)


def test_a_version_knows_what_those_that_it_comes_of_have_learned(
    project: Path, photos: Path, starter: Path
) -> None:
    with Store.open(project) as store:
        store.add_images(write_picture(photos / f"more{n}.png", 9 + n) for n in range(8))
    label(project, *range(1, 11))
    learned(project, "v1", "r1", "starter", set(range(1, 11)))
    label(project, 11)
    learned(project, "v2", "r2", "v1", {1, 2, 3, 4, 11})
    project_models(project).delete("v1")
    label(project, 12)
    assert finetune(project, FinetuneOptions(epochs=1, device="cpu")).version == "v3"
    train = json.loads((project / "runs" / "r3" / "train.json").read_text())
    assert len(train["images"]) == 1 + 4
