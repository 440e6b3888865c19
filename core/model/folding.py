"""A copy of a model for inference alone.

Normalisations that never change become part of the convolutions before them, and the weights take
the type that is computed in.
"""

import copy
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from core.model.efficientnet_lite import EfficientNetLite, FoldedConv, FrozenConv, NormedConv
from core.model.mask_rcnn import MaskRCNN
from core.model.norms import FrozenBatchNorm
from core.ops.inference_conv import PointwiseConv
from core.ops.winograd import WinogradConv, can_replace


def inference_copy(
    model: MaskRCNN, dtype: torch.dtype = torch.float32, *, winograd: bool = False
) -> MaskRCNN:
    """Return a model that predicts as the given one does, faster; that one is left as it is.

    In half precision the network that looks at the whole image may stay in float32.
    EfficientNet-Lite does not normalise its features: with it in bf16, the starter would lose a
    tenth of its detections, and depthwise convolutions hardly gain. The heads lose one in five
    hundred.

    Args:
        model: any; the copy is in evaluation mode, on the same device.
        dtype: of the copy's weights and of what it computes in.
        winograd: whether 3 x 3 convolutions are computed by Winograd's algorithm; for float32 on
            CPUs.
    """
    fast = copy.deepcopy(model).requires_grad_(requires_grad=False)
    for module in list(fast.modules()):
        _fold_children(module)
    for module in list(fast.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and child.kernel_size == (1, 1) and child.groups == 1:
                setattr(module, name, PointwiseConv.of(child))
    if isinstance(model.backbone, EfficientNetLite):
        for head in (fast.box_head, fast.mask_head):
            head.to(dtype).register_forward_pre_hook(partial(_converted, dtype))
    else:
        fast.to(dtype)
    for layer in (fast.box_head.classes, fast.box_head.deltas):
        # Of two boxes on one object that are nearly as good, rounding would pick either.
        layer.float().register_forward_pre_hook(partial(_converted, torch.float32))
    if winograd:
        for module in list(fast.modules()):
            _replace_convolutions(module)
    return fast.to(memory_format=torch.channels_last).eval()


def _converted(dtype: torch.dtype, _: nn.Module, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a head is called with, the pooled features in a type."""
    pooled, *rest = arguments
    return (pooled.to(dtype), *rest)


def _fold_children(module: nn.Module) -> None:
    for conv_name, norm_name in _pairs(module):
        conv, norm = module.get_submodule(conv_name), module.get_submodule(norm_name)
        if isinstance(conv, nn.Conv2d) and (folded := _folded(conv, norm)) is not None:
            _replace(module, conv_name, folded)
            _replace(module, norm_name, nn.Identity())
    for name, child in list(module.named_children()):
        if isinstance(child, FrozenConv | NormedConv) and (whole := FoldedConv.of(child)):
            _replace(module, name, whole)


def _replace_convolutions(module: nn.Module) -> None:
    for name, child in list(module.named_children()):
        if can_replace(child):
            setattr(module, name, WinogradConv(child))


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    """Return the names of convolutions and of what comes behind them: the model's conventions."""
    names = [name for name, _ in module.named_children()]
    if isinstance(module, nn.Sequential):
        return list(pairwise(names))
    pairs = [(n, n.replace("conv", "norm")) for n in names if n.startswith("conv")]
    numbered = [(f"convs.{i}", f"norms.{i}") for i in range(len(getattr(module, "convs", ())))]
    return [p for p in pairs if p[1] in names and p[0] != "convs"] + numbered


def _folded(conv: nn.Conv2d, norm: nn.Module) -> nn.Conv2d | None:
    """Return one convolution in place of both; None if the norm depends on its input."""
    if not isinstance(norm, FrozenBatchNorm | nn.BatchNorm2d):
        return None
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    before: Tensor | float = 0.0 if conv.bias is None else conv.bias
    whole = copy.deepcopy(conv)
    whole.weight = nn.Parameter(conv.weight * scale[:, None, None, None], requires_grad=False)
    bias = norm.bias + (before - norm.running_mean) * scale
    whole.bias = nn.Parameter(bias, requires_grad=False)
    return whole


def _replace(module: nn.Module, name: str, other: nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, other)
