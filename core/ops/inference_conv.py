"""Convolutions without gradients: on CPUs oneDNN's, with the ReLU6 behind them built in."""

from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils import skip_init

from core.ops.depthwise import depthwise_conv


def inference_conv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    pad: int,
    groups: int = 1,
    *,
    clips: bool = False,
) -> Tensor:
    """Convolve, and clip to 0..6 if asked to.

    With one thread PyTorch keeps convolutions of 1 x 1 from oneDNN: the bias is written everywhere
    first, then a product is added. And a ReLU6 by itself reads and writes everything once more.
    Together that is a fifth of what the starter takes for a photo.

    Args:
        x: [B, C, H, W].
        weight: [D, C / groups, k, k].
        bias: [D].
        stride: of the kernel.
        pad: zeros on every side.
        groups: C for a kernel per channel.
        clips: whether ReLU6 follows.

    Returns:
        [B, D, about H / stride, about W / stride]; with gradients where they are on. On CPUs, what
        is not a number may come out of the clipping as 0.
    """
    exact = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32
    traced = torch.jit.is_tracing()  # type: ignore[attr-defined]
    # No tracer can write oneDNN's operator down.
    if exact and not torch.is_grad_enabled() and not traced and onednn_clips():
        return _in_one_go(x, weight, bias, stride, pad, groups, clips=clips)
    if groups == len(weight) > 1:
        y = depthwise_conv(x, weight, bias, stride, pad)
    else:
        y = F.conv2d(x, weight, bias, stride, pad, 1, groups)
    return F.relu6(y, inplace=True) if clips else y


class PointwiseConv(nn.Conv2d):
    """A convolution of 1 x 1 for inference."""

    @classmethod
    def of(cls, conv: nn.Conv2d) -> "PointwiseConv":
        """Return one with the weights of another."""
        alike = skip_init(  # which draws no weights: the global generator stays as it is
            cls, conv.in_channels, conv.out_channels, 1, conv.stride, conv.padding, bias=False
        )
        assert isinstance(alike, cls)
        alike.weight, alike.bias = conv.weight, conv.bias
        return alike

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to [B, D, about H / stride, about W / stride]."""
        pad = self.padding[0]
        assert isinstance(pad, int)
        return inference_conv(x, self.weight, self.bias, self.stride[0], pad)


@cache
def onednn_clips() -> bool:
    """Whether PyTorch's operator, which is none of its public ones, is there and does it right."""
    x, weight, bias = torch.linspace(-9, 9, 8).view(1, 2, 2, 2), torch.eye(2), torch.ones(2)
    weight = weight.view(2, 2, 1, 1)
    try:
        found = _in_one_go(x, weight, bias, 1, 0, 1, clips=True)
    except (RuntimeError, AttributeError, NotImplementedError):
        return False
    return torch.allclose(found, F.relu6(x + 1))


def _in_one_go(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: int,
    pad: int,
    groups: int,
    *,
    clips: bool,
) -> Tensor:
    what, limits = ("hardtanh", [0.0, 6.0]) if clips else ("none", [])
    convolve = torch.ops.mkldnn._convolution_pointwise  # noqa: SLF001 - there is no public one
    y: Tensor = convolve(
        x, weight, bias, [pad, pad], [stride, stride], [1, 1], groups, what, limits, ""
    )
    return y
