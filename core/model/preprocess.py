"""From images to the batch that the backbone sees.

How an image is resized belongs to the weights: they were trained with it. "torchvision" does as
torchvision's GeneralizedRCNNTransform, "detectron2" as its ResizeShortestEdge (Pillow's bilinear
filter, which averages where it shrinks).
"""

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.model.config import MaskRCNNConfig

_MULTIPLE = 32  # the stride of C5
# cuDNN plans every convolution anew for every size of batch: half a training step on an H200.
_FEW_SIZES_MULTIPLE = 128


def resize_short_side(image: Tensor, config: MaskRCNNConfig) -> Tensor:
    """Scale so that the short side has `image_size` pixels, the long one at most `image_max_size`.

    Args:
        image: [3, H, W] float32 in 0..1.
        config: its `resizing` is "torchvision" or "detectron2".

    Returns:
        [3, H', W'] float32 in 0..1; a side never vanishes.
    """
    height, width = image.shape[-2:]
    short, long = min(height, width), max(height, width)
    if config.resizing == "torchvision":
        scale = min(config.image_size / short, config.image_max_size / long)
        size = [max(1, math.floor(side * scale)) for side in (height, width)]
        return F.interpolate(image[None], size, mode="bilinear")[0]
    scale = config.image_size / short
    scale = min(scale, config.image_max_size / (scale * long) * scale)
    size = [max(1, math.floor(side * scale + 0.5)) for side in (height, width)]
    pixels = (image * 255).round().to(torch.uint8)[None].cpu()  # CUDA cannot resize bytes
    resized = F.interpolate(pixels, size, mode="bilinear", antialias=True)[0]
    return (resized.float() / 255).to(image.device)


def to_batch(
    images: Sequence[Tensor], config: MaskRCNNConfig, *, few_sizes: bool = False
) -> tuple[Tensor, list[tuple[int, int]]]:
    """Normalise images and put them, padded with zeros on the right and below, into one batch.

    Args:
        images: each [3, H, W] float32 RGB in 0..1; sizes may differ.
        config: knows mean, deviation and order of the channels.
        few_sizes: pad more, so that many batches have few different sizes.

    Returns:
        [B, 3, H, W], whose sides are multiples of 32 (128 with few sizes), and height and width of
        every image.
    """
    sizes = [(image.shape[-2], image.shape[-1]) for image in images]
    step = _FEW_SIZES_MULTIPLE if few_sizes else _MULTIPLE
    height = _next_multiple(max(size[0] for size in sizes), step)
    width = _next_multiple(max(size[1] for size in sizes), step)
    mean, std = _statistics(config, images[0].dtype, images[0].device)
    batch = torch.stack(
        [
            F.pad((image - mean) / std, (0, width - w, 0, height - h))
            for image, (h, w) in zip(images, sizes, strict=True)
        ]
    )
    if config.image_bgr:
        batch = batch.flip(1)
    return batch.contiguous(memory_format=torch.channels_last), sizes


@lru_cache(maxsize=8)
def _statistics(
    config: MaskRCNNConfig, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return mean and deviation [3, 1, 1]: sent to the device once, as sending makes it wait."""
    with torch.inference_mode(mode=False):
        mean, std = (
            torch.tensor(values, dtype=dtype, device=device)[:, None, None]
            for values in (config.image_mean, config.image_std)
        )
    return mean, std


def _next_multiple(length: int, step: int) -> int:
    return -(-length // step) * step
