"""Small drawn photos with exact masks, and a model small enough to learn them in a test."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from core.masks import Mask
from core.model.checkpoint import save_model
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN
from tests.helpers.coco_records import annotation_record

SIZE = (96, 64)  # width, height

TINY = MaskRCNNConfig(
    backbone_width=0.25,
    image_size=96,
    fpn_channels=16,
    anchor_sizes=(8.0, 16.0, 32.0, 64.0, 128.0),
    rpn_samples=64,
    rpn_candidates=100,
    rpn_proposals_train=100,
    rpn_proposals_test=50,
    box_channels=32,
    box_samples=32,
    mask_channels=16,
    mask_convs=1,
)


def write_scenes(folder: Path, count: int, seed: int = 0) -> Path:
    """Bright ellipses on dark noise: `scenes.json` and one PNG each; the last has no instance."""
    generator = np.random.default_rng(seed)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        image = generator.integers(0, 60, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
        if number < count:
            mask = _ellipse(generator)
            image[mask.to_bitmap(SIZE[1], SIZE[0])] += 150
            annotations.append(
                annotation_record(
                    id=len(annotations) + 1,
                    image_id=number,
                    category_id=7,
                    mask=mask,
                    height=SIZE[1],
                    width=SIZE[0],
                )
            )
        cv2.imwrite(str(folder / f"{number}.png"), image)
        images.append(
            {"id": number, "file_name": f"{number}.png", "width": SIZE[0], "height": SIZE[1]}
        )
    path = folder / "scenes.json"
    categories = [{"id": 7, "name": "egg"}]
    path.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return path


def _ellipse(generator: np.random.Generator) -> Mask:
    canvas = np.zeros((SIZE[1], SIZE[0]), dtype=np.uint8)
    centre = (int(generator.integers(30, 66)), int(generator.integers(24, 40)))
    axes = (int(generator.integers(14, 24)), int(generator.integers(12, 20)))
    cv2.ellipse(canvas, centre, axes, 0, 0, 360, 1, -1)
    return Mask.from_bitmap(canvas)


def write_tiny_model(folder: Path, config: MaskRCNNConfig = TINY) -> Path:
    """Untrained weights in a model folder."""
    save_model(folder, MaskRCNN(config, seed=1), {})
    return folder
