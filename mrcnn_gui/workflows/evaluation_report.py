"""An evaluation as text and as JSON values, for a terminal."""

from typing import Any

from mrcnn_gui.workflows.evaluation import Evaluation
from mrcnn_gui.workflows.evaluation_figures import (
    BACKGROUND,
    BINS,
    GOOD_IOU,
    best_ious,
    best_threshold,
    confusion,
    curves,
    found_well,
    iou_histogram,
)


def report_values(evaluation: Evaluation, threshold: float) -> dict[str, Any]:
    """All figures: the metrics, each curve, the confusion and the overlaps.

    Args:
        evaluation: What was measured.
        threshold: Lowest score that counts in the confusion and the overlaps.
    """
    points, best = curves(evaluation), best_ious(evaluation, threshold)
    return {
        "version": evaluation.version,
        "set": evaluation.image_set.value,
        "metrics": evaluation.metrics.to_dict(),
        "curves": {
            name: [[point.recall, point.precision, point.score] for point in each]
            for name, each in points.items()
        },
        "best_scores": {name: best_threshold(each) for name, each in points.items()},
        "score": threshold,
        "confusion": [
            {"annotated": annotated, "found": found, "count": len(instances)}
            for (annotated, found), instances in confusion(evaluation, threshold).items()
        ],
        "overlaps": [len(each) for each in iou_histogram(best)],
        "found_well": found_well(best),
        "problems": list(evaluation.problems),
    }


def report_text(evaluation: Evaluation, threshold: float) -> str:
    """The same as lines of text, without the curves."""
    values, metrics = report_values(evaluation, threshold), evaluation.metrics
    lines = [
        f"{evaluation.version} on {metrics.images} images ({evaluation.image_set}) with "
        f"{metrics.instances} instances",
        f"mask AP {metrics.mask_ap:.3f}, AP50 {metrics.mask_ap50:.3f}, AP75 "
        f"{metrics.mask_ap75:.3f}; box AP {metrics.box_ap:.3f}; mean recall {metrics.ar100:.3f}",
    ]
    for name, score in metrics.per_category.items():
        best = values["best_scores"].get(name, 0.5)
        lines.append(f"{name}: mask AP {score:.3f}, highest F1 from score {best:.2f}")
    lines += ["", f"annotated as (rows), found as (columns), from score {threshold:.2f}:"]
    lines += _table(evaluation, threshold)
    counts = ", ".join(
        f"{place / BINS:.1f}: {count}" for place, count in enumerate(values["overlaps"])
    )
    lines += ["", f"annotated instances by best IoU from: {counts}"]
    lines += [
        f"found with IoU above {GOOD_IOU}: {values['found_well']} of {metrics.instances} instances"
    ]
    return "\n".join(lines)


def _table(evaluation: Evaluation, threshold: float) -> list[str]:
    cells = confusion(evaluation, threshold)
    names = [*evaluation.categories, BACKGROUND]
    rows = [["", *evaluation.categories, "missed"]]
    for annotated in names:
        counts = (str(len(cells.get((annotated, found), ()))) for found in names)
        rows.append(["not annotated" if annotated == BACKGROUND else annotated, *counts])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
        for row in rows
    ]
