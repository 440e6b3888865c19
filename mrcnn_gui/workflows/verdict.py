"""Whether a fine-tuned candidate takes its parent's place."""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
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
    """

    version: str | None
    parent: str
    metrics: "Metrics | None"
    parent_metrics: "Metrics | None"
    verdict: Verdict
    reason: str
    problems: tuple[str, ...] = ()
    snapshot_hash: str = ""


def judge(
    snapshot: Snapshot, metrics: "Metrics | None", parent_metrics: "Metrics | None"
) -> tuple[Verdict, str]:
    """Whether the candidate takes its parent's place, and why."""
    if metrics is None or parent_metrics is None:
        return Verdict.UNDECIDED, (
            "No done image is kept for validation, so it cannot be told whether it is better."
        )
    if snapshot.val_instances < MIN_VALIDATION_INSTANCES:
        return Verdict.UNDECIDED, (
            f"The validation images hold {snapshot.val_instances} of the "
            f"{MIN_VALIDATION_INSTANCES} instances that it takes to tell whether it is better."
        )
    scores = (
        f"mask AP {metrics.mask_ap:.3f} against {parent_metrics.mask_ap:.3f} of the parent on "
        f"{snapshot.val_images} validation images"
    )
    if metrics.mask_ap >= parent_metrics.mask_ap:
        return Verdict.PROMOTED, f"Not worse: {scores}."
    return Verdict.KEPT, f"Worse: {scores}."


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
    }
