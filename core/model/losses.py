"""Loss functions; all compute in float32 or better, whatever autocast gives them."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

_SMOOTH_L1_BETA = 1 / 9


def softmax_focal_loss(logits: Tensor, labels: Tensor, gamma: float) -> Tensor:
    """Return the mean of -(1 - p)^gamma log p, p the softmax of the true label.

    Source: arXiv 1708.02002, equation 4, with softmax; no alpha, because the sampler already
    balances objects and background. Gamma 0 is cross-entropy, bit for bit.

    Args:
        logits: [N, K + 1].
        labels: [N] int64 in 0..K.
        gamma: >= 0.

    Returns:
        A scalar; 0 (with a gradient of zeros) when N is 0.
    """
    logits = _at_least_float32(logits)
    if len(labels) == 0:
        return logits.sum()
    if gamma == 0:
        return F.cross_entropy(logits, labels)
    log_p = F.log_softmax(logits, dim=1).gather(1, labels[:, None]).squeeze(1)
    # Below gamma 1 the slope of (1 - p)^gamma has no bound at p = 1: keep off that point.
    miss = (-torch.expm1(log_p)).clamp_min(torch.finfo(logits.dtype).eps)
    return -(miss**gamma * log_p).mean()


def objectness_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of logits [N] against targets [N] in 0..1; 0 if none."""
    if len(logits) == 0:
        return _at_least_float32(logits).sum()
    return F.binary_cross_entropy_with_logits(_at_least_float32(logits), targets)


def box_loss(deltas: Tensor, targets: Tensor, samples: int) -> Tensor:
    """Return the smooth-L1 loss (beta 1/9) of positive boxes over the number of all samples.

    Dividing by all samples, not by the positives, lets every instance weigh the same
    (Fast R-CNN as published in Detectron).

    Args:
        deltas: [P, 4] of the positives alone.
        targets: [P, 4].
        samples: positives and background together.

    Returns:
        A scalar.
    """
    total = F.smooth_l1_loss(
        _at_least_float32(deltas), targets, beta=_SMOOTH_L1_BETA, reduction="sum"
    )
    return total / max(samples, 1)


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross-entropy per cell of [P, g, g]; 0 when P is 0."""
    if len(logits) == 0:
        return _at_least_float32(logits).sum()
    return F.binary_cross_entropy_with_logits(_at_least_float32(logits), targets)


def _at_least_float32(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
