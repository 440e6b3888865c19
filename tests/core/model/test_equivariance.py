"""Mirrored, moved or scaled pictures give mirrored, moved or scaled answers.

The geometry and all heads are exact. A whole model is not: its strides cannot be mirrored, and its
norms see the whole picture. But what it is sure of must stay in its place, shifted to no side.
"""

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.images import list_images, read_rgb
from core.learning.transforms import resize_image
from core.model.anchors import pyramid_anchors
from core.model.checkpoint import load_model
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import Features, MaskRCNN, Prediction, Selection
from core.ops.paste import Box, paste_mask
from core.ops.roi_align import Sampling, roi_align
from core.predictor import Predictor
from tests.core.model.tiny import TINY, scene
from tests.helpers.data import REPOSITORY, shared_data

Picture = NDArray[np.uint8]
PHOTOS = 6
SIDE = 1024  # no cell that sees the drawn part lies at the border


def test_centred_anchors_are_their_own_mirror_image() -> None:
    levels = [torch.zeros(1, 1, 32 // 2**i, 64 // 2**i) for i in range(5)]
    anchors = torch.cat(pyramid_anchors(levels, MaskRCNNConfig()))
    mirrored = torch.stack(
        (256 - anchors[:, 2], anchors[:, 1], 256 - anchors[:, 0], anchors[:, 3]), 1
    )
    distance = torch.cdist(anchors, mirrored, 1, "donot_use_mm_for_euclid_dist").amin(dim=1)
    assert distance.max() < 1e-3


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@pytest.mark.parametrize("per_bin", [0, 2])
def test_pooling_mirrors_moves_and_scales_with_the_features(
    interpolation: str, per_bin: int
) -> None:
    sampling = Sampling(True, per_bin, interpolation)
    features = torch.rand(1, 3, 20, 24, dtype=torch.float64)
    box = torch.tensor([[0, 21.3, 17.2, 60.9, 55.5]], dtype=torch.float64)
    pooled = roi_align(features, box, 5, 0.25, sampling)
    mirrored = torch.tensor([[0, 96 - 60.9, 17.2, 96 - 21.3, 55.5]], dtype=torch.float64)
    torch.testing.assert_close(
        roi_align(features.flip(3), mirrored, 5, 0.25, sampling), pooled.flip(3)
    )
    moved = torch.nn.functional.pad(features, (3, 0, 2, 0))
    shift = torch.tensor([0, 12, 8, 12, 8])
    torch.testing.assert_close(roi_align(moved, box + shift, 5, 0.25, sampling), pooled)
    halved = torch.cat((box[:, :1], box[:, 1:] / 2), dim=1)
    torch.testing.assert_close(roi_align(features, halved, 5, 0.5, sampling), pooled)


@pytest.mark.parametrize("box", [(10.3, 7.7, 43.1, 38.9), (-12.4, -3.2, 20.0, 70.5)])
def test_pasting_mirrors_and_moves_with_the_box(box: Box) -> None:
    x1, y1, x2, y2 = box
    prob = np.random.default_rng(0).random((28, 28), dtype=np.float32)
    pasted = paste_mask(prob, box, 60, 80).to_bitmap(60, 80)
    mirrored = paste_mask(prob[:, ::-1], (80 - x2, y1, 80 - x1, y2), 60, 80).to_bitmap(60, 80)
    np.testing.assert_array_equal(mirrored[:, ::-1], pasted)
    moved = paste_mask(prob, (x1 + 7, y1 + 5, x2 + 7, y2 + 5), 65, 87).to_bitmap(65, 87)
    np.testing.assert_array_equal(moved[5:, 7:][:60, :80], pasted)


def test_a_model_without_norms_moves_exactly_with_its_picture() -> None:
    """On a ground of zeros and far from its borders, padding and picture are the same."""
    config = MaskRCNNConfig(
        backbone="resnet18", backbone_width=0.25, fpn_channels=16, fpn_norm="none", box_channels=32
    )
    model = MaskRCNN(config).double().eval()
    ground = torch.tensor(config.image_mean, dtype=torch.float64)[:, None, None]
    picture = ground.expand(3, SIDE, SIDE).clone()
    picture[:, 470:520, 466:540] = torch.rand(3, 50, 74, dtype=torch.float64)
    moved = picture.roll((64, 64), (1, 2))
    boxes, labels = torch.tensor([[460.3, 465.1, 533.7, 528.9]]).double(), torch.tensor([1])
    with torch.inference_mode():
        here, there = model.features([picture]), model.features([moved])
        for level, other in zip(here.levels, there.levels, strict=True):
            step = 64 * level.shape[-1] // SIDE
            torch.testing.assert_close(other[..., step:, step:], level[..., :-step, :-step])
        for mine, other in zip(
            model.classify(here, [boxes]), model.classify(there, [boxes + 64]), strict=True
        ):
            torch.testing.assert_close(mine, other)
        masks = [
            model.masks_for_boxes(features, [at], [labels])[0]
            for features, at in ((here, boxes), (there, boxes + 64))
        ]
    torch.testing.assert_close(*masks)


def _mirrored(model: MaskRCNN) -> MaskRCNN:
    """The same heads with all weights mirrored, left and right."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for heads in (other.rpn, other.mask_head):
            for layer in heads.modules():
                if isinstance(weight := getattr(layer, "weight", None), torch.Tensor):
                    weight.copy_(weight.flip(-1) if weight.ndim == 4 else weight)
        fc = other.box_head.fc1.weight  # [out, C * bins * bins]
        fc.copy_(fc.view(len(fc), -1, 7, 7).flip(-1).flatten(1))
        for deltas in (other.rpn.deltas, other.box_head.deltas):
            for values in deltas.parameters():
                values[0::4] *= -1  # dx
    return other


def _every_head(model: MaskRCNN, levels: list[Tensor]) -> Prediction:
    features = Features(levels, [(192, 256)])
    [found] = model.detect(features, Selection(0.0, 0.5, class_agnostic_nms=False, limit=40))
    [probs] = model.masks_for_boxes(features, [found.boxes_xyxy], [found.labels])
    return Prediction(found.boxes_xyxy, found.scores, found.labels, probs)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
@torch.inference_mode()
def test_mirrored_features_and_weights_give_exactly_the_mirrored_detections(
    interpolation: str,
) -> None:
    config = replace(TINY, categories=("a", "b"), roi_interpolation=interpolation)
    model = MaskRCNN(config).double().eval()
    generator = torch.Generator().manual_seed(0)
    for layer in (model.rpn.objectness, model.rpn.deltas, model.box_head.classes):
        layer.weight.normal_(std=0.2, generator=generator)
    for layer in (model.box_head.deltas, model.mask_head.logits):
        layer.weight.normal_(std=0.2, generator=generator)
    levels = [
        torch.randn(1, 16, 48 // 2**i, 64 // 2**i, generator=generator, dtype=torch.float64)
        for i in range(5)
    ]
    here = _every_head(model, levels)
    there = _every_head(_mirrored(model), [level.flip(3) for level in levels])
    assert len(here.labels) == 40
    assert set(here.labels.tolist()) == {1, 2}
    assert torch.equal(there.labels, here.labels)
    torch.testing.assert_close(there.scores, here.scores, rtol=0, atol=1e-4)  # float32 anchors
    x1, y1, x2, y2 = here.boxes_xyxy.unbind(1)
    mirrored = torch.stack((256 - x2, y1, 256 - x1, y2), 1)
    torch.testing.assert_close(there.boxes_xyxy, mirrored, rtol=0, atol=1e-2)
    torch.testing.assert_close(there.mask_probs, here.mask_probs.flip(2), rtol=0, atol=1e-4)


@cache
def starter() -> Predictor:
    shipped, _ = load_model(REPOSITORY / "resources" / "starter")
    model = MaskRCNN(replace(shipped.config, image_size=512))
    model.load_state_dict(shipped.state_dict())
    return Predictor(model, device="cpu", precision="fp32")


def drawn() -> list[Picture]:
    image = cv2.resize(scene(1)[0], (448, 336), interpolation=cv2.INTER_CUBIC)
    return [np.asarray(image, np.uint8)]


def photos() -> list[Picture]:
    paths = sorted(list_images(shared_data("balloon")))[:PHOTOS]
    return [resize_image(read_rgb(path), 448) for path in paths]


@pytest.mark.parametrize(
    ("source", "least_iou", "largest_offset"), [(drawn, 0.7, 6.0), (photos, 0.75, 2.0)]
)
@pytest.mark.parametrize("change", ["mirrored", "moved", "scaled"])
def test_what_the_starter_is_sure_of_stays_in_its_place(
    source: Callable[[], list[Picture]], least_iou: float, largest_offset: float, change: str
) -> None:
    """Single boxes tremble; their middle must not move: half a cell of P2 would be 2 pixels."""
    offsets, ious = [], []
    for image in source():
        after = [
            _unchanged(d.box_xyxy, change, image.shape[1])
            for d in starter().predict(_changed(image, change))
        ]
        for detection in starter().predict(image, min_score=0.6):
            best = max(after, key=partial(_iou, detection.box_xyxy))
            ious.append(_iou(best, detection.box_xyxy))
            offsets.append(_centre(best) - _centre(detection.box_xyxy))
    assert len(ious) >= 2
    assert np.mean(ious) > least_iou
    assert np.abs(np.median(offsets, axis=0)).max() < largest_offset


def _centre(box: Box) -> NDArray[np.float64]:
    return np.array([box[0] + box[2], box[1] + box[3]]) / 2


def _changed(image: Picture, change: str) -> Picture:
    """Mirror the picture, move it by 32 pixels, or scale it to four fifths, with room below."""
    height, width = image.shape[:2]
    if change == "mirrored":
        return np.ascontiguousarray(image[:, ::-1])
    ground = np.full((height + 64, width + 64, 3), image.mean(axis=(0, 1)), np.uint8)
    if change == "moved":
        ground[32 : height + 32, 32 : width + 32] = image
        return ground
    size = (width * 4 // 5, height * 4 // 5)
    ground[: size[1], : size[0]] = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return ground


def _unchanged(box: Box, change: str, width: int) -> Box:
    x1, y1, x2, y2 = box
    if change == "mirrored":
        return width - x2, y1, width - x1, y2
    if change == "moved":
        return x1 - 32, y1 - 32, x2 - 32, y2 - 32
    return x1 * 1.25, y1 * 1.25, x2 * 1.25, y2 * 1.25


def _iou(first: Box, second: Box) -> float:
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    shared = float(np.prod(np.maximum(high - low, 0)))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return shared / (sum(areas) - shared)
