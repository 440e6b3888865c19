"""One random Mask R-CNN twice: torchvision's, and ours with the same weights."""

from dataclasses import replace
from functools import cache
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN
from core.model.presets import TORCHVISION_V1, TORCHVISION_V2
from core.model.published_names import from_torchvision

TOLERANCE = 1e-5
CATEGORIES = ("a", "b", "c", "d", "e")
SHORT, LONG = 96, 160  # of the resized images


def _config(version: int, norm: str) -> MaskRCNNConfig:
    preset = (TORCHVISION_V1, TORCHVISION_V2)[version - 1]
    norms = {"fpn_norm": norm, "head_norm": norm} if version == 2 else {}
    return replace(
        preset,
        categories=CATEGORIES,
        image_size=SHORT,
        image_max_size=LONG,
        backbone_norm=norm,
        rpn_candidates_train=200,
        rpn_candidates=150,
        rpn_proposals_train=100,
        rpn_proposals_test=80,
        box_samples=64,
        **norms,  # type: ignore[arg-type]
    )


def _randomise(model: nn.Module) -> None:
    """Draw weights that keep activations near 1 and let the heads say something."""
    generator = torch.Generator().manual_seed(5)
    for name, value in [*model.named_parameters(), *model.named_buffers()]:
        if name.endswith("running_var"):
            value.data.uniform_(0.5, 1.5, generator=generator)
        elif value.is_floating_point() and value.ndim == 1:
            value.data.normal_(std=0.1, generator=generator)
            if ("bn" in name or ".1." in name) and name.endswith("weight"):
                value.data.add_(0.3 if "bn3" in name else 1.0)
        elif value.is_floating_point():
            value.data.normal_(std=value[0].numel() ** -0.5, generator=generator)
    for last, std in (("rpn.head.bbox_pred", 0.005), ("roi_heads.box_predictor.cls_score", 0.1)):
        model.get_submodule(last).weight.data.normal_(std=std, generator=generator)  # type: ignore[operator]


@cache
def twins(version: int, norm: str = "frozen_batch") -> tuple[Any, MaskRCNN]:
    """Return torchvision's model and ours, in evaluation mode; leave their weights alone."""
    build = (
        torchvision.models.detection.maskrcnn_resnet50_fpn,
        torchvision.models.detection.maskrcnn_resnet50_fpn_v2,
    )[version - 1]
    theirs = build(
        weights=None,
        weights_backbone=None,
        num_classes=1 + len(CATEGORIES),
        min_size=SHORT,
        max_size=LONG,
        rpn_pre_nms_top_n_train=200,
        rpn_pre_nms_top_n_test=150,
        rpn_post_nms_top_n_train=100,
        rpn_post_nms_top_n_test=80,
        box_batch_size_per_image=64,
    )
    _randomise(theirs)
    if version == 1:  # as torchvision itself does when it loads the published weights
        for module in theirs.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    ours = MaskRCNN(_config(version, norm))
    missing, unexpected = ours.load_state_dict(
        from_torchvision(theirs.state_dict()).state, strict=False
    )
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)
    return theirs.eval(), ours.eval()


def assert_near(ours: Tensor, theirs: Tensor, what: str = "", tolerance: float = TOLERANCE) -> None:
    """Fail where a value differs by more than a share of the largest one."""
    assert ours.shape == theirs.shape
    if ours.numel():
        error = (ours - theirs).abs().max() / theirs.abs().max().clamp_min(1e-30)
        assert error.item() <= tolerance, f"{what}: relative error {error.item():.2e}"
