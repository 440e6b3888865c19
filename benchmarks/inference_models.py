"""Torchvision's Mask R-CNN and ours with the same seeded random weights, and photos for both.

Random weights say nothing about quality. They are drawn so that both sides find a hundred objects
in every photo, which is the most work that a photo can be.
"""

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
import torchvision
from torch import Tensor, nn

from core.model.mask_rcnn import MaskRCNN
from core.model.presets import TORCHVISION_V1
from core.model.published_names import from_torchvision

HEIGHT, WIDTH = 800, 1066
DETECTIONS = 100
_SEED = 7
_CATEGORIES = tuple(f"category {i}" for i in range(1, 90))


def twins() -> tuple[Any, MaskRCNN]:
    """Torchvision's model and ours, on the CPU and in evaluation mode."""
    theirs = torchvision.models.detection.maskrcnn_resnet50_fpn(
        weights=None, weights_backbone=None, num_classes=1 + len(_CATEGORIES)
    )
    _draw(theirs)
    config = replace(TORCHVISION_V1, categories=_CATEGORIES, backbone_norm_eps=1e-5)
    ours = MaskRCNN(config)
    ours.load_state_dict(from_torchvision(theirs.state_dict()).state)
    return theirs.eval(), ours.eval()


def _draw(model: nn.Module) -> None:
    """Keep activations near 1, let the scores differ, and move boxes only a little."""
    generator = torch.Generator().manual_seed(_SEED)
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        if name.endswith("bn3.weight"):
            value.data.fill_(0.3)
        elif value.is_floating_point() and value.ndim > 1:
            gain = 1.0 if "fpn" in name else 2**0.5
            value.data.normal_(std=gain * value[0].numel() ** -0.5, generator=generator)
    for last, std in (
        ("rpn.head.cls_logits", 0.1),
        ("rpn.head.bbox_pred", 0.005),
        ("roi_heads.box_predictor.cls_score", 0.015),
        ("roi_heads.box_predictor.bbox_pred", 0.01),
    ):
        model.get_parameter(f"{last}.weight").data.normal_(std=std, generator=generator)


def photos(count: int) -> list[Tensor]:
    """Made photos [3, 800, 1066] in 0..1: noise of several sizes, so that places differ."""
    generator = torch.Generator().manual_seed(_SEED)
    made = []
    for _ in range(count):
        photo = torch.zeros(1, 3, HEIGHT, WIDTH)
        for cells in (4, 12, 40, 120):
            noise = torch.rand(1, 3, cells, cells * 4 // 3, generator=generator)
            photo += F.interpolate(noise, (HEIGHT, WIDTH), mode="bicubic") / 4
        made.append(photo[0].clamp(0, 1))
    return made
