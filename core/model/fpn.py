"""Feature Pyramid Network (arXiv 1612.03144)."""

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_GROUPS = 8


class FeaturePyramid(nn.Module):
    """Turn C2..C5 into P2..P6 of equal channels.

    GroupNorm ends every step: the features of EfficientNet-Lite are not normalised, and the
    heads' losses would start far too high. The 3 × 3 convolutions are separable (as in
    EfficientDet, arXiv 1911.09070): on P2 full ones would cost more than the backbone.

    Args:
        inputs: channels of C2..C5.
        channels: channels of every output; a multiple of 8.
    """

    def __init__(self, inputs: Sequence[int], channels: int) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, channels, 1, bias=False), _norm(channels)) for c in inputs
        )
        self.outputs = nn.ModuleList(
            nn.Sequential(*separable_conv(channels, bias=False), _norm(channels)) for _ in inputs
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return P2..P6, strides 4..64, of C2..C5; P6 is every second cell of P5."""
        merged = [lateral(c) for lateral, c in zip(self.laterals, features, strict=True)]
        for fine in range(len(merged) - 2, -1, -1):
            above = F.interpolate(merged[fine + 1], scale_factor=2.0, mode="nearest")
            merged[fine] = merged[fine] + above
        levels = [output(p) for output, p in zip(self.outputs, merged, strict=True)]
        levels.append(F.max_pool2d(levels[-1], kernel_size=1, stride=2))
        return levels


def separable_conv(channels: int, *, bias: bool) -> list[nn.Module]:
    """Return a 3 × 3 convolution of each channel by itself and one across the channels."""
    return [
        nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False),
        nn.Conv2d(channels, channels, 1, bias=bias),
    ]


def _norm(channels: int) -> nn.Module:
    return nn.GroupNorm(_GROUPS, channels)
