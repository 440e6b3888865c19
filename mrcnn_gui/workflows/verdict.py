"""Whether a fine-tuned candidate takes its parent's place."""

import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from mrcnn_gui.workflows.snapshot import Snapshot

if TYPE_CHECKING:
    from core.learning.evaluate import Metrics

MIN_VALIDATION_INSTANCES = 10
"""Below this many the difference between two mask APs is mostly chance."""


class Verdict(StrEnum):
    """What became of the candidate."""

    PROMOTED = "promoted"
    KEPT = "kept"
    UNDECIDED = "undecided"
    CANCELLED = "cancelled"
    SUSPENDED = "suspended"


@dataclass(frozen=True)
class FinetuneResult:
    """What a run came to.

    Attributes:
        version: The new version's id; None when nothing was kept.
        parent: The version that the run started from.
        metrics: Of the new version on the validation images; None without any.
        parent_metrics: Of the parent on the same images.
        verdict: PROMOTED: the caller shall make the version active. KEPT: the parent stays.
            UNDECIDED: a person has to choose. CANCELLED: there is no new version. SUSPENDED: not
            yet; the run waits in its folder to be gone on with.
        reason: Why, for people.
        problems: One line for every done image that was left out.
        snapshot_hash: SHA-256 of what was trained and validated on.
        minutes: How long the training took.
        notes: What it did by itself, for people.
    """

    version: str | None
    parent: str
    metrics: "Metrics | None"
    parent_metrics: "Metrics | None"
    verdict: Verdict
    reason: str
    problems: tuple[str, ...] = ()
    snapshot_hash: str = ""
    minutes: float = 0.0
    notes: tuple[str, ...] = ()


def judge(
    snapshot: Snapshot,
    metrics: "Metrics | None",
    parent_metrics: "Metrics | None",
    *,
    is_crossed: bool = False,
) -> tuple[Verdict, str]:
    """Whether the candidate takes its parent's place, and why.

    Args:
        snapshot: What it learned from.
        metrics: Of the candidate.
        parent_metrics: Of its parent on the same images.
        is_crossed: Whether they come of a cross-validation on the images for training.
    """
    if metrics is None or parent_metrics is None:
        return Verdict.UNDECIDED, (
            "No done image is kept for validation, so it cannot be told whether it is better."
        )
    if not is_crossed and snapshot.val_instances < MIN_VALIDATION_INSTANCES:
        return Verdict.UNDECIDED, (
            f"The validation images hold {snapshot.val_instances} of the "
            f"{MIN_VALIDATION_INSTANCES} instances that it takes to tell whether it is better."
        )
    images = f"{snapshot.val_images} validation image{'s' * (snapshot.val_images != 1)}"
    if is_crossed:
        images = f"{metrics.images} images for training, each judged by a model without it"
    scores = _scores(images, metrics, parent_metrics)
    if metrics.mask_ap < parent_metrics.mask_ap:
        if is_crossed:  # the folds train the RoI heads alone, on fewer images
            return Verdict.UNDECIDED, f"It cannot be told whether it is better: {scores}."
        return Verdict.KEPT, f"Worse: {scores}."
    if worse := _surely_worse(metrics, parent_metrics):
        return Verdict.KEPT, f"Worse at {', '.join(worse)}, though not on the whole: {scores}."
    return Verdict.PROMOTED, f"Not worse: {scores}."


def gain_interval(
    metrics: "Metrics | None", parent_metrics: "Metrics | None"
) -> tuple[float, float] | None:
    """The 95 % interval of how much higher the mask AP is, on the same images; None: not known.

    It comes of drawing images anew: of a single one nothing is known.
    """
    if metrics is None or parent_metrics is None or metrics.images < 2:
        return None
    if metrics.matches is None or parent_metrics.matches is None:
        return None
    return metrics.matches.gain_interval(parent_metrics.matches)


def _scores(images: str, metrics: "Metrics", parent_metrics: "Metrics") -> str:
    gain = gain_interval(metrics, parent_metrics)
    scores = (
        f"mask AP {metrics.mask_ap:.3f} against {parent_metrics.mask_ap:.3f} of the parent on "
        f"{images}"
    )
    return scores if gain is None else f"{scores} (95 % interval {gain[0]:+.3f} to {gain[1]:+.3f})"


def _surely_worse(metrics: "Metrics", parent_metrics: "Metrics") -> list[str]:
    """The categories whose AP has fallen by more than chance explains, with both APs.

    What chance does is told by drawing images anew: of a single one nothing is known.
    """
    if metrics.images < 2 or metrics.matches is None or parent_metrics.matches is None:
        return []
    before = {it.name: it for it in parent_metrics.matches.categories}
    return [
        f"{name} ({parent_metrics.per_category.get(name, 0):.3f} to {ap:.3f})"
        for it in metrics.matches.categories
        if (name := it.name) in before and (ap := metrics.per_category.get(name)) is not None
        if metrics.matches.only(name).gain_interval(parent_metrics.matches.only(name))[1] < 0
    ]


def card_of(result: FinetuneResult, run: str) -> dict[str, Any]:
    """What the card says beyond what the training wrote into it."""
    metrics, parent = result.metrics, result.parent_metrics
    return {
        "parent": result.parent,
        "run": run,
        "snapshot": result.snapshot_hash,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "metrics": metrics.to_dict() if metrics else None,
        "parent_metrics": parent.to_dict() if parent else None,
        "verdict": result.verdict,
        "reason": result.reason,
        "gain_interval": gain_interval(metrics, parent),
        "minutes": round(result.minutes, 3),
        "notes": list(result.notes),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    """Of what took part."""
    names = ("mrcnn-gui", "torch", "numpy", "pycocotools")
    return {"python": platform.python_version(), **{name: _version(name) for name in names}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
