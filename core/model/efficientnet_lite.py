"""EfficientNet-Lite features (arXiv 1905.11946; Lite: ReLU6, no squeeze-and-excitation)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn import Parameter

from core.model.config import MaskRCNNConfig
from core.model.norms import make_norm
from core.ops.depthwise import depthwise_conv
from core.ops.inference_conv import inference_conv

_STEM_CHANNELS = 32


@dataclass(frozen=True)
class _StageSpec:
    repeats: int
    kernel: int
    stride: int
    expansion: int
    channels: int


# EfficientNet-Lite0: width and depth factor 1.
_STAGES = (
    _StageSpec(1, 3, 1, 1, 16),
    _StageSpec(2, 3, 2, 6, 24),
    _StageSpec(2, 5, 2, 6, 40),
    _StageSpec(3, 3, 2, 6, 80),
    _StageSpec(3, 5, 1, 6, 112),
    _StageSpec(4, 5, 2, 6, 192),
    _StageSpec(1, 3, 1, 6, 320),
)
_TAPPED = (1, 2, 4, 6)  # the stages whose ends are C2..C5
# Factors of Lite0's channels and of its blocks per stage.
_SCALES = {
    "efficientnet_lite0": (1.0, 1.0),
    "efficientnet_lite1": (1.0, 1.1),
    "efficientnet_lite2": (1.1, 1.2),
}


class PaddedConv(nn.Module):
    """The weight of a convolution, and the padding that halves the size where it strides.

    Attributes:
        clips: whether ReLU6 follows.
    """

    def __init__(
        self, channels: tuple[int, int], kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.stride, self.groups = stride, groups
        self.clips = False
        self.pads_after = False
        self.weight = Parameter(torch.empty(channels[1], channels[0] // groups, kernel, kernel))

    def _padded(self, x: Tensor) -> tuple[Tensor, int]:
        """Return the input, and the zeros that are still missing on every side."""
        padding = self.weight.shape[-1] // 2
        if self.pads_after:
            return F.pad(x, (padding - 1, padding, padding - 1, padding)), 0
        return x, padding

    def _convolve(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        x, padding = self._padded(x)
        if self.groups == len(weight) > 1:
            return depthwise_conv(x, weight, bias, self.stride, padding)
        return F.conv2d(x, weight, bias, self.stride, padding, 1, self.groups)

    def _clipped(self, y: Tensor) -> Tensor:
        return F.relu6(y, inplace=True) if self.clips else y


class NormedConv(PaddedConv):
    """A convolution, and a normalisation that may learn behind it."""

    def __init__(
        self,
        norm: str,
        channels: tuple[int, int],
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        eps: float = 1e-3,
    ) -> None:
        super().__init__(channels, kernel, stride=stride, groups=groups)
        self.norm = make_norm(norm, channels[1], eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        return self._clipped(self.norm(self._convolve(x, self.weight, None)))


class FrozenConv(PaddedConv):
    """A convolution and the batch normalisation behind it, whose statistics never change.

    The normalisation is folded into the weights at every call: this costs nothing beside the
    convolution, and the convolution stays trainable.
    """

    norm_weight: Tensor
    norm_bias: Tensor
    norm_mean: Tensor
    norm_var: Tensor

    def __init__(
        self,
        channels: tuple[int, int],
        kernel: int,
        *,
        stride: int = 1,
        groups: int = 1,
        eps: float = 1e-3,
    ) -> None:
        super().__init__(channels, kernel, stride=stride, groups=groups)
        self.eps = eps
        for name, value in (("weight", 1.0), ("bias", 0.0), ("mean", 0.0), ("var", 1.0)):
            self.register_buffer(f"norm_{name}", torch.full((channels[1],), value))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        scale = self.norm_weight * (self.norm_var + self.eps).rsqrt()
        weight = self.weight * scale[:, None, None, None]
        return self._clipped(self._convolve(x, weight, self.norm_bias - self.norm_mean * scale))


class FoldedConv(PaddedConv):
    """A convolution with a bias, in place of one and of a normalisation that never changes."""

    bias: Tensor

    @classmethod
    def of(cls, conv: NormedConv | FrozenConv) -> "FoldedConv | None":
        """Return one that maps as the given one does; None if its norm depends on the input."""
        if isinstance(conv, FrozenConv):
            mean, var, eps = conv.norm_mean, conv.norm_var, conv.eps
            weight, shift = conv.norm_weight, conv.norm_bias
        elif isinstance(norm := conv.norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            mean, var, eps = norm.running_mean, norm.running_var, norm.eps
            weight, shift = norm.weight, norm.bias
        else:
            return None
        outputs, inputs, kernel, _ = conv.weight.shape
        channels = (inputs * conv.groups, outputs)
        folded = cls(channels, kernel, stride=conv.stride, groups=conv.groups)
        folded.pads_after, folded.clips = conv.pads_after, conv.clips
        scale = weight * (var + eps).rsqrt()
        scaled = conv.weight * scale[:, None, None, None]
        folded.weight = nn.Parameter(scaled.detach(), requires_grad=False)
        folded.bias = nn.Parameter((shift - mean * scale).detach(), requires_grad=False)
        return folded

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        x, pad = self._padded(x)
        return inference_conv(
            x, self.weight, self.bias, self.stride, pad, self.groups, clips=self.clips
        )


_ConvMaker = Callable[..., PaddedConv]  # called with channels, kernel, stride and groups


class InvertedResidual(nn.Module):
    """Expand, filter each channel by itself, project; add the input where the shape allows."""

    def __init__(self, make: _ConvMaker, channels: tuple[int, int], spec: _StageSpec) -> None:
        super().__init__()
        inner = channels[0] * spec.expansion
        self.expand = make((channels[0], inner), 1) if spec.expansion > 1 else None
        self.depthwise = make((inner, inner), spec.kernel, stride=spec.stride, groups=inner)
        self.project = make((inner, channels[1]), 1)
        self.adds_input = spec.stride == 1 and channels[0] == channels[1]
        for inside in (self.expand, self.depthwise):
            if inside is not None:
                inside.clips = True

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        y = x if self.expand is None else self.expand(x)
        y = self.project(self.depthwise(y))
        return y + x if self.adds_input else y


class EfficientNetLite(nn.Module):
    """The feature part of EfficientNet-Lite0, 1 or 2.

    `channels` holds the channels of C2..C5 (strides 4, 8, 16, 32); `parts` the names of the
    modules between one of them and the one before.

    Args:
        config: names the network, its width and its norm.
    """

    parts: ClassVar[dict[int, tuple[str, ...]]] = {
        2: ("stem", "stages.0", "stages.1"),
        3: ("stages.2",),
        4: ("stages.3", "stages.4"),
        5: ("stages.5", "stages.6"),
    }

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        make = _conv_maker(config)
        before = _scaled(_STEM_CHANNELS, config.backbone_width)
        self.stem = make((3, before), 3, stride=2)
        self.stem.clips = True
        self.stages = nn.ModuleList()
        channels = []
        for spec in _stage_specs(config.backbone):
            after = _scaled(spec.channels, config.backbone_width)
            self.stages.append(_make_stage(make, (before, after), spec))
            channels.append(after)
            before = after
        self.channels = tuple(channels[i] for i in _TAPPED)
        self._centre_grids()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return C2..C5 of normalised images [B, 3, H, W]; H and W are multiples of 32."""
        x = self.stem(images)
        tapped = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number in _TAPPED:
                tapped.append(x)
        return tapped

    def _centre_grids(self) -> None:
        """Alternate the side on which layers of stride 2 are padded.

        Every such layer shifts its grid by half an input pixel, to the side that has the larger
        padding. TensorFlow pads all on the right, where the shifts add up to 15 pixels at C5;
        alternating keeps each grid within a sixth of its stride, and sees the same features.
        """
        strided = [m for m in self.modules() if isinstance(m, PaddedConv) and m.stride == 2]
        for layer in strided[0::2]:
            layer.pads_after = True


def _conv_maker(config: MaskRCNNConfig) -> _ConvMaker:
    if config.backbone_norm != "frozen_batch":
        return partial(NormedConv, config.backbone_norm, eps=config.backbone_norm_eps)
    return partial(FrozenConv, eps=config.backbone_norm_eps)


def _stage_specs(backbone: str) -> list[_StageSpec]:
    """Scale Lite0's stages; the ends keep their depth (Lite models scale up this way)."""
    width, depth = _SCALES[backbone]
    specs = [replace(s, channels=_rounded(s.channels * width)) for s in _STAGES]
    inner = [replace(s, repeats=math.ceil(s.repeats * depth)) for s in specs[1:-1]]
    return [specs[0], *inner, specs[-1]]


def _rounded(channels: float) -> int:
    """Round to a multiple of 8, but never down by more than a tenth (arXiv 1905.11946's code)."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def _make_stage(make: _ConvMaker, channels: tuple[int, int], spec: _StageSpec) -> nn.Sequential:
    before, after = channels
    blocks = [InvertedResidual(make, (before, after), spec)]
    rest = replace(spec, stride=1)
    for _ in range(spec.repeats - 1):
        blocks.append(InvertedResidual(make, (after, after), rest))
    return nn.Sequential(*blocks)


def _scaled(channels: int, width: float) -> int:
    """Return the scaled channels, a multiple of 8 unless unscaled."""
    return channels if width == 1.0 else max(8, round(channels * width / 8) * 8)
