"""Bilinear samples of masks in the grids of the mask head: the truth that it learns from."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from core.masks import Mask


def sample_masks(masks: Sequence[Mask], boxes_xyxy: Tensor, size: int) -> Tensor:
    """Sample each mask inside its box; a mask is 0 outside its crop.

    Half-pixel centres and continuous boxes, as in `core.ops.paste`: cell (i, j) of the grid covers
    its share of the box and is sampled at its centre. No full-size canvas is built, and all masks
    are sampled at once: by themselves they would cost a tenth of a training step.

    Args:
        masks: P masks, in image coordinates.
        boxes_xyxy: [P, 4], in image coordinates; may reach outside the mask and the image.
        size: side of the grids.

    Returns:
        [P, size, size] float32 in 0..1 on the device of the boxes.
    """
    pixels, places = _flatten(masks)
    pixels, places = pixels.to(boxes_xyxy.device), places.to(boxes_xyxy.device)
    start, left, top, width, height = places.unbind(1)
    boxes = boxes_xyxy.double()
    centres = (torch.arange(size, device=boxes.device, dtype=torch.float64) + 0.5) / size
    across = boxes[:, :1] + centres * (boxes[:, 2:3] - boxes[:, :1]) - left[:, None] - 0.5
    down = boxes[:, 1:2] + centres * (boxes[:, 3:] - boxes[:, 1:2]) - top[:, None] - 0.5
    values = torch.zeros(len(boxes), size, size, dtype=torch.float64, device=boxes.device)
    for rows, row_weights in _taps(down, height[:, None]):
        line = (start[:, None] + rows * width[:, None])[:, :, None]
        for columns, weights in _taps(across, width[:, None]):
            around = pixels[line + columns[:, None]]  # [P, size, size]
            values += around * (row_weights[:, :, None] * weights[:, None])
    return values.float()


def _flatten(masks: Sequence[Mask]) -> tuple[Tensor, Tensor]:
    """Return the pixels of the different masks in a row, and each mask's start, x, y, w, h [P, 5].

    A last 0 is what masks without a pixel point to.
    """
    crops, starts, end = [], {}, 0
    for mask in masks:
        if id(mask) not in starts:
            starts[id(mask)] = end
            crops.append(mask.crop.ravel())
            end += mask.crop.size
    places = [(starts[id(m)], m.x, m.y, m.crop.shape[1], m.crop.shape[0]) for m in masks]
    pixels = torch.from_numpy(np.concatenate([*crops, np.zeros(1, np.bool_)]))
    return pixels, torch.tensor(places, dtype=torch.int64).reshape(-1, 5)


def _taps(positions: Tensor, size: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return both neighbours of positions [P, n] and their weights, 0 outside of 0..size - 1."""
    first = positions.floor()
    share = positions - first
    taps = []
    for neighbour, weight in ((first, 1 - share), (first + 1, share)):
        inside = (neighbour >= 0) & (neighbour < size)
        taps.append((torch.where(inside, neighbour, 0).long(), torch.where(inside, weight, 0)))
    return taps
