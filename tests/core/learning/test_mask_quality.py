import json
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from core.formats.coco import annotation_mask, read_coco
from core.learning.mask_quality import mask_ious_from_true_boxes
from core.model.mask_rcnn import MaskRCNN
from tests.core.learning.scenes import TINY, write_scenes


class FullMasks(MaskRCNN):
    """Calls every box full; the class remembers the boxes that its copies were asked about."""

    asked: ClassVar[Tensor]

    def masks_for_boxes(self, features, boxes, labels, **_):  # type: ignore[no-untyped-def]
        FullMasks.asked = boxes[0]
        return [torch.ones(len(b), 28, 28) for b in boxes]


def test_the_predicted_mask_is_compared_in_the_pixels_of_the_image(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    pairs = mask_ious_from_true_boxes(FullMasks(TINY), path, tmp_path)
    dataset = read_coco(path)
    mask = annotation_mask(dataset.annotations[0], 64, 96)
    assert [area for area, _ in pairs] == [mask.area]
    assert pairs[0][1] == pytest.approx(mask.area / mask.crop.size)
    assert FullMasks.asked.tolist() == [list(map(float, mask.box_xyxy))]


def test_boxes_follow_the_size_that_the_model_sees(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    model = FullMasks(replace(TINY, image_size=48))
    pairs = mask_ious_from_true_boxes(model, path, tmp_path)
    box = annotation_mask(read_coco(path).annotations[0], 64, 96).box_xyxy
    assert FullMasks.asked[0].tolist() == pytest.approx([side / 2 for side in box])
    assert 0.6 < pairs[0][1] < 0.9  # an ellipse fills pi / 4 of its box


def test_crowds_and_images_without_instances_do_not_count(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 3)
    content = json.loads(path.read_text())
    content["annotations"][0]["iscrowd"] = 1
    path.write_text(json.dumps(content))
    assert len(mask_ious_from_true_boxes(FullMasks(TINY), path, tmp_path)) == 1


def test_a_real_mask_head_gives_figures_in_range(tmp_path: Path) -> None:
    pairs = np.array(mask_ious_from_true_boxes(MaskRCNN(TINY), write_scenes(tmp_path, 3), tmp_path))
    assert pairs.shape == (2, 2)
    assert ((pairs[:, 1] >= 0) & (pairs[:, 1] <= 1)).all()
