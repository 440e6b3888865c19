"""Anchor boxes: the references of the region proposal network (Faster R-CNN, section 3.1.1).

Published weights were trained with one of three layouts:

* "centred": anchors stand on the centres of their cells; sizes and strides are exact.
* "detectron2": they stand on the top left corners of their cells.
* "torchvision": the same, with sizes rounded to whole pixels, and the stride of a level is the
  padded image's side over the level's, rounded down: 48 for 96 pixels in 2 cells, not 64.
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from core.model.config import MaskRCNNConfig

LOWEST_STRIDE = 4  # of P2; every further level doubles it


def level_anchors(
    shape: tuple[int, int],
    strides: tuple[int, int],
    size: float,
    ratios: Sequence[float],
    style: str = "centred",
) -> Tensor:
    """Return the anchors of one level.

    Args:
        shape: rows and columns of the level.
        strides: pixels of the image per row and per column.
        size: square root of an anchor's area, in pixels.
        ratios: height / width, one anchor each per cell.
        style: "centred", "torchvision" or "detectron2".

    Returns:
        `boxes_xyxy` [rows * columns * ratios, 4], ordered by row, column, ratio.
    """
    root = torch.tensor(ratios).sqrt()
    half = torch.stack((size * (1 / root), size * root), dim=1) / 2  # [A, 2]
    base = torch.cat((-half, half), dim=1)  # [A, 4]
    if style == "torchvision":
        base = base.round()
    offset = 0.5 if style == "centred" else 0.0
    y, x = torch.meshgrid(
        (torch.arange(shape[0]) + offset) * strides[0],
        (torch.arange(shape[1]) + offset) * strides[1],
        indexing="ij",
    )
    centres = torch.stack((x, y, x, y), dim=-1)  # [H, W, 4]
    return (centres[:, :, None] + base).reshape(-1, 4)


def pyramid_anchors(levels: Sequence[Tensor], config: MaskRCNNConfig) -> list[Tensor]:
    """Return the anchors of every level of a pyramid [B, C, H, W], on its device; do not change."""
    shapes = tuple((level.shape[-2], level.shape[-1]) for level in levels)
    return _anchors_of_shapes(shapes, config, levels[0].device)


@lru_cache(maxsize=8)
def _anchors_of_shapes(
    shapes: tuple[tuple[int, int], ...], config: MaskRCNNConfig, device: torch.device
) -> list[Tensor]:
    """Make the anchors once for many images of a size; training may use what inference made."""
    padded = [LOWEST_STRIDE * side for side in shapes[0]]
    anchors = []
    for number, (shape, size) in enumerate(zip(shapes, config.anchor_sizes, strict=True)):
        strides = (LOWEST_STRIDE * 2**number,) * 2
        if config.anchor_style == "torchvision":
            strides = padded[0] // shape[0], padded[1] // shape[1]
        with torch.inference_mode(mode=False):
            boxes = level_anchors(shape, strides, size, config.anchor_ratios, config.anchor_style)
            anchors.append(boxes.to(device))
    return anchors
