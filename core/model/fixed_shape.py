"""Prediction whose every tensor has a size known beforehand, so nothing waits for the device.

The answers are those of `MaskRCNN.detect` and `masks_for_boxes`; what is not there is padding.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.model.box_head import DELTA_WEIGHTS
from core.model.mask_rcnn import MaskRCNN
from core.model.mask_scores import mask_scores
from core.model.rpn import AnchorScores
from core.model.structures import Prediction, Selection
from core.ops.boxes import clip_boxes, decode_boxes, has_min_side
from core.ops.nms import nms_in_batch
from core.ops.roi_align import Sampling, pyramid_roi_align_flat

# Scored boxes per image that NMS looks at: far more than come above a score of 0.05.
_MOST_CANDIDATES = 2048


@dataclass(frozen=True)
class PaddedPrediction:
    """What is found in a batch, best first; behind `counts` there is padding.

    Attributes:
        boxes_xyxy: [B, limit, 4] float32, in pixels of the batch.
        scores: [B, limit] float32.
        labels: [B, limit] int64, 1..K.
        counts: [B] int64.
        mask_probs: [B, limit, 28, 28] float32.
    """

    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    counts: Tensor
    mask_probs: Tensor

    def clone(self) -> "PaddedPrediction":
        """Return one that shares no memory with this."""
        return PaddedPrediction(*(value.clone() for value in vars(self).values()))


def without_padding(found: PaddedPrediction) -> list[Prediction]:
    """Return what is really there, per image; this waits for the device."""
    counts = found.counts.tolist()
    return [
        Prediction(
            found.boxes_xyxy[i, :count],
            found.scores[i, :count],
            found.labels[i, :count],
            found.mask_probs[i, :count],
        )
        for i, count in enumerate(counts)
    ]


def predict_padded(
    model: MaskRCNN, batch: Tensor, sizes: Tensor, selection: Selection
) -> PaddedPrediction:
    """Find objects with masks in a batch.

    Args:
        model: in evaluation mode.
        batch: [B, 3, H, W], normalised and padded.
        sizes: [B, 2] on the batch's device, height and width of every image.
        selection: which boxes to keep.
    """
    levels = model.levels(batch)
    proposals, counts = _propose(model, model.rpn(levels), sizes)
    pooled = _pool(model, levels, proposals, model.config.box_pool)
    logits, deltas = model.box_head(pooled)
    found = _select(model, (logits, deltas), (proposals, counts, sizes), selection)
    labels = found.labels.flatten()
    pooled = _pool(model, levels, found.boxes_xyxy, model.config.mask_pool)
    probs = model.mask_head(pooled, labels).sigmoid().unflatten(0, found.labels.shape)
    padded = PaddedPrediction(found.boxes_xyxy, found.scores, found.labels, found.counts, probs)
    if model.config.mask_in_score:
        return _ranked_by_masks(padded, selection.score_threshold)
    return padded


def _ranked_by_masks(found: PaddedPrediction, lowest: float) -> PaddedPrediction:
    """See `rank_by_masks`; what is left out becomes padding."""
    scores = found.scores * mask_scores(found.mask_probs)
    good = (scores >= lowest) & _real(scores, found.counts)
    scores, order = torch.where(good, scores, -1.0).sort(dim=1, descending=True, stable=True)
    counts = good.sum(dim=1)
    real = _real(order, counts)
    return PaddedPrediction(
        _rows(found.boxes_xyxy, order) * real[:, :, None],
        scores.where(real, 0.0),
        found.labels.gather(1, order),
        counts,
        found.mask_probs.gather(1, order[:, :, None, None].expand_as(found.mask_probs)),
    )


def _propose(model: MaskRCNN, scores: AnchorScores, sizes: Tensor) -> tuple[Tensor, Tensor]:
    """Return proposals [B, P, 4], best first, and how many of every image are real [B]."""
    config = model.config
    boxes, logits, levels = [], [], []
    for number, anchors in enumerate(scores.anchors):
        best, places = scores.logits[number].topk(min(config.rpn_candidates, len(anchors)), dim=1)
        deltas = _rows(scores.deltas[number], places)
        decoded = _decoded(deltas, anchors[places], sizes, (1.0, 1.0, 1.0, 1.0))
        boxes.append(decoded)
        logits.append(_without_small(best, decoded, config.rpn_min_side))
        levels.append(torch.full_like(places, number))
    found, worth = torch.cat(boxes, dim=1), torch.cat(logits, dim=1)
    places, counts = nms_in_batch(
        found,
        worth,
        torch.cat(levels, dim=1),
        config.rpn_nms_threshold,
        limit=config.rpn_proposals_test,
    )
    return _rows(found, places) * _real(places, counts)[:, :, None], counts


@dataclass(frozen=True)
class _Found:
    boxes_xyxy: Tensor
    scores: Tensor
    labels: Tensor
    counts: Tensor


def _select(
    model: MaskRCNN,
    scored: tuple[Tensor, Tensor],
    rois: tuple[Tensor, Tensor, Tensor],
    selection: Selection,
) -> _Found:
    """Score first, then decode only the best; see `BoxHead.select`."""
    proposals, counts, sizes = rois
    images, most = proposals.shape[:2]
    scores = scored[0].softmax(dim=1)[:, 1:].unflatten(0, (images, most))  # [B, P, K]
    categories = scores.shape[2]
    slots = torch.arange(most, device=scores.device)
    usable = (scores >= selection.score_threshold) & (slots < counts[:, None])[:, :, None]
    flat = torch.where(usable, scores, -torch.inf).flatten(1)  # [B, P * K]
    chosen = flat.topk(min(_MOST_CANDIDATES, flat.shape[1]), dim=1, sorted=False).indices
    chosen = chosen.sort(dim=1).values  # of equal scores the first comes first
    best, labels, owners = flat.gather(1, chosen), chosen % categories + 1, chosen // categories
    deltas = scored[1].unflatten(0, (images, most))  # [B, P, 1 or K, 4]
    rows = torch.zeros_like(labels) if model.config.class_agnostic_box else labels - 1
    moves = _rows(deltas.flatten(1, 2), owners * deltas.shape[2] + rows)
    boxes = _decoded(moves, _rows(proposals, owners), sizes, DELTA_WEIGHTS)
    best = _without_small(best, boxes, model.config.box_min_side)
    groups = torch.zeros_like(labels) if selection.class_agnostic_nms else labels
    places, found = nms_in_batch(
        boxes, best, groups, selection.nms_threshold, limit=selection.limit
    )
    real = _real(places, found)
    return _Found(
        _rows(boxes, places) * real[:, :, None],
        best.gather(1, places).where(real, 0.0),
        labels.gather(1, places),
        found,
    )


def _pool(model: MaskRCNN, levels: list[Tensor], boxes: Tensor, size: int) -> Tensor:
    """Pool boxes [B, n, 4] from P2..P5: [B * n, C, size, size]."""
    config = model.config
    images = torch.arange(len(boxes), device=boxes.device, dtype=boxes.dtype)
    owners = images[:, None, None].expand(-1, boxes.shape[1], -1)
    rois = torch.cat((owners, boxes), dim=2).flatten(0, 1)
    sampling = Sampling(config.roi_aligned, config.roi_samples, config.roi_interpolation)
    return pyramid_roi_align_flat(levels[:4], rois, size, sampling)


def _decoded(
    deltas: Tensor, references: Tensor, sizes: Tensor, weights: tuple[float, float, float, float]
) -> Tensor:
    """Decode [B, n, 4] and clip to the images' sizes [B, 2]."""
    boxes = decode_boxes(deltas.flatten(0, 1), references.flatten(0, 1), weights)
    limits = sizes[:, None, :].expand(-1, deltas.shape[1], -1).flatten(0, 1)
    return clip_boxes(boxes, limits[:, :1], limits[:, 1:]).unflatten(0, deltas.shape[:2])


def _without_small(scores: Tensor, boxes: Tensor, side: float) -> Tensor:
    """Return the scores [B, n], minus infinity for boxes that are too small."""
    fine = has_min_side(boxes.flatten(0, 1), side).view_as(scores)
    return torch.where(fine, scores, -torch.inf)


def _rows(values: Tensor, places: Tensor) -> Tensor:
    """Return of [B, n, 4] the rows [B, m, 4] at places [B, m]."""
    return values.gather(1, places[:, :, None].expand(-1, -1, values.shape[2]))


def _real(places: Tensor, counts: Tensor) -> Tensor:
    """Return [B, n] bool: which places are no padding."""
    return torch.arange(places.shape[1], device=places.device) < counts[:, None]
