"""Which true box an anchor or RoI belongs to, and which of them are trained on."""

import torch
from torch import Tensor

BACKGROUND = -1
IGNORED = -2


def match_boxes(
    iou: Tensor, *, positive: float, negative: float, keep_best: bool = False
) -> Tensor:
    """Assign a true box, background or neither to every candidate (Faster R-CNN, section 3.1.2).

    Args:
        iou: [true boxes, candidates].
        positive: a candidate with at least this IoU belongs to its best true box.
        negative: below this it is background; between the two it is ignored.
        keep_best: also give every true box its best candidates, ties included, however low their
            IoU is, unless it is 0; each goes to the true box that it overlaps most.

    Returns:
        [candidates] int64: index of the true box, BACKGROUND or IGNORED.
    """
    if iou.shape[0] == 0:
        return torch.full((iou.shape[1],), BACKGROUND, dtype=torch.int64, device=iou.device)
    best, owner = iou.max(dim=0)
    matches = torch.where(best >= negative, IGNORED, BACKGROUND)
    matches = torch.where(best >= positive, owner, matches)
    if keep_best and iou.shape[1] > 0:
        highest = iou.amax(dim=1, keepdim=True)
        is_best = ((iou == highest) & (highest > 0)).any(dim=0)
        matches = torch.where(is_best, owner, matches)
    return matches


def sample_balanced(
    matches: Tensor, count: int, positive_share: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """Draw candidates to train on, without repetition (Faster R-CNN, section 3.1.3).

    Args:
        matches: [candidates] as `match_boxes` returns them.
        count: how many at most.
        positive_share: of `count`, at most; background fills what is left.
        generator: on the CPU; None draws from the global one.

    Returns:
        Indices of the positive and of the background candidates drawn.
    """
    positives = torch.nonzero(matches >= 0).flatten()
    negatives = torch.nonzero(matches == BACKGROUND).flatten()
    positives = _draw(positives, int(count * positive_share), generator)
    return positives, _draw(negatives, count - len(positives), generator)


def _draw(indices: Tensor, count: int, generator: torch.Generator | None) -> Tensor:
    """Draw `count` of the indices without repetition."""
    total = len(indices)
    if total <= count:
        return indices
    chosen: list[int] = []
    if total > 8 * count:  # a permutation of 100,000 anchors per image would take longest of all
        drawn = torch.randint(total, (2 * count,), generator=generator)
        chosen = list(dict.fromkeys(drawn.tolist()))[:count]  # without repetitions, in order
    if len(chosen) < count:
        chosen = torch.randperm(total, generator=generator)[:count].tolist()
    return indices[torch.tensor(chosen, dtype=torch.int64, device=indices.device)]
