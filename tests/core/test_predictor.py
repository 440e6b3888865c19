from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.learning.transforms import resize_image
from core.model.checkpoint import ModelFileError, save_model, with_categories
from core.model.mask_rcnn import MaskRCNN
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
    found = predictor()._run(image, 0.0, 20)[0].boxes_xyxy
    assert resized.shape == (3, 49, 128)
    torch.testing.assert_close(found, expected * torch.tensor([245 / 128, 93 / 49] * 2))
    assert len(found) == 20


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


def test_a_saved_model_is_loaded(tmp_path: Path) -> None:
    save_model(tmp_path / "v1", MaskRCNN(TINY), {})
    loaded = Predictor.load(tmp_path / "v1", device="cpu")
    assert loaded.categories == ("object",)
    assert loaded.device == "cpu"
    assert loaded.config == TINY


def test_a_missing_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError):
        Predictor.load(tmp_path / "none")
