"""ResNet features (arXiv 1512.03385)."""

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.model.config import MaskRCNNConfig
from core.model.norms import make_norm

_STEM_CHANNELS = 64
_BLOCKS = {
    "resnet18": (2, 2, 2, 2),
    "resnet34": (3, 4, 6, 3),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
_BASIC = ("resnet18", "resnet34")


@dataclass(frozen=True)
class _Layers:
    """How convolutions and norms of one network are made."""

    norm: str
    eps: float
    stride_in_1x1: bool

    def conv(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)

    def normed(self, channels: int) -> nn.Module:
        return make_norm(self.norm, channels, eps=self.eps)

    def shortcut(self, inputs: int, outputs: int, stride: int) -> nn.Module:
        """Return what brings a block's input to the shape of its output."""
        if stride == 1 and inputs == outputs:
            return nn.Identity()
        return nn.Sequential(self.conv(inputs, outputs, 1, stride), self.normed(outputs))


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions beside the input."""

    expansion = 1

    def __init__(self, inputs: int, inner: int, stride: int, layers: _Layers) -> None:
        super().__init__()
        self.conv1, self.norm1 = layers.conv(inputs, inner, 3, stride), layers.normed(inner)
        self.conv2, self.norm2 = layers.conv(inner, inner, 3), layers.normed(inner)
        self.shortcut = layers.shortcut(inputs, inner, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, inner, H / stride, W / stride]."""
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = self.norm2(self.conv2(y))
        y += self.shortcut(x)  # no new memory: it would cost more than the sum
        return F.relu(y, inplace=True)


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3 and 1 × 1 convolutions beside the input; the first or the second strides."""

    expansion = 4

    def __init__(self, inputs: int, inner: int, stride: int, layers: _Layers) -> None:
        super().__init__()
        first, second = (stride, 1) if layers.stride_in_1x1 else (1, stride)
        outputs = inner * self.expansion
        self.conv1, self.norm1 = layers.conv(inputs, inner, 1, first), layers.normed(inner)
        self.conv2, self.norm2 = layers.conv(inner, inner, 3, second), layers.normed(inner)
        self.conv3, self.norm3 = layers.conv(inner, outputs, 1), layers.normed(outputs)
        self.shortcut = layers.shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, in, H, W] to [B, 4 inner, H / stride, W / stride]."""
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = F.relu(self.norm2(self.conv2(y)), inplace=True)
        y = self.norm3(self.conv3(y))
        y += self.shortcut(x)  # no new memory: it would cost more than the sum
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    """The feature part of ResNet-18, 34, 50 or 101.

    `channels` holds the channels of C2..C5 (strides 4, 8, 16, 32); `parts` the names of the
    modules between one of them and the one before.

    Args:
        config: names the network, its norm and where its blocks stride.
    """

    parts: ClassVar[dict[int, tuple[str, ...]]] = {
        2: ("stem", "stages.0"),
        3: ("stages.1",),
        4: ("stages.2",),
        5: ("stages.3",),
    }

    def __init__(self, config: MaskRCNNConfig) -> None:
        super().__init__()
        layers = _Layers(config.backbone_norm, config.backbone_norm_eps, config.stride_in_1x1)
        block = BasicBlock if config.backbone in _BASIC else Bottleneck
        before = inner = max(8, round(_STEM_CHANNELS * config.backbone_width / 8) * 8)
        self.stem = nn.Sequential(layers.conv(3, before, 7, 2), layers.normed(before))
        self.stages = nn.ModuleList()
        channels = []
        for number, count in enumerate(_BLOCKS[config.backbone]):
            strides = [1 if number == 0 else 2] + [1] * (count - 1)
            blocks = nn.Sequential()
            for stride in strides:
                blocks.append(block(before, inner, stride, layers))
                before = inner * block.expansion
            self.stages.append(blocks)
            channels.append(before)
            inner *= 2
        self.channels = tuple(channels)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return C2..C5 of normalised images [B, 3, H, W]; H and W are multiples of 32."""
        x = F.max_pool2d(F.relu(self.stem(images), inplace=True), 3, 2, 1)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features
