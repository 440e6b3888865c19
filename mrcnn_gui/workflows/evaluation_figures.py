"""The figures of an evaluation; behind each stand the instances that it counts."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mrcnn_gui.workflows.evaluation import Annotated, EvaluatedImage, Evaluation, Found

MIN_IOU = 0.5  # of a pair that is a match
GOOD_IOU = 0.75  # of a found mask that needs little correction or none
BINS = 10  # of the histogram over 0..1
BACKGROUND = "background"

Instance = Annotated | Found
Confusion = dict[tuple[str, str], list[Instance]]
BestIou = tuple[Annotated, float]


@dataclass(frozen=True)
class PrecisionRecall:
    """One point of a curve: all from a score up; `added` is the instance that made the step."""

    recall: float
    precision: float
    score: float
    added: Found


def curves(evaluation: Evaluation) -> dict[str, list[PrecisionRecall]]:
    """Precision and recall by falling score for each category that was annotated.

    A found instance is right when its IoU with an annotated one of its category, that no surer
    one has taken, is above `MIN_IOU`: the PASCAL VOC definition on masks.
    """
    result = {}
    for category in evaluation.categories:
        total = sum(
            it.category == category for image in evaluation.images for it in image.annotated
        )
        if not total:
            continue
        verdicts = [pair for image in evaluation.images for pair in _verdicts(image, category)]
        verdicts.sort(key=lambda pair: -pair[0].score)
        points, right = [], 0
        for count, (found, is_right) in enumerate(verdicts, start=1):
            right += is_right
            points.append(PrecisionRecall(right / total, right / count, found.score, found))
        result[category] = points
    return result


def best_threshold(points: list[PrecisionRecall]) -> float:
    """The score from which on F1, the harmonic mean of precision and recall, is highest."""

    def f1(point: PrecisionRecall) -> float:
        both = point.precision + point.recall
        return 2 * point.precision * point.recall / both if both else 0.0

    return max(points, key=f1).score if points else 0.5


def confusion(evaluation: Evaluation, threshold: float) -> Confusion:
    """Who is taken for whom: (annotated category, found category) to the instances.

    Pairs are made whatever their categories, the surest first, above `MIN_IOU`. What is found
    without a partner stands in the row of the background, what is missed in its column.
    """
    cells: Confusion = defaultdict(list)
    for image in evaluation.images:
        partners = _match(image, threshold)
        for row, found in enumerate(image.found):
            if found.score < threshold:
                continue
            column = partners.get(row)
            if column is None:
                cells[BACKGROUND, found.category].append(found)
            else:
                annotated = image.annotated[column]
                cells[annotated.category, found.category].append(annotated)
        missed = set(range(len(image.annotated))) - set(partners.values())
        for column in sorted(missed):
            annotated = image.annotated[column]
            cells[annotated.category, BACKGROUND].append(annotated)
    return dict(cells)


def best_ious(evaluation: Evaluation, threshold: float) -> list[BestIou]:
    """Each annotated instance with its best IoU with what is found of its category."""
    return [
        (annotated, max(_ious(image, column, threshold), default=0.0))
        for image in evaluation.images
        for column, annotated in enumerate(image.annotated)
    ]


def iou_histogram(best: Iterable[BestIou]) -> list[list[Annotated]]:
    """Annotated instances in `BINS` by their best IoU."""
    bins: list[list[Annotated]] = [[] for _ in range(BINS)]
    for annotated, iou in best:
        bins[min(int(iou * BINS), BINS - 1)].append(annotated)
    return bins


def found_well(best: Iterable[BestIou]) -> int:
    """How many annotated instances are found with an IoU above `GOOD_IOU`."""
    return sum(iou > GOOD_IOU for _, iou in best)


def _ious(image: EvaluatedImage, column: int, threshold: float) -> Iterator[float]:
    for row, found in enumerate(image.found):
        if found.score >= threshold and found.category == image.annotated[column].category:
            yield image.ious[row][column]


def _verdicts(image: EvaluatedImage, category: str) -> Iterator[tuple[Found, bool]]:
    partners = _match(image, 0.0, category)
    for row, found in enumerate(image.found):
        if found.category == category:
            yield found, row in partners


def _match(image: EvaluatedImage, threshold: float, category: str | None = None) -> dict[int, int]:
    """The annotated instance of each found one that has one, by their places."""
    partners: dict[int, int] = {}
    for row in sorted(range(len(image.found)), key=lambda row: -image.found[row].score):
        found = image.found[row]
        if found.score < threshold or category not in {None, found.category}:
            continue
        free = [
            column
            for column, annotated in enumerate(image.annotated)
            if column not in partners.values()
            and category in {None, annotated.category}
            and image.ious[row][column] > MIN_IOU
        ]
        if free:
            partners[row] = max(free, key=lambda column: image.ious[row][column])
    return partners
