"""True boxes as people draw them: for a mask head that shall answer for the boxes of a hand."""

import torch

from core.model.box_head import RoiSample
from core.model.structures import Target
from core.ops.boxes import clip_boxes, has_min_side

_PER_INSTANCE = 2
_SPREAD = 0.12  # of a side; the largest standard deviation of an edge


@torch.no_grad()
def draw_boxes(
    target: Target, size: tuple[int, int], limit: int, generator: torch.Generator | None
) -> RoiSample:
    """Return true boxes with their edges moved, each with the mask of its instance.

    How careful a hand is differs: each box draws its own deviation, up to what detections are off.

    Args:
        target: what is true of an image.
        size: its height and width; boxes end there.
        limit: most boxes; without it every instance gives two.
        generator: on the CPU, draws all of it.
    """
    truth = target["boxes_xyxy"]
    count = len(truth)
    order = torch.randperm(_PER_INSTANCE * count, generator=generator)[:limit]
    owners = (order % max(1, count)).to(truth.device)
    deviations = _SPREAD * torch.rand(len(owners), 1, generator=generator)
    steps = deviations * torch.randn(len(owners), 4, generator=generator)
    boxes = truth[owners]
    sides = (boxes[:, 2:] - boxes[:, :2]).repeat(1, 2)
    moved = clip_boxes(boxes + steps.to(boxes) * sides, *size)
    boxes = torch.where(has_min_side(moved, 1.0)[:, None], moved, boxes)
    masks = [target["masks"][owner] for owner in owners.tolist()]
    return RoiSample(boxes, target["labels"][owners], truth[owners], masks)
