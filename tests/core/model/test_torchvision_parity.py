"""Equal weights give equal values at every stage, in evaluation and in training."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from core.masks import Mask
from core.model.mask_rcnn import MaskRCNN, Target
from core.model.preprocess import resize_short_side, to_batch
from core.model.published_names import from_torchvision
from core.ops.roi_align import Sampling, pyramid_roi_align
from core.predictor import Predictor
from tests.core.model.torchvision_twins import CATEGORIES, assert_near, twins

SIZES = {
    "one landscape": [(120, 170)],
    "one small square": [(50, 50)],
    "two of two sizes": [(96, 144), (150, 110)],
}
UNALIGNED = Sampling(aligned=False, per_bin=2)


def photos(sizes: list[tuple[int, int]]) -> list[Tensor]:
    """Smooth noise: neighbouring pixels of photos are alike."""
    generator = torch.Generator().manual_seed(len(sizes))
    return [
        torch.nn.functional.interpolate(
            torch.rand(1, 3, h // 8 + 2, w // 8 + 2, generator=generator), (h, w), mode="bilinear"
        )[0]
        for h, w in sizes
    ]


def resized(model: MaskRCNN, images: list[Tensor]) -> list[Tensor]:
    return [resize_short_side(image, model.config) for image in images]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@torch.inference_mode()
def test_every_stage_agrees(version: int, sizes: list[tuple[int, int]]) -> None:
    theirs, ours = twins(version)
    images = photos(sizes)
    batch = theirs.transform(images)[0]
    tensors, shapes = to_batch(resized(ours, images), ours.config)
    assert shapes == batch.image_sizes
    assert_near(tensors, batch.tensors)

    for mine, other in zip(
        ours.backbone(tensors), theirs.backbone.body(batch.tensors).values(), strict=True
    ):
        assert_near(mine, other)
    pyramid = theirs.backbone(batch.tensors)
    features = ours.features(resized(ours, images))
    for mine, other in zip(features.levels, pyramid.values(), strict=True):
        assert_near(mine, other)

    scores = ours.rpn(features.levels)
    their_logits, their_deltas = theirs.rpn.head(list(pyramid.values()))
    for number, (logits, deltas) in enumerate(zip(their_logits, their_deltas, strict=True)):
        count = len(images)
        assert_near(scores.logits[number], logits.permute(0, 2, 3, 1).reshape(count, -1))
        flat = deltas.unflatten(1, (-1, 4)).permute(0, 3, 4, 1, 2).reshape(count, -1, 4)
        assert_near(scores.deltas[number], flat)
    anchors = theirs.rpn.anchor_generator(batch, list(pyramid.values()))[0]
    assert torch.equal(torch.cat(scores.anchors), anchors)

    proposals = ours.rpn.propose(scores, features)
    for mine, other in zip(proposals, theirs.rpn(batch, pyramid)[0], strict=True):
        assert len(mine) > 20
        assert_near(mine, other)
    _assert_heads_agree(theirs, ours, features, pyramid, proposals)


def _assert_heads_agree(
    theirs: Any, ours: MaskRCNN, features: Any, pyramid: Any, proposals: list[Tensor]
) -> None:
    heads = theirs.roi_heads
    pooled = heads.box_roi_pool(pyramid, proposals, features.sizes)
    assert_near(pyramid_roi_align(features.levels[:4], proposals, 7, UNALIGNED), pooled)
    logits, deltas = ours.classify(features, proposals)
    their_logits, their_deltas = heads.box_predictor(heads.box_head(pooled))
    assert_near(logits, their_logits)
    assert_near(deltas, their_deltas.unflatten(1, (-1, 4))[:, 1:])

    detections = heads(pyramid, proposals, features.sizes)[0]
    found = ours.detect(features)
    probs = ours.masks_for_boxes(features, [f.boxes_xyxy for f in found], [f.labels for f in found])
    for mine, masks, other in zip(found, probs, detections, strict=True):
        assert len(mine.labels) > 20
        assert mine.labels.tolist() == other["labels"].tolist()  # the order, too
        assert_near(mine.scores, other["scores"])
        assert_near(mine.boxes_xyxy, other["boxes"])
        assert_near(masks, other["masks"][:, 0])


@pytest.mark.parametrize("version", [1, 2])
def test_the_predictor_finds_torchvisions_boxes_in_the_images_own_pixels(version: int) -> None:
    theirs, ours = twins(version)
    image = (photos([(75, 133)])[0] * 255).round()
    with torch.inference_mode():
        expected = theirs([image / 255])[0]
    pixels = image.byte().permute(1, 2, 0).numpy()
    predictor = Predictor(ours, device="cpu", precision="fp32")
    found = predictor.predict(pixels)  # detections with an empty mask are left out
    places = [expected["scores"].sub(d.score).abs().argmin().item() for d in found]
    assert len(found) > 20
    assert places == sorted(set(places))
    assert [CATEGORIES.index(d.category) + 1 for d in found] == expected["labels"][places].tolist()
    assert_near(torch.tensor([d.box_xyxy for d in found]), expected["boxes"][places])
    assert_near(torch.tensor([d.score for d in found]), expected["scores"][places])


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("empty", [[0], [0, 1]], ids=["one", "all"])
@torch.inference_mode()
def test_images_without_a_detection_agree_also_beside_one_that_has_some(
    version: int, empty: list[int]
) -> None:
    theirs, ours = twins(version)
    images = photos([(100, 120), (96, 144)])
    features = ours.features(resized(ours, images))
    best = [found.scores[0].item() for found in ours.detect(features)]
    images = [images[i] for i in sorted(range(2), key=best.__getitem__)]
    threshold = sum(best) / 2 if empty == [0] else 0.99
    features = ours.features(resized(ours, images))
    found = ours.detect(features, replace(ours.selection, score_threshold=threshold))
    probs = ours.masks_for_boxes(features, [f.boxes_xyxy for f in found], [f.labels for f in found])
    theirs.roi_heads.score_thresh = threshold
    try:
        transformed = theirs.transform(images)[0]
        levels = theirs.backbone(transformed.tensors)
        proposals = theirs.rpn(transformed, levels)[0]
        expected = theirs.roi_heads(levels, proposals, transformed.image_sizes)[0]
    finally:
        theirs.roi_heads.score_thresh = 0.05
    assert [i for i, mine in enumerate(found) if not len(mine.labels)] == empty
    for mine, masks, other in zip(found, probs, expected, strict=True):
        assert mine.labels.tolist() == other["labels"].tolist()
        assert_near(mine.scores, other["scores"])
        assert_near(mine.boxes_xyxy, other["boxes"])
        assert_near(masks, other["masks"][:, 0])


def targets_of(sizes: list[tuple[int, int]]) -> tuple[list[Target], list[dict[str, Tensor]]]:
    """Ellipses as our targets and as torchvision's."""
    ours, theirs = [], []
    for number, (height, width) in enumerate(sizes):
        y, x = np.mgrid[:height, :width] + 0.5
        masks, labels = [], []
        for label, (cx, cy, r) in enumerate([(40, 40, 25), (75, 60, 18), (25, 70, 8)][number:], 1):
            masks.append(Mask.from_bitmap(((x - cx) / r) ** 2 + ((y - cy) / (0.7 * r)) ** 2 < 1))
            labels.append(label)
        boxes = torch.tensor([mask.box_xyxy for mask in masks], dtype=torch.float32)
        bitmaps = np.stack([mask.to_bitmap(height, width) for mask in masks])
        ours.append(
            Target(
                boxes_xyxy=boxes,
                labels=torch.tensor(labels),
                masks=masks,
                ignore_xyxy=torch.zeros(0, 4),
            )
        )
        theirs.append(
            {
                "boxes": boxes,
                "labels": torch.tensor(labels),
                "masks": torch.from_numpy(bitmaps).byte(),
            }
        )
    return ours, theirs


LOSSES = {
    "rpn_objectness": "loss_objectness",
    "rpn_box": "loss_rpn_box_reg",
    "box_class": "loss_classifier",
    "box_regression": "loss_box_reg",
    "mask": "loss_mask",
}


FP32, FP64 = torch.float32, torch.float64
# In float32 a value that should be 0 falls by chance on one or the other side of a ReLU, and a few
# gradients differ a little.
GRADIENT_TOLERANCE = {FP32: 5e-3, FP64: 1e-9}  # 1.5e-3 was seen


@pytest.mark.parametrize(
    ("version", "norm", "negative", "precision"),
    [
        (1, "frozen_batch", False, FP64),
        (1, "frozen_batch", True, FP32),
        (2, "frozen_batch", False, FP32),
        (2, "batch", False, FP64),
    ],
)
def test_losses_and_gradients_agree_with_the_same_samples(
    version: int,
    norm: str,
    negative: bool,
    precision: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    theirs, ours = (copy.deepcopy(model).to(precision) for model in twins(version, norm))
    sizes = [(96, 128), (96, 110)]  # not resized
    truth, their_truth = targets_of(sizes)
    if negative:
        empty = torch.zeros(0, 96, 110, dtype=torch.uint8)
        none = torch.zeros(0, dtype=torch.int64)
        their_truth[1] = {"boxes": torch.zeros(0, 4), "labels": none, "masks": empty}
        truth[1] = Target(
            boxes_xyxy=torch.zeros(0, 4), labels=none, masks=[], ignore_xyxy=torch.zeros(0, 4)
        )
    # Both draw with randperm, ours of many with randint: without chance, they draw the same.
    monkeypatch.setattr(torch, "randperm", lambda count, **_: torch.arange(count))
    monkeypatch.setattr(torch, "randint", lambda _, size, **__: torch.arange(*size))
    images = [image.to(precision) for image in photos(sizes)]
    for target in truth:
        target["boxes_xyxy"] = target["boxes_xyxy"].to(precision)
    for other in their_truth:
        other["boxes"] = other["boxes"].to(precision)
    expected = _backward(_training(theirs, norm), images, their_truth)
    losses = _backward(_training(ours, norm), images, truth)
    for name, value in losses.items():
        assert_near(value, expected[LOSSES[name]], name)
        assert value > 0
    gradients = {n: p.grad for n, p in theirs.named_parameters() if p.grad is not None}
    ours_by_name = dict(ours.named_parameters())
    translated = from_torchvision(gradients).state
    assert len(translated) >= len(ours_by_name)
    for name, parameter in ours_by_name.items():
        assert parameter.grad is not None, name
        assert_near(parameter.grad, translated[name], name, GRADIENT_TOLERANCE[precision])


def _training(model: Any, norm: str) -> Any:
    """Put a model into training mode; norms that are frozen stay as they are."""
    model.train()
    if norm == "frozen_batch":
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    return model


def _backward(model: Any, images: list[Tensor], targets: Any) -> dict[str, Tensor]:
    model.zero_grad()
    losses: dict[str, Tensor] = model(images, targets)
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    return {name: value.detach() for name, value in losses.items()}
