"""What the starter is published from."""

import pytest
import torch

from core.model.mask_rcnn import MaskRCNN
from scripts.starter import PARTS, Edition, _published
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


def test_a_part_that_no_model_has_is_refused() -> None:
    model = MaskRCNN(TINY)
    with pytest.raises(ValueError, match="the model has no masks"):
        _published(model, model, edition("mask_head", "masks"))
