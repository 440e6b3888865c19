"""What the starter is trained on and published from."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.learning.dataset import CocoDetectionDataset
from core.model.mask_rcnn import MaskRCNN
from scripts.grounds import ground
from scripts.starter import PARTS, Edition, _append, _empty, _grounds, _published
from tests.core.model.tiny import TINY


def edition(*parts: str) -> Edition:
    return Edition(image_size=640, score_threshold=0.05, parts=parts, note="")


def test_some_parts_are_of_the_run_and_the_others_of_what_it_began_with() -> None:
    trained, begun = (MaskRCNN(TINY, seed=seed) for seed in (1, 2))
    assert {name for name, _ in trained.named_children()} == set(PARTS)
    found = _published(trained, begun, edition("mask_head")).state_dict()
    name, other = "mask_head.logits.weight", "rpn.objectness.weight"
    assert torch.equal(found[name], trained.state_dict()[name])
    assert torch.equal(found[other], begun.state_dict()[other])
    assert not torch.equal(found[other], trained.state_dict()[other])


def test_a_share_of_the_run_lies_between_its_beginning_and_its_end() -> None:
    trained, begun = (MaskRCNN(TINY, seed=seed) for seed in (1, 2))
    found = _published(trained, begun, replace(edition(), share=0.25)).state_dict()
    first, last = begun.state_dict(), trained.state_dict()
    for name, value in found.items():
        assert torch.allclose(value, 0.75 * first[name] + 0.25 * last[name], atol=1e-6)
    assert not torch.equal(found["rpn.objectness.weight"], last["rpn.objectness.weight"])


def test_a_part_that_no_model_has_is_refused() -> None:
    model = MaskRCNN(TINY)
    with pytest.raises(ValueError, match="the model has no masks"):
        _published(model, model, edition("mask_head", "masks"))


def test_a_ground_is_always_the_same_and_no_two_are_alike() -> None:
    assert np.array_equal(ground(3), ground(3))
    assert np.abs(ground(3).astype(int) - ground(4)).mean() > 5
    assert min(ground(n).std() for n in range(8)) > 1  # not of one colour


def test_grounds_are_trained_on_as_images_without_an_object(tmp_path: Path) -> None:
    train = _empty()
    _append(train, _grounds(tmp_path, 2), "grounds")
    (tmp_path / "train.json").write_text(json.dumps(train), encoding="utf-8")
    data = CocoDetectionDataset(tmp_path / "train.json", tmp_path)
    assert data.image_ids == [1, 2]
    image, target = data[1]
    assert image.shape == (3, 480, 640)
    assert len(target["boxes_xyxy"]) == 0
