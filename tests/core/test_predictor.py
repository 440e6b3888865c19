from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.learning.transforms import resize_image
from core.masks import Mask
from core.model.checkpoint import ModelFileError, save_model, with_categories
from core.model.mask_rcnn import MaskRCNN
from core.ops.paste import Box
from core.predictor import Predictor
from tests.core.model.tiny import HEIGHT, TINY, WIDTH, overfitted, scene, to_tensor


def predictor(precision: str = "fp32") -> Predictor:
    return Predictor(overfitted(), device="cpu", precision=precision)


@pytest.mark.parametrize("factor", [1, 3])
def test_masks_are_in_the_images_own_pixels_b6(factor: int) -> None:
    image, truth = scene(1)
    size = WIDTH * factor, HEIGHT * factor
    found = predictor().predict(cv2.resize(image, size).astype(np.uint8), min_score=0.7)
    for true in truth:
        bitmap = true.to_bitmap(HEIGHT, WIDTH).astype(np.uint8)
        scaled = cv2.resize(bitmap, size, interpolation=cv2.INTER_NEAREST).astype(bool)
        ious = []
        for detection in found:
            mask = detection.mask.to_bitmap(size[1], size[0])
            ious.append((mask & scaled).sum() / (mask | scaled).sum())
        assert max(ious) > 0.75


def test_each_side_has_a_scale_of_its_own_b6() -> None:
    image = np.ascontiguousarray(np.tile(scene(1)[0], (1, 2, 1))[:93, :245])
    resized = to_tensor(resize_image(image, TINY.image_size))
    with torch.inference_mode():
        features = overfitted().features([resized])
        selection = replace(overfitted().selection, score_threshold=0.0, limit=20)
        expected = overfitted().detect(features, selection)[0].boxes_xyxy
    assert resized.shape == (3, 49, 128)
    expected = expected * torch.tensor([245 / 128, 93 / 49] * 2)
    found = predictor().predict(image, min_score=0.0, max_detections=20)
    assert len(found) > 10
    for detection in found:
        distances = (expected - torch.tensor(detection.box_xyxy)).abs().amax(dim=1)
        assert distances.min() < 1e-3


def test_detections_are_sorted_limited_and_named() -> None:
    model = with_categories(MaskRCNN(TINY, seed=3), ("left", "right"))
    found = Predictor(model, device="cpu", precision="fp32").predict(
        scene(0)[0], min_score=0.0, max_detections=7
    )
    assert len(found) <= 7
    assert {d.category for d in found} <= {"left", "right"}
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    for detection in found:
        x, y, w, h = detection.mask.bbox_xywh
        x1, y1, x2, y2 = detection.box_xyxy
        assert x1 - 0.5 <= x <= x + w <= x2 + 0.5
        assert y1 - 0.5 <= y <= y + h <= y2 + 0.5
        assert x2 <= WIDTH
        assert y2 <= HEIGHT


def test_the_score_limit_is_kept() -> None:
    image = scene(0)[0]
    low = predictor().predict(image, min_score=0.01)
    high = predictor().predict(image, min_score=0.7)
    assert 0 < len(high) <= len(low)
    assert min(d.score for d in high) >= 0.7


def test_scores_are_those_of_box_and_mask_where_asked() -> None:
    model = MaskRCNN(replace(TINY, mask_in_score=True))
    model.load_state_dict(overfitted().state_dict())
    found = Predictor(model, device="cpu", precision="fp32").predict(scene(0)[0], min_score=0.2)
    plain = predictor().predict(scene(0)[0], min_score=0.2)
    assert 0 < len(found) <= len(plain)
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    assert found[-1].score >= 0.2
    by_box = {d.box_xyxy: d.score for d in plain}
    assert all(0.5 <= d.score / by_box[d.box_xyxy] < 1 for d in found)


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (400, 2)])
def test_images_of_any_shape_are_predicted(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    for detection in predictor().predict(image):
        x, y, w, h = detection.mask.bbox_xywh
        assert x + w <= shape[1]
        assert y + h <= shape[0]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_image_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match=r"expected RGB uint8 \[H, W, 3\]"):
        predictor().predict(image)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision"):
        predictor("fp8")


def test_half_precision_finds_the_same() -> None:
    image = scene(0)[0]
    exact, rough = (
        predictor().predict(image, min_score=0.6),
        predictor("bf16").predict(image, min_score=0.6),
    )
    assert len(exact) == len(rough) == 2
    for first in exact:
        assert max(first.mask.iou(second.mask) for second in rough) > 0.8


def test_fewer_multiplications_find_the_same() -> None:
    model = MaskRCNN(replace(TINY, mask_channels=64), seed=3)
    image = scene(0)[0]
    exact, quick = (
        Predictor(model, device="cpu", precision=name).predict(image, min_score=0.0)
        for name in ("fp32", "winograd")
    )
    assert len(exact) == len(quick) > 0
    for first, second in zip(exact, quick, strict=True):
        assert first.box_xyxy == pytest.approx(second.box_xyxy, abs=1e-2)
        assert first.mask.iou(second.mask) > 0.98


def test_a_saved_model_is_loaded(tmp_path: Path) -> None:
    save_model(tmp_path / "v1", MaskRCNN(TINY), {})
    loaded = Predictor.load(tmp_path / "v1", device="cpu")
    assert loaded.categories == ("object",)
    assert loaded.device == "cpu"
    assert loaded.config == TINY


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        Predictor.load(tmp_path / "none")


def test_a_batch_of_sizes_is_predicted_like_each_image() -> None:
    model = predictor()
    images = [scene(0)[0], np.ascontiguousarray(scene(1)[0][:80, :100]), scene(1)[0]]
    confident = replace(overfitted().selection, score_threshold=0.7)
    together = model.predict_batch(images, confident)
    assert [len(found) for found in together] == [2, len(together[1]), 2]
    for image, found in zip(images, together, strict=True):
        for one in model.predict(image, min_score=0.8):  # padding reaches the norms: not exactly
            assert max(one.mask.iou(other.mask) for other in found) > 0.75
    assert model.predict_batch([]) == []


def test_nms_is_an_argument() -> None:
    image = scene(0)[0]
    few, many = (
        predictor().predict(image, min_score=0.0, nms_threshold=threshold)
        for threshold in (0.3, 0.9)
    )
    assert 0 < len(few) < len(many)
    two = Predictor(with_categories(overfitted(), ("a", "b")), device="cpu", precision="fp32")
    both = two.predict(image, min_score=0.2)
    one = two.predict(image, min_score=0.2, class_agnostic_nms=True)
    assert len(both) == 2 * len(one) == 4


def test_boxes_of_an_embedded_image_get_the_masks_in_them() -> None:
    model, (image, truth) = predictor(), scene(1)
    with pytest.raises(RuntimeError, match="embed"):
        model.predict_boxes([(1.0, 1.0, 5.0, 5.0)])
    large = cv2.resize(image, (3 * WIDTH, 3 * HEIGHT)).astype(np.uint8)
    model.embed(large)
    boxes: list[Box] = []
    for mask in truth:
        x1, y1, x2, y2 = mask.box_xyxy
        boxes.append((3.0 * x1, 3.0 * y1, 3.0 * x2, 3.0 * y2))
    found = model.predict_boxes(boxes)
    assert [d.box_xyxy for d in found] == [pytest.approx(box) for box in boxes]
    for detection, mask in zip(found, truth, strict=True):
        bitmap = np.kron(mask.to_bitmap(HEIGHT, WIDTH), np.ones((3, 3), bool))
        assert detection.mask.iou(Mask.from_bitmap(bitmap)) > 0.85
        assert detection.score > 0.5
    assert model.predict_boxes([]) == []


def test_a_drawn_box_is_looked_at_twice_and_what_is_found_once() -> None:
    model, looks = Predictor(MaskRCNN(TINY), device="cpu", precision="fp32"), []
    model._model.mask_head.register_forward_pre_hook(lambda *_: looks.append(1))
    image = scene(1)[0]
    assert model.predict(image, min_score=0.0)
    assert len(looks) == 1
    model.embed(image)
    model.predict_at((64.0, 48.0))
    assert len(looks) == 2
    model.predict_boxes([(-10.0, -20.0, 130.0, 110.0)])  # so large that there is a finer level
    assert len(looks) == 4


def test_a_box_of_background_is_answered_too() -> None:
    model = predictor()
    model.embed(scene(1)[0])
    [found] = model.predict_boxes([(100.0, 2.0, 140.0, 20.0)])  # reaches outside
    assert found.score < 0.5
    assert found.box_xyxy == pytest.approx((100.0, 2.0, 140.0, 20.0))


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (9, 5, 5, 9), (0, 0, float("nan"), 5)])
def test_boxes_without_area_are_refused(box: Box) -> None:
    model = predictor()
    model.embed(scene(0)[0])
    with pytest.raises(ValueError, match="expected boxes"):
        model.predict_boxes([box])


def test_a_point_finds_the_object_under_it_and_weaker_ones_behind() -> None:
    model, (image, truth) = predictor(), scene(1)
    with pytest.raises(RuntimeError, match="embed"):
        model.predict_at((5, 5))
    model.embed(image)
    found = model.predict_at((90.5, 60.0))  # in the second ellipse
    assert found[0].mask.iou(truth[1]) > 0.8
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)
    assert found[-1].score < 0.05  # `predict` hides those
    assert all(d.mask.contains(90, 60) for d in found)
    shown = model.predict(image, min_score=0.5)
    assert len(found) > sum(d.mask.contains(90, 60) for d in shown)
    assert len(model.predict_at((90.5, 60.0), limit=1)) == 1
    for outside in ((-1, 5), (WIDTH, 5), (5, HEIGHT)):
        with pytest.raises(ValueError, match="expected a point within 128 x 96"):
            model.predict_at(outside)


def test_another_embedded_image_takes_the_place_of_the_one_before() -> None:
    model, (image, truth) = predictor(), scene(1)
    model.embed(np.zeros((40, 50, 3), np.uint8))
    model.predict_at((5, 5))
    model.embed(image)
    model.predict(scene(0)[0])  # leaves the embedded image alone
    assert model.predict_at((90.5, 60.0))[0].mask.iou(truth[1]) > 0.8


def test_the_way_of_gpus_finds_the_same() -> None:
    """Without a GPU nothing is recorded, but all the rest is the same."""
    images = [scene(1)[0], scene(2)[0][:40]]
    usual, padded = predictor(), predictor()
    padded._uses_graphs = True
    for ours, theirs in zip(padded.predict_batch(images), usual.predict_batch(images), strict=True):
        assert [d.category for d in ours] == [d.category for d in theirs]
        assert [d.score for d in ours] == pytest.approx([d.score for d in theirs], abs=1e-5)
        assert [d.mask for d in ours] == [d.mask for d in theirs]
