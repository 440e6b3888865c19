"""What a mask says of how sure the model is of a detection.

The box head alone decides what Mask R-CNN calls a score. Where the mask is blurred, the box mostly
does not fit, or what lies in it is no object: the mean probability inside the mask, the "maskness"
of SOLO (https://arxiv.org/abs/2106.15947), tells, and costs nothing.
"""

import torch
from torch import Tensor

from core.model.structures import Boxes, Prediction


def mask_scores(probs: Tensor) -> Tensor:
    """Return the mean probability of the cells that belong to each mask.

    Args:
        probs: [..., S, S] in 0..1.

    Returns:
        [...] in 0.5..1, or 0 where a mask has no cell.
    """
    inside = probs >= 0.5
    return (probs * inside).sum((-2, -1)) / inside.sum((-2, -1)).clamp(min=1)


def rank_by_masks(found: Boxes, probs: Tensor, lowest: float) -> Prediction:
    """Multiply scores with those of the masks and put the best first again.

    Args:
        found: n boxes.
        probs: [n, S, S], their masks.
        lowest: what then has a lower score is left out.
    """
    scores = found.scores * mask_scores(probs)
    order = torch.argsort(scores, descending=True, stable=True)
    order = order[scores[order] >= lowest]
    return Prediction(found.boxes_xyxy[order], scores[order], found.labels[order], probs[order])
