import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from core.learning.bootstrap import CategoryMatches, Matches
from core.learning.evaluate import Metrics
from core.learning.progress import Progress, Stop, TrainingError
from core.model.checkpoint import load_model
from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune import (
    FinetuneOptions,
    Verdict,
    finetune,
    finetune_project,
    missing_for_finetune,
)
from mrcnn_gui.workflows.models import ACTIVE_MODEL, resolve_model
from mrcnn_gui.workflows.run_folder import ProjectRun
from mrcnn_gui.workflows.snapshot import Snapshot, freeze_snapshot
from mrcnn_gui.workflows.verdict import FinetuneResult, card_of, judge
from tests.workflows.conftest import human, rectangle

ONE_EPOCH = FinetuneOptions(epochs=1, device="cpu")


def missing(project: Path, change: Callable[[Store], object] = lambda _: None) -> str:
    with Store.open(project) as store:
        change(store)
        return missing_for_finetune(store)


def leftovers(project: Path) -> set[str]:
    """Everything under runs/ and models/."""
    paths = [path for name in ("runs", "models") for path in (project / name).rglob("*")]
    return {path.relative_to(project).as_posix() for path in paths}


def test_a_run_publishes_a_version_and_leaves_its_snapshot(reviewed: Path, starter: Path) -> None:
    steps: list[Progress] = []
    killed = reviewed / "runs" / "r0" / "fit"
    killed.mkdir(parents=True)
    (killed / "last.safetensors").write_text("half a checkpoint")
    ProjectRun(reviewed, "r0").note(parent="starter")
    result = finetune(reviewed, ONE_EPOCH, on_progress=steps.append)
    assert (result.version, result.parent, result.verdict) == ("v1", "starter", Verdict.UNDECIDED)
    assert "hold 1 of the 10 instances" in result.reason
    assert result.metrics is not None
    assert result.parent_metrics is not None
    assert (result.metrics.images, result.metrics.instances) == (1, 1)
    assert leftovers(reviewed) == {
        "runs/r0",
        "runs/r1",
        "runs/r1/log.jsonl",
        "runs/r1/train.json",
        "runs/r1/val.json",
        "models/v1",
        "models/v1/model.safetensors",
        "models/v1/card.json",
    }
    model, card = load_model(reviewed / "models" / "v1")
    assert model.config.categories == ("a", "b")
    assert (card["parent"], card["run"], card["verdict"]) == ("starter", "r1", "undecided")
    assert card["metrics"]["mask_ap"] == result.metrics.mask_ap
    assert card["parent_metrics"]["mask_ap"] == result.parent_metrics.mask_ap
    assert card["training"]["epochs"] == 1
    assert steps[-1].phase == "done"
    assert str(reviewed) not in json.dumps(card)  # a card may travel


def test_a_category_renamed_meanwhile_is_that_of_the_snapshot(
    reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def freeze_late(*args: Any, **kwargs: Any) -> Snapshot:
        with Store.open(reviewed) as store:
            store.update_category(replace(store.categories()[0], name="c"))
        return freeze_snapshot(*args, **kwargs)

    monkeypatch.setattr("mrcnn_gui.workflows.finetune.freeze_snapshot", freeze_late)
    finetune(reviewed, ONE_EPOCH)
    assert load_model(reviewed / "models" / "v1")[0].config.categories == ("c", "b")


def test_the_next_run_starts_from_the_active_version(reviewed: Path, starter: Path) -> None:
    first, active = finetune_project(reviewed, ONE_EPOCH, activate=True)
    assert (first.version, active) == ("v1", "v1")
    assert resolve_model(reviewed, None)[0] == "v1"
    second = finetune(reviewed, ONE_EPOCH)
    assert (second.version, second.parent) == ("v2", "v1")
    assert {"runs/r2/train.json", "models/v2/card.json"} <= leftovers(reviewed)


def test_the_command_line_activates_what_is_promoted(
    reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = iter([Verdict.KEPT, Verdict.PROMOTED, Verdict.UNDECIDED])
    monkeypatch.setattr(
        "mrcnn_gui.workflows.finetune.judge", lambda *_, **__: (next(verdicts), "because")
    )
    active = [finetune_project(reviewed, ONE_EPOCH)[1] for _ in range(3)]
    assert active == ["starter", "v2", "v2"]


def test_a_seed_gives_the_same_weights(reviewed: Path, starter: Path) -> None:
    for _ in range(2):
        finetune(reviewed, replace(ONE_EPOCH, seed=3))
    first, second = (
        load_model(reviewed / "models" / name)[0].state_dict() for name in ("v1", "v2")
    )
    assert all(bool((first[name] == second[name]).all()) for name in first)


def test_without_validation_images_nothing_can_be_told(reviewed: Path, starter: Path) -> None:
    with Store.open(reviewed) as store:
        store.set_side(3, Side.TRAIN)
    result = finetune(reviewed, ONE_EPOCH)
    assert (result.version, result.verdict, result.metrics) == ("v1", Verdict.UNDECIDED, None)
    assert "No done image is kept for validation" in result.reason


@pytest.mark.parametrize("phase", ["prepare", "train", "validate", "done"])
def test_a_cancelled_run_leaves_nothing(reviewed: Path, starter: Path, phase: str) -> None:
    stop = Stop.NO

    def watch(progress: Progress) -> None:
        nonlocal stop
        if progress.phase == phase:
            stop = Stop.CANCEL

    result = finetune(reviewed, ONE_EPOCH, on_progress=watch, should_stop=lambda: stop)
    assert (result.version, result.verdict) == (None, Verdict.CANCELLED)
    assert leftovers(reviewed) == set()


def test_a_run_cancelled_before_it_trains_leaves_nothing(reviewed: Path, starter: Path) -> None:
    result = finetune(reviewed, ONE_EPOCH, should_stop=lambda: Stop.CANCEL)
    assert result.verdict is Verdict.CANCELLED
    assert leftovers(reviewed) == set()


def test_a_cancelled_run_compares_nothing_any_more(
    reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Stop.NO

    def predict_some(*_: object, **__: object) -> list[dict[str, Any]]:
        nonlocal stop
        stop = Stop.CANCEL
        return []

    monkeypatch.setattr("core.learning.evaluate.predict_results", predict_some)
    monkeypatch.setattr("core.learning.evaluate.evaluate", pytest.fail)
    assert finetune(reviewed, ONE_EPOCH, should_stop=lambda: stop).verdict is Verdict.CANCELLED
    stop = Stop.CANCEL
    monkeypatch.setattr("mrcnn_gui.workflows.finetune.load_judged", pytest.fail)
    assert finetune(reviewed, ONE_EPOCH, should_stop=lambda: stop).verdict is Verdict.CANCELLED


def test_a_stopped_run_keeps_the_best(reviewed: Path, starter: Path) -> None:
    stop = Stop.NO

    def watch(progress: Progress) -> None:
        nonlocal stop
        if progress.metrics:
            stop = Stop.KEEP_BEST

    options = FinetuneOptions(epochs=50, device="cpu")
    result = finetune(reviewed, options, on_progress=watch, should_stop=lambda: stop)
    assert (result.version, result.verdict) == ("v1", Verdict.UNDECIDED)


def test_a_failed_run_leaves_nothing(
    reviewed: Path, starter: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(config: Any, **_: Any) -> None:
        config.output.mkdir()
        (config.output / ".unfinished-1.pt").write_bytes(b"half")
        raise TrainingError("the losses are not finite")

    monkeypatch.setattr("core.learning.train.fit", fail)
    with pytest.raises(TrainingError, match="not finite"):
        finetune(reviewed, ONE_EPOCH)
    assert leftovers(reviewed) == set()


def test_a_damaged_parent_is_named_and_leaves_nothing(
    reviewed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.safetensors").write_bytes(b"broken")
    monkeypatch.setattr("mrcnn_gui.workflows.models.resource", lambda _: tmp_path / "broken")
    with pytest.raises(ProjectError, match=r"broken.model\.safetensors: truncated, damaged"):
        finetune(reviewed, ONE_EPOCH)
    assert leftovers(reviewed) == set()


def test_images_that_are_gone_are_left_out(reviewed: Path, photos: Path, starter: Path) -> None:
    (photos / "0.png").unlink()
    result = finetune(reviewed, ONE_EPOCH)
    assert result.version == "v1"
    (problem,) = result.problems
    assert "0.png" in problem
    (photos / "1.png").unlink()
    with pytest.raises(ProjectError, match=r"no image to train on: .*0\.png"):
        finetune(reviewed, ONE_EPOCH)
    assert "runs/r2" not in leftovers(reviewed)


def test_what_is_missing_is_said(project: Path) -> None:
    assert missing(project) == "Mark 1 more image as done to fine-tune."
    with Store.open(project) as store:
        store.set_status(1, ReviewStatus.DONE)
        store.set_side(1, Side.TRAIN)
    assert "hold no instance" in missing(project)

    def finish_another(store: Store) -> None:
        store.set_status(2, ReviewStatus.DONE)
        store.set_side(1, Side.VALIDATION)
        store.set_side(2, Side.TEST)

    assert "All done images are kept for validation or test" in missing(project, finish_another)
    assert "hold no instance" in missing(project, lambda store: store.set_side(2, Side.TRAIN))

    def annotate(store: Store) -> None:
        store.insert_instances(2, [human(store, rectangle(1, 1, 5, 5))])

    assert missing(project, annotate) == ""


def test_a_project_that_is_not_ready_is_refused(project: Path, starter: Path) -> None:
    with pytest.raises(ProjectError, match="Mark 1 more image"):
        finetune(project, ONE_EPOCH)
    assert not (project / "runs").exists()


def test_the_active_version_must_be_there(reviewed: Path, starter: Path) -> None:
    with Store.open(reviewed) as store:
        store.set_setting(ACTIVE_MODEL, "v9")
    with pytest.raises(ProjectError, match="'v9'; versions: starter"):
        finetune(reviewed, ONE_EPOCH)


def metrics(mask_ap: float) -> Metrics:
    return Metrics(0, 0, mask_ap, 0, 0, 0, 0, {}, 4, 10)


def snapshot(val_instances: int) -> Snapshot:
    return Snapshot(Path("train.json"), Path("val.json"), 9, 4, val_instances)


@pytest.mark.parametrize(
    ("instances", "before", "after", "verdict"),
    [
        (10, 0.3, 0.3, Verdict.PROMOTED),
        (10, 0.3, 0.31, Verdict.PROMOTED),
        (10, 0.3, 0.29, Verdict.KEPT),
        (9, 0.1, 0.9, Verdict.UNDECIDED),
    ],
)
def test_a_candidate_that_is_not_worse_is_promoted(
    instances: int, before: float, after: float, verdict: Verdict
) -> None:
    found, reason = judge(snapshot(instances), metrics(after), metrics(before))
    assert found is verdict
    if instances >= 10:
        assert f"{after:.3f} against {before:.3f}" in reason


def measured(**hits: float) -> Metrics:
    """Metrics on 40 images with one instance of each category, found as often as told."""
    draw = np.random.default_rng(0)
    categories = [
        CategoryMatches(
            name,
            np.arange(40),
            np.repeat(draw.random((1, 40)) < share, 10, axis=0),
            np.ones((10, 40), np.bool_),
            np.ones(40),
        )
        for name, share in hits.items()
    ]
    per_category = {it.name: float(it.aps(np.ones((1, 40)))[0]) for it in categories}
    matches = Matches(tuple(categories), 40)
    return replace(metrics(matches.ap()), per_category=per_category, matches=matches)


def test_a_candidate_that_lost_a_category_is_not_promoted() -> None:
    parent = measured(cat=0.2, dog=0.9)
    verdict, reason = judge(snapshot(80), measured(cat=1.0, dog=0.4), parent)
    assert verdict is Verdict.KEPT
    assert reason.startswith("Worse at dog (0.")
    assert "cat (" not in reason
    assert "95 % interval +0." in reason
    verdict, reason = judge(snapshot(80), measured(cat=1.0, dog=0.85), parent)
    assert verdict is Verdict.PROMOTED, reason  # within what chance explains


def test_a_single_image_does_not_tell_that_a_category_was_lost() -> None:
    def on_one_image(found: Metrics) -> Metrics:
        assert found.matches is not None
        categories = tuple(
            replace(it, images=np.zeros_like(it.images), truths=np.array([40.0]))
            for it in found.matches.categories
        )
        return replace(
            found, images=1, matches=replace(found.matches, categories=categories, images=1)
        )

    parent = on_one_image(measured(cat=0.2, dog=0.9))
    verdict, _ = judge(snapshot(80), on_one_image(measured(cat=1.0, dog=0.4)), parent)
    assert verdict is Verdict.PROMOTED


def test_the_card_says_how_sure_the_gain_is_and_what_took_part() -> None:
    better, parent = measured(cat=0.9), measured(cat=0.5)
    card = card_of(FinetuneResult("v1", "starter", better, parent, Verdict.PROMOTED, ""), "r1")
    low, high = card["gain_interval"]
    assert 0 < low < better.mask_ap - parent.mask_ap < high
    assert {"python", "torch", "mrcnn-gui"} <= card["versions"].keys()
    json.dumps(card)


def test_one_done_image_is_enough(project: Path, starter: Path) -> None:
    with Store.open(project) as store:
        store.insert_instances(1, [human(store, rectangle(24, 16, 24, 16))])
        store.set_status(1, ReviewStatus.DONE)
        store.set_side(1, Side.TRAIN)
    result = finetune(project, ONE_EPOCH)
    assert (result.version, result.verdict) == ("v1", Verdict.UNDECIDED)


def test_a_renamed_category_is_still_known_and_a_new_one_joins(
    reviewed: Path, starter: Path
) -> None:
    finetune_project(reviewed, ONE_EPOCH, activate=True)
    first, card = load_model(reviewed / "models" / "v1")
    assert card["category_ids"] == {"a": 1, "b": 2}
    with Store.open(reviewed) as store:
        store.update_category(replace(store.categories()[0], name="renamed"))
        store.add_category("new")
    options = FinetuneOptions(epochs=1, device="cpu", settings={"learning_rate": 1e-12})
    finetune(reviewed, options)
    second = load_model(reviewed / "models" / "v2")[0]
    assert second.config.categories == ("renamed", "b", "new")
    rows = [first.box_head.classes.bias, second.box_head.classes.bias[:3]]
    assert torch.allclose(rows[0], rows[1], atol=1e-6)


def test_the_card_tells_how_the_version_came_about(reviewed: Path, starter: Path) -> None:
    finetune(reviewed, ONE_EPOCH)
    card = load_model(reviewed / "models" / "v1")[1]
    assert {"parent", "snapshot", "metrics", "parent_metrics", "gain_interval"} <= card.keys()
    assert {"seed", "training", "versions", "minutes", "notes"} <= card.keys()
    assert card["minutes"] > 0
    assert "look nearly like images that are kept for validation" in card["reason"]


def test_a_cross_validation_promotes_or_leaves_the_choice_to_a_person() -> None:
    few = snapshot(3)
    verdict, reason = judge(few, metrics(0.4), metrics(0.3), is_crossed=True)
    assert verdict is Verdict.PROMOTED
    assert "each judged by a model without it" in reason
    verdict, reason = judge(few, metrics(0.2), metrics(0.3), is_crossed=True)
    assert verdict is Verdict.UNDECIDED
    assert "0.200 against 0.300" in reason
