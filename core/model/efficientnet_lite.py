"""EfficientNet-Lite features (arXiv 1905.11946; Lite: ReLU6, no squeeze-and-excitation)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn import Parameter

_NORM_EPS = 1e-3
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


class FrozenConv(nn.Module):
    """A convolution and the batch normalisation behind it, whose statistics never change.

    The normalisation is folded into the weights at every call: this costs nothing beside the
    convolution, and the convolution stays trainable.
    """

    norm_weight: Tensor
    norm_bias: Tensor
    norm_mean: Tensor
    norm_var: Tensor

    def __init__(
        self, channels: tuple[int, int], kernel: int, *, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.stride, self.groups = stride, groups
        self.pads_after = False
        self.weight = Parameter(torch.empty(channels[1], channels[0] // groups, kernel, kernel))
        for name, value in (("weight", 1.0), ("bias", 0.0), ("mean", 0.0), ("var", 1.0)):
            self.register_buffer(f"norm_{name}", torch.full((channels[1],), value))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        scale = self.norm_weight * (self.norm_var + _NORM_EPS).rsqrt()
        weight = self.weight * scale[:, None, None, None]
        bias = self.norm_bias - self.norm_mean * scale
        padding = self.weight.shape[-1] // 2
        if self.pads_after:
            x = F.pad(x, (padding - 1, padding, padding - 1, padding))
            padding = 0
        return F.conv2d(x, weight, bias, self.stride, padding, 1, self.groups)


class InvertedResidual(nn.Module):
    """Expand, filter each channel by itself, project; add the input where the shape allows."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels[0] * expansion
        self.expand = FrozenConv((channels[0], inner), 1) if expansion > 1 else None
        self.depthwise = FrozenConv((inner, inner), kernel, stride=stride, groups=inner)
        self.project = FrozenConv((inner, channels[1]), 1)
        self.adds_input = stride == 1 and channels[0] == channels[1]

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, out, H / stride, W / stride]."""
        y = x if self.expand is None else F.relu6(self.expand(x), inplace=True)
        y = F.relu6(self.depthwise(y), inplace=True)
        y = self.project(y)
        return y + x if self.adds_input else y


class EfficientNetLite(nn.Module):
    """The feature part of EfficientNet-Lite0.

    `channels` holds the channels of C2..C5 (strides 4, 8, 16, 32).

    Args:
        width: factor of all channels; 1 for the published weights.
    """

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        before = _scaled(_STEM_CHANNELS, width)
        self.stem = FrozenConv((3, before), 3, stride=2)
        self.stages = nn.ModuleList()
        for spec in _STAGES:
            after = _scaled(spec.channels, width)
            self.stages.append(_make_stage(spec, before, after))
            before = after
        self.channels = tuple(_scaled(_STAGES[i].channels, width) for i in _TAPPED)
        self._centre_grids()

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return C2..C5 of normalised images [B, 3, H, W]; H and W are multiples of 32."""
        x = F.relu6(self.stem(images), inplace=True)
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
        strided = [m for m in self.modules() if isinstance(m, FrozenConv) and m.stride == 2]
        for layer in strided[0::2]:
            layer.pads_after = True


def _make_stage(spec: _StageSpec, before: int, after: int) -> nn.Sequential:
    blocks = [InvertedResidual((before, after), spec.kernel, spec.stride, spec.expansion)]
    for _ in range(spec.repeats - 1):
        blocks.append(InvertedResidual((after, after), spec.kernel, 1, spec.expansion))
    return nn.Sequential(*blocks)


def _scaled(channels: int, width: float) -> int:
    """Return the scaled channels, a multiple of 8 unless unscaled."""
    return channels if width == 1.0 else max(8, round(channels * width / 8) * 8)
