"""The copy for inference against the model that it was made of."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.model.config import MaskRCNNConfig
from core.model.folding import inference_copy
from core.model.mask_rcnn import MaskRCNN
from core.model.norms import FrozenBatchNorm
from core.model.presets import TORCHVISION_V1, TORCHVISION_V2
from core.ops.inference_conv import PointwiseConv
from core.ops.winograd import WinogradConv
from tests.core.model.torchvision_twins import assert_near

SMALL = {"backbone_width": 0.25, "fpn_channels": 16, "box_channels": 32, "mask_channels": 16}
STARTER = MaskRCNNConfig()
CONFIGS = {
    "torchvision": replace(TORCHVISION_V1, **SMALL),  # type: ignore[arg-type]
    "torchvision_v2": replace(TORCHVISION_V2, **SMALL),  # type: ignore[arg-type]
    "starter": replace(STARTER, **SMALL),  # type: ignore[arg-type]
    "batch": replace(STARTER, **SMALL, backbone_norm="batch"),  # type: ignore[arg-type]
    "group": replace(STARTER, **SMALL, backbone_norm="group"),  # type: ignore[arg-type]
}


def drawn(name: str) -> MaskRCNN:
    """A model whose norms do something."""
    model = MaskRCNN(CONFIGS[name]).eval()
    generator = torch.Generator().manual_seed(3)
    for module in model.modules():
        for key, value in [
            *module.named_parameters(recurse=False),
            *module.named_buffers(recurse=False),
        ]:
            if value.ndim == 1 and value.is_floating_point():
                low = 0.6 if "var" in key or "weight" in key else -0.2
                value.data.uniform_(low, low + 0.5, generator=generator)
    return model


@pytest.mark.parametrize("name", CONFIGS)
def test_features_are_the_same_and_the_model_is_left_alone(name: str) -> None:
    model = drawn(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    image = torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(1))
    fast = inference_copy(model)
    with torch.inference_mode():
        for ours, theirs in zip(
            fast.features([image]).levels, model.features([image]).levels, strict=True
        ):
            assert_near(ours, theirs, tolerance=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(p.requires_grad for p in model.rpn.parameters())


@pytest.mark.parametrize("name", ["torchvision", "torchvision_v2", "batch"])
def test_no_norm_of_fixed_statistics_is_left(name: str) -> None:
    fast = inference_copy(drawn(name))
    left = [m for m in fast.modules() if isinstance(m, FrozenBatchNorm | nn.BatchNorm2d)]
    assert not left


def test_norms_that_depend_on_the_image_stay() -> None:
    fast = inference_copy(drawn("group"))
    assert any(isinstance(module, nn.GroupNorm) for module in fast.backbone.modules())


def test_half_precision_gives_detections_in_full() -> None:
    fast = inference_copy(drawn("starter"), torch.bfloat16)
    with torch.inference_mode():
        found = fast([torch.rand(3, 64, 96)])[0]
    assert found.boxes_xyxy.dtype == found.scores.dtype == torch.float32


def test_in_half_precision_some_parts_stay_exact() -> None:
    starter, published = (
        inference_copy(drawn(name), torch.bfloat16) for name in ("starter", "torchvision")
    )
    for part in (starter.backbone, starter.fpn, starter.rpn):
        assert {p.dtype for p in part.parameters()} == {torch.float32}
    for head in (starter.box_head, starter.mask_head, published):
        half = {n for n, p in head.named_parameters() if p.dtype == torch.bfloat16}
        exact = {n for n, _ in head.named_parameters()} - half
        assert half
        assert {n.split(".")[-2] for n in exact} <= {"classes", "deltas"}
    assert starter.box_head.classes.weight.dtype == torch.float32
    assert published.box_head.deltas.weight.dtype == torch.float32


def test_half_precision_moves_features_little() -> None:
    model = drawn("torchvision")
    image = torch.rand(3, 64, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        exact = model.features([image]).levels
        half = inference_copy(model, torch.bfloat16).features([image]).levels
    for ours, theirs in zip(half, exact, strict=True):
        assert ours.dtype == torch.bfloat16
        assert_near(ours.float(), theirs, tolerance=0.1)


@pytest.mark.parametrize("name", ["starter", "torchvision"])
def test_convolutions_of_one_cell_are_those_for_inference(name: str) -> None:
    fast = inference_copy(drawn(name))
    pointwise = [m for m in fast.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    assert pointwise
    assert all(isinstance(module, PointwiseConv) for module in pointwise)
    assert not any(module.training for module in fast.modules())


def test_fewer_multiplications_move_features_and_masks_little() -> None:
    """Ten layers behind each other may add up the errors that `test_winograd.py` allows for one."""
    wide = replace(TORCHVISION_V1, fpn_channels=64, mask_channels=64, backbone_width=0.25)
    model = MaskRCNN(wide).eval()
    image = torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(1))
    boxes, labels = [torch.tensor([[8.0, 8.0, 90.0, 60.0]])], [torch.tensor([1])]
    exact, quick = inference_copy(model), inference_copy(model, winograd=True)
    replaced = {type(conv) for conv in [*quick.mask_head.convs, quick.rpn.conv[0]]}
    assert replaced == {WinogradConv}
    with torch.inference_mode():
        for ours, theirs in zip(
            quick.features([image]).levels, exact.features([image]).levels, strict=True
        ):
            assert_near(ours, theirs, tolerance=1e-3)
        found, wanted = (
            m.masks_for_boxes(m.features([image]), boxes, labels)[0] for m in (quick, exact)
        )
    assert_near(found, wanted, tolerance=1e-3)
