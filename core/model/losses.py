"""Loss functions; all compute in float32 or better, whatever autocast gives them."""

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Return the values, in float32 where they were of a smaller type."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


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
    logits = at_least_float32(logits)
    if len(labels) == 0:
        return logits.sum()
    if gamma == 0:
        return F.cross_entropy(logits, labels)
    log_p = F.log_softmax(logits, dim=1).gather(1, labels[:, None]).squeeze(1)
    # Below gamma 1 the slope of (1 - p)^gamma has no bound at p = 1: keep off that point.
    miss = (-torch.expm1(log_p)).clamp_min(torch.finfo(logits.dtype).eps)
    return -(miss**gamma * log_p).mean()


def objectness_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross-entropy of logits [N] against targets [N] in 0..1; 0 if none.

    Source: Faster R-CNN, arXiv 1506.01497, equation 1, with one logit in place of two.
    """
    if len(logits) == 0:
        return at_least_float32(logits).sum()
    return F.binary_cross_entropy_with_logits(at_least_float32(logits), targets)


def focal_objectness_loss(logits: Tensor, targets: Tensor, *, alpha: float, gamma: float) -> Tensor:
    """Return the sum of -a_t (1 - p_t)^gamma log p_t of logits [N] against targets [N], 0 or 1.

    Source: arXiv 1708.02002, equation 5. No anchor is sampled away: the caller divides by the
    number of positives.

    Args:
        logits: [N].
        targets: [N]; p_t is sigmoid(logit) where 1, else 1 - sigmoid(logit).
        alpha: a_t where the target is 1; 1 - alpha where it is 0.
        gamma: >= 0.
    """
    logits = at_least_float32(logits)
    cross_entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    miss = torch.where(targets > 0, -logits, logits).sigmoid()  # 1 - p_t
    weights = torch.where(targets > 0, alpha, 1 - alpha)
    return (weights * miss**gamma * cross_entropy).sum()


def smooth_l1_loss(deltas: Tensor, targets: Tensor, beta: float) -> Tensor:
    """Return the sum of the smooth-L1 loss (Fast R-CNN, arXiv 1504.08083, equation 3).

    Args:
        deltas: [P, 4] of the positives alone.
        targets: [P, 4].
        beta: where the square ends and the line begins; 0 is the L1 loss.
    """
    return F.smooth_l1_loss(at_least_float32(deltas), targets, beta=beta, reduction="sum")


def giou_loss(boxes_xyxy: Tensor, targets_xyxy: Tensor) -> Tensor:
    """Return the sum of 1 - GIoU of pairs of boxes (arXiv 1902.09630, algorithm 1).

    Args:
        boxes_xyxy: [P, 4] of the positives alone; a reversed box has area 0.
        targets_xyxy: [P, 4], sides > 0.
    """
    boxes = at_least_float32(boxes_xyxy)
    first, second = boxes.unflatten(1, (2, 2)), targets_xyxy.unflatten(1, (2, 2))  # [P, 2, 2]
    overlap = torch.minimum(first[:, 1], second[:, 1]) - torch.maximum(first[:, 0], second[:, 0])
    hull = torch.maximum(first[:, 1], second[:, 1]) - torch.minimum(first[:, 0], second[:, 0])
    shared, around = overlap.clamp_min(0).prod(dim=1), hull.prod(dim=1)
    sides = (first[:, 1] - first[:, 0]).clamp_min(0), second[:, 1] - second[:, 0]
    union = sides[0].prod(dim=1) + sides[1].prod(dim=1) - shared
    return (1 - shared / union + (around - union) / around).sum()


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean binary cross-entropy per cell of [P, g, g]; 0 when P is 0.

    Source: Mask R-CNN, arXiv 1703.06870, section 3, L_mask: of the true category's mask alone.
    """
    if len(logits) == 0:
        return at_least_float32(logits).sum()
    return F.binary_cross_entropy_with_logits(at_least_float32(logits), targets)


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over P masks of 1 - 2 |p t| / (|p|^2 + |t|^2); 0 when P is 0.

    Source: V-Net, arXiv 1606.04797, section 3; 1 is added above and below, so that an empty target
    has a gradient and a loss in 0..1.

    Args:
        logits: [P, g, g]; p is their sigmoid.
        targets: [P, g, g] in 0..1.
    """
    logits = at_least_float32(logits)
    if len(logits) == 0:
        return logits.sum()
    probs = logits.sigmoid()
    shared = (probs * targets).sum(dim=(1, 2))
    total = probs.square().sum(dim=(1, 2)) + targets.square().sum(dim=(1, 2))
    return (1 - (2 * shared + 1) / (total + 1)).mean()
