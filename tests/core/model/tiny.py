"""A model and pictures so small that tests can train on them."""

from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from core.masks import Mask
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN, Target

TINY = MaskRCNNConfig(
    backbone_width=0.25,
    fpn_channels=16,
    box_channels=64,
    mask_channels=16,
    mask_convs=2,
    anchor_sizes=(16.0, 32.0, 64.0, 128.0, 256.0),
    rpn_candidates=100,
    rpn_proposals_train=60,
    rpn_proposals_test=40,
    box_samples=48,
    image_size=128,
)
HEIGHT, WIDTH = 96, 128
STEPS = 90


def scene(seed: int) -> tuple[NDArray[np.uint8], list[Mask]]:
    """Paint a rectangle (seed 0) or an ellipse, twice, on noise."""
    rng = np.random.default_rng(seed)
    image = rng.normal(100, 6, (HEIGHT, WIDTH, 3))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    masks = []
    for cx, cy, r, colour in ((36, 40, 22, (230, 50, 50)), (90, 60, 26, (50, 70, 230))):
        dx, dy = abs(x + 0.5 - cx) / r, abs(y + 0.5 - cy) / (0.7 * r)
        inside = np.maximum(dx, dy) < 1 if seed == 0 else dx**2 + dy**2 < 1
        image[inside] = colour
        masks.append(Mask.from_bitmap(inside))
    return image.clip(0, 255).astype(np.uint8), masks


def to_tensor(image: NDArray[np.uint8]) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).float() / 255


def target_of(masks: list[Mask], labels: list[int] | None = None) -> Target:
    boxes = [mask.box_xyxy for mask in masks]
    return Target(
        boxes_xyxy=torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
        labels=torch.tensor(labels or [1] * len(masks), dtype=torch.int64),
        masks=masks,
        ignore_xyxy=torch.zeros(0, 4),
    )


@cache
def overfitted() -> MaskRCNN:
    """Return a tiny model that has learnt the scenes 0 and 1 by heart; do not change it."""
    model = MaskRCNN(TINY, seed=1).train()
    scenes = [scene(0), scene(1)]
    images = [to_tensor(image) for image, _ in scenes]
    targets = [target_of(masks) for _, masks in scenes]
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters(), 4e-3)
    for step in range(STEPS):
        if step == STEPS * 2 // 3:
            optimizer.param_groups[0]["lr"] = 1e-3
        losses = model(images, targets, generator)
        optimizer.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    return model.eval()
