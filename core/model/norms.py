"""The normalisations that may stand behind a convolution."""

import math

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
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


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
