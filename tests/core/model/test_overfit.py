"""One photo, learnt by heart: nothing between pixels and AP may be even slightly off."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.learning.dataset import CocoDetectionDataset, to_tensors
from core.learning.evaluate import evaluate
from core.learning.transforms import Sample, resize_mask
from core.masks import encode_rle
from core.model.mask_rcnn import MaskRCNN
from core.predictor import Predictor
from tests.core.model.tiny import TINY, scene
from tests.helpers.data import REPOSITORY

STEPS = 110
CONFIG = replace(
    TINY,
    backbone_width=0.5,
    fpn_channels=32,
    box_channels=128,
    mask_channels=32,
    mask_convs=4,
    rpn_proposals_train=100,
    image_size=256,
)


def drawn() -> Sample:
    image, masks = scene(1)
    large = np.kron(image, np.ones((2, 2, 1), np.uint8))
    return Sample(large, tuple(resize_mask(mask, (2.0, 2.0)) for mask in masks), (1,) * len(masks))


def photo() -> Sample:
    """A real one where there is one beside the checkout."""
    folder = REPOSITORY.parent / "shared" / "data" / "balloon"
    if not folder.is_dir():
        return drawn()
    return CocoDetectionDataset(folder / "instances.json", folder / "images").sample(0, 256)


@pytest.mark.slow
def test_one_photo_is_learnt_to_a_mask_ap_above_95() -> None:
    sample = photo()
    predictor = Predictor(_learnt(sample), device="cpu", precision="fp32")
    height, width = sample.image.shape[:2]
    records = [
        {"id": n, "image_id": 1, "category_id": 1, "segmentation": encode_rle(mask, height, width)}
        for n, mask in enumerate(sample.masks, 1)
    ]
    truth = {
        "images": [{"id": 1, "width": width, "height": height, "file_name": "photo"}],
        "categories": [{"id": 1, "name": "object"}],
        "annotations": records,
    }
    results = [
        {
            "image_id": 1,
            "category_id": 1,
            "score": found.score,
            "bbox": [found.box_xyxy[0], found.box_xyxy[1], 1, 1],
            "segmentation": encode_rle(found.mask, height, width),
        }
        for found in predictor.predict(sample.image)
    ]
    assert evaluate(truth, results).mask_ap > 0.95


def _learnt(sample: Sample) -> MaskRCNN:
    model = MaskRCNN(CONFIG, seed=1).train()
    image, target = to_tensors(sample)
    optimizer = torch.optim.AdamW(model.parameters())
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, STEPS, pct_start=0.1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        losses = model([image], [target], generator)
        optimizer.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        rates.step()
    return model
