"""The normalisations that may stand behind a convolution."""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_EPS = 1e-5
_GROUPS = 32


class FrozenBatchNorm(nn.Module):
    """Batch normalisation (arXiv 1502.03167) whose statistics and affine never change.

    With batches of one or two images, statistics of the batch are noise.

    Args:
        channels: of the input.
        eps: added to the variance; published weights work with the one they were trained with.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, eps: float = _EPS) -> None:
        super().__init__()
        self.eps = eps
        names = (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0))
        for name, value in names:
            self.register_buffer(name, torch.full((channels,), value))

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        values = self.running_mean, self.running_var, self.weight, self.bias, self.eps
        if torch.is_grad_enabled() and x.requires_grad:
            normed: Tensor = _Frozen.apply(x, *values)
            return normed
        return _normed(x, *values)


def _normed(
    x: Tensor, mean: Tensor, variance: Tensor, weight: Tensor, bias: Tensor | None, eps: float
) -> Tensor:
    return F.batch_norm(x, mean, variance, weight, bias, eps=eps)


class _Frozen(torch.autograd.Function):
    """The same, keeping nothing of the input: its gradient depends on the frozen values alone.

    `F.batch_norm` keeps its input for the gradients of its own weights, which nobody asks for:
    half of what a backbone keeps in a training step.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, *values: Any) -> Tensor:
        _, variance, weight, _, ctx.eps = values
        ctx.save_for_backward(variance, weight)
        return _normed(x, *values)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        variance, weight = ctx.saved_tensors
        zero = torch.zeros_like(variance)
        return _normed(grads[0], zero, variance, weight, None, ctx.eps), *(None,) * 5


def make_norm(kind: str, channels: int, *, eps: float = _EPS, groups: int = _GROUPS) -> nn.Module:
    """Return a normalisation.

    Args:
        kind: "none", "frozen_batch", "batch" or "group" (arXiv 1803.08494).
        channels: of the input.
        eps: added to the variance.
        groups: of the last kind; fewer where the channels do not divide by it.
    """
    if kind == "frozen_batch":
        return FrozenBatchNorm(channels, eps)
    if kind == "batch":
        return nn.BatchNorm2d(channels, eps)
    if kind == "group":
        return nn.GroupNorm(math.gcd(channels, groups), channels, eps)
    return nn.Identity()
