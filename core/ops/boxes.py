"""Boxes `boxes_xyxy`: float, continuous coordinates, right and bottom exclusive, no +1 anywhere."""

import math

import torch
from torch import Tensor

# A predicted size may exceed its reference at most this often (Faster R-CNN's published clip).
_LOG_SCALE_LIMIT = math.log(1000 / 16)

BoxWeights = tuple[float, float, float, float]


def box_area(boxes_xyxy: Tensor) -> Tensor:
    """Return the area in square pixels of each box; a reversed box has area 0.

    Args:
        boxes_xyxy: [N, 4].

    Returns:
        [N].
    """
    sides = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).clamp_min(0)
    return sides[:, 0] * sides[:, 1]


def intersection(first: Tensor, second: Tensor) -> Tensor:
    """Return the area that each box of one set shares with each of another.

    Args:
        first: `boxes_xyxy` [N, 4].
        second: `boxes_xyxy` [M, 4].

    Returns:
        [N, M] in square pixels.
    """
    low = torch.maximum(first[:, None, :2], second[None, :, :2])  # [N, M, 2]
    high = torch.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = (high - low).clamp_min(0)
    return sides[..., 0] * sides[..., 1]


def box_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return intersection over union of every pair; 0 where the union is empty.

    Args:
        first: `boxes_xyxy` [N, 4].
        second: `boxes_xyxy` [M, 4].

    Returns:
        [N, M] in 0..1.
    """
    shared = intersection(first, second)
    union = box_area(first)[:, None] + box_area(second)[None, :] - shared
    return torch.where(union > 0, shared / union, torch.zeros_like(shared))


def covered_share(boxes_xyxy: Tensor, regions_xyxy: Tensor) -> Tensor:
    """Return for each box the largest share of its own area that one region covers.

    Args:
        boxes_xyxy: [N, 4].
        regions_xyxy: [M, 4]; M may be 0.

    Returns:
        [N] in 0..1.
    """
    area = box_area(boxes_xyxy)
    if len(regions_xyxy) == 0:
        return torch.zeros_like(area)
    shared = intersection(boxes_xyxy, regions_xyxy).amax(dim=1)
    return torch.where(area > 0, shared / area, torch.zeros_like(area))


def clip_boxes(boxes_xyxy: Tensor, height: int | Tensor, width: int | Tensor) -> Tensor:
    """Return the boxes clipped to their images.

    Args:
        boxes_xyxy: [N, 4].
        height: of the image in pixels; or [N, 1], of each box's image.
        width: as `height`.

    Returns:
        [N, 4].
    """
    x, y = boxes_xyxy[:, 0::2], boxes_xyxy[:, 1::2]
    limits = (torch.as_tensor(side, device=x.device, dtype=x.dtype) for side in (width, height))
    pairs = (torch.minimum(v.clamp_min(0), limit) for v, limit in zip((x, y), limits, strict=True))
    return torch.stack(tuple(pairs), dim=2).flatten(1)


def has_min_side(boxes_xyxy: Tensor, side: float) -> Tensor:
    """Return [N] bool: both sides of the box are at least `side` pixels."""
    return ((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) >= side).all(dim=1)


def encode_boxes(boxes_xyxy: Tensor, references_xyxy: Tensor, weights: BoxWeights) -> Tensor:
    """Return the deltas that turn each reference into its box (R-CNN, arXiv 1311.2524, app. C).

    Args:
        boxes_xyxy: [N, 4], sides > 0.
        references_xyxy: [N, 4], sides > 0.
        weights: factors of dx, dy, dw, dh.

    Returns:
        [N, 4] (dx, dy, dw, dh).
    """
    size = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    reference_size = references_xyxy[:, 2:] - references_xyxy[:, :2]
    centre = (boxes_xyxy[:, 2:] + boxes_xyxy[:, :2]) / 2
    reference_centre = (references_xyxy[:, 2:] + references_xyxy[:, :2]) / 2
    shift = (centre - reference_centre) / reference_size
    scale = torch.log(size / reference_size)
    return torch.cat((shift, scale), dim=1) * boxes_xyxy.new_tensor(weights)


def decode_boxes(deltas: Tensor, references_xyxy: Tensor, weights: BoxWeights) -> Tensor:
    """Return the boxes that the deltas make of the references: inverse of `encode_boxes`.

    Args:
        deltas: [N, 4]; growth is limited to 1000/16 so that exp cannot overflow.
        references_xyxy: [N, 4].
        weights: as for `encode_boxes`.

    Returns:
        `boxes_xyxy` [N, 4].
    """
    # Number by number: a tensor of the weights would have to be sent to the device, and waited for.
    deltas = torch.stack([d / w for d, w in zip(deltas.unbind(1), weights, strict=True)], dim=1)
    reference_size = references_xyxy[:, 2:] - references_xyxy[:, :2]
    reference_centre = (references_xyxy[:, 2:] + references_xyxy[:, :2]) / 2
    centre = reference_centre + deltas[:, :2] * reference_size
    half = reference_size * torch.exp(deltas[:, 2:].clamp(max=_LOG_SCALE_LIMIT)) / 2
    return torch.cat((centre - half, centre + half), dim=1)
