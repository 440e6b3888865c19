"""Where background is known: what lies elsewhere may hide an object that nobody has labelled."""

import torch
from torch import Tensor

from core.model.matcher import BACKGROUND, IGNORED

# Background must be known but for this share of a candidate, which rounded borders take. An object
# that hides in it has so small an IoU with the candidate that its label would change nothing.
_UNKNOWN = 0.1


def ignore_unknown(matches: Tensor, candidates: Tensor, known: Tensor | None) -> Tensor:
    """Return the matches, where candidates that may show an unlabelled object are ignored.

    They are not trained as background; candidates of true boxes stay with them.

    Args:
        matches: [N] as `match_boxes` returns them.
        candidates: `boxes_xyxy` [N, 4].
        known: [H, W] bool, the pixels whose objects are all labelled; None: all of them.
    """
    if known is None:
        return matches
    unknown = 1 - known_share(candidates, known) > _UNKNOWN
    return torch.where(unknown & (matches == BACKGROUND), IGNORED, matches)


def known_share(boxes_xyxy: Tensor, known: Tensor) -> Tensor:
    """Return which share of each box is known; of its part in the image, borders rounded.

    Args:
        boxes_xyxy: [N, 4].
        known: [H, W] bool.

    Returns:
        [N] float32 in 0..1; 0 for boxes beside the image.
    """
    height, width = known.shape
    sums = torch.zeros(height + 1, width + 1, dtype=torch.int32, device=known.device)
    sums[1:, 1:] = known.to(torch.int32).cumsum(0).cumsum(1)
    limits = boxes_xyxy.new_tensor([width, height, width, height])
    corners = torch.minimum(boxes_xyxy.round().clamp_min(0), limits).long()
    x1, y1, x2, y2 = corners.unbind(1)
    inside = sums[y2, x2] - sums[y1, x2] - sums[y2, x1] + sums[y1, x1]
    return inside / ((x2 - x1) * (y2 - y1)).clamp_min(1)
