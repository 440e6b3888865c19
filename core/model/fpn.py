"""Feature Pyramid Network (arXiv 1612.03144)."""

from collections.abc import Sequence

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.model.config import MaskRCNNConfig
from core.model.norms import make_norm
from core.ops.depthwise import DepthwiseConv

_GROUPS = 8


class FeaturePyramid(nn.Module):
    """Turn C2..C5 into P2..P6 of equal channels.

    The defaults differ from the paper. GroupNorm ends every step: the features of EfficientNet-Lite
    are not normalised, and the heads' losses would start far too high. The 3 × 3 convolutions are
    separable (as in EfficientDet, arXiv 1911.09070): on P2 full ones would cost more than the
    backbone.

    Args:
        inputs: channels of C2..C5.
        config: names the channels of the outputs, the norm and the kind of convolution.
    """

    def __init__(self, inputs: Sequence[int], config: MaskRCNNConfig) -> None:
        super().__init__()
        channels, bias = config.fpn_channels, config.fpn_norm == "none"

        def normed() -> nn.Module:
            return make_norm(config.fpn_norm, channels, groups=_GROUPS)

        self.laterals = nn.ModuleList(
            nn.Sequential(nn.Conv2d(c, channels, 1, bias=bias), normed()) for c in inputs
        )
        self.outputs = nn.ModuleList(
            nn.Sequential(*conv3x3(channels, config, bias=bias), normed()) for _ in inputs
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Return P2..P6, strides 4..64, of C2..C5; P6 is every second cell of P5."""
        merged = [lateral(c) for lateral, c in zip(self.laterals, features, strict=True)]
        for fine in range(len(merged) - 2, -1, -1):
            above = F.interpolate(merged[fine + 1], scale_factor=2.0, mode="nearest")
            merged[fine] += above
        levels = [output(p) for output, p in zip(self.outputs, merged, strict=True)]
        levels.append(F.max_pool2d(levels[-1], kernel_size=1, stride=2))
        return levels


def conv3x3(channels: int, config: MaskRCNNConfig, *, bias: bool) -> list[nn.Module]:
    """Return a 3 × 3 convolution, or, if separable, one of each channel and one across them."""
    if not config.separable_convs:
        return [nn.Conv2d(channels, channels, 3, padding=1, bias=bias)]
    return [
        DepthwiseConv(channels, 3),
        nn.Conv2d(channels, channels, 1, bias=bias),
    ]
