"""Our model in detectron2's settings against its slow twin in NumPy."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.model.mask_rcnn import MaskRCNN
from core.model.presets import DETECTRON2_R50
from core.model.published_names import from_detectron2
from tests.core.model.published_states import Widths, detectron2_shapes
from tests.core.model.slow_detectron2 import SlowDetectron2

SMALL = Widths(categories=3, stem=8, pyramid=16, hidden=24)
CONFIG = replace(
    DETECTRON2_R50,
    categories=("a", "b", "c"),
    backbone_width=1 / 8,
    fpn_channels=16,
    box_channels=24,
    mask_channels=16,
    rpn_candidates=25,
    rpn_proposals_test=20,  # fewer would all be of square anchors, which no rounding changes
)
SIZES = [(64, 96), (70, 50)]


def random_state() -> dict[str, NDArray[np.float64]]:
    rng = np.random.default_rng(2)
    state = {}
    for name, shape in detectron2_shapes(SMALL).items():
        if name.endswith("running_var"):
            state[name] = rng.uniform(0.5, 1.5, shape)
        elif name.endswith("norm.weight"):
            state[name] = rng.normal(0.4 if "conv3" in name else 1.0, 0.1, shape)
        elif len(shape) == 1:
            state[name] = rng.normal(0, 0.1, shape)
        else:
            state[name] = rng.normal(0, np.prod(shape[1:]) ** -0.5, shape)
    state["backbone.bottom_up.stem.conv1.weight"] /= 60  # of bytes
    state["proposal_generator.rpn_head.objectness_logits.weight"] *= 2
    state["roi_heads.box_predictor.cls_score.weight"] *= 0.3
    return state


@cache
def twins() -> tuple[SlowDetectron2, MaskRCNN]:
    state = random_state()
    ours = MaskRCNN(CONFIG).double().eval()
    translation = from_detectron2({name: torch.from_numpy(v) for name, v in state.items()})
    assert not translation.refused
    ours.load_state_dict(translation.state, strict=True)
    return SlowDetectron2(state, CONFIG.rpn_candidates, CONFIG.rpn_proposals_test), ours


@pytest.mark.parametrize("size", SIZES)
@torch.inference_mode()
def test_every_stage_is_the_slow_one(size: tuple[int, int]) -> None:
    slow, ours = twins()
    image = np.random.default_rng(3).random((3, *size))
    features = ours.features([torch.from_numpy(image)])
    levels = slow.pyramid(image)
    for mine, theirs in zip(features.levels, levels, strict=True):
        np.testing.assert_allclose(mine[0].numpy(), theirs, atol=1e-9 * np.abs(theirs).max())

    proposals = ours.rpn.propose(ours.rpn(features.levels), features)[0]
    expected = slow.propose(levels, size)
    assert len(expected) == CONFIG.rpn_proposals_test
    np.testing.assert_allclose(proposals.numpy(), expected, atol=1e-4)  # float32 anchors

    found = ours.detect(features)[0]
    boxes, scores, labels = slow.detect(levels, expected, size)
    assert len(set(labels.tolist())) > 1
    assert found.labels.tolist() == labels.tolist()
    np.testing.assert_allclose(found.scores.numpy(), scores, rtol=1e-5)
    np.testing.assert_allclose(found.boxes_xyxy.numpy(), boxes, atol=1e-4)

    few = slice(0, 4)
    probs = ours.masks_for_boxes(features, [found.boxes_xyxy[few]], [found.labels[few]])[0]
    np.testing.assert_allclose(
        probs.numpy(), slow.masks(levels, boxes[few], labels[few]), atol=1e-5
    )


@pytest.mark.parametrize(
    "other",
    [
        {"image_bgr": False},
        {"stride_in_1x1": False},
        {"backbone_norm_eps": 1e-3},
        {"anchor_style": "torchvision"},
        {"roi_aligned": False},
        {"roi_samples": 2},
    ],
    ids=str,
)
@torch.inference_mode()
def test_other_settings_would_give_other_boxes(other: dict[str, Any]) -> None:
    """The test above can fail: each setting of detectron2 matters."""
    slow, ours = twins()
    image = np.random.default_rng(3).random((3, *SIZES[0]))
    levels = slow.pyramid(image)
    expected = slow.propose(levels, SIZES[0])
    scores = slow.detect(levels, expected, SIZES[0])[1]
    changed = MaskRCNN(replace(CONFIG, **other)).double().eval()
    changed.load_state_dict(ours.state_dict())
    features = changed.features([torch.from_numpy(image)])
    found = changed.detect(features)[0].scores.numpy()
    assert found.shape != scores.shape or np.abs(found - scores).max() > 1e-4
