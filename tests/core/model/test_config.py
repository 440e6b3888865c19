import json
from typing import Any

import pytest

from core.model.config import MaskRCNNConfig


def test_a_config_survives_json() -> None:
    config = MaskRCNNConfig(categories=("äpfel", "b"), focal_gamma=0.0, class_agnostic_mask=False)
    assert MaskRCNNConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_missing_settings_take_their_defaults() -> None:
    assert MaskRCNNConfig.from_dict({}) == MaskRCNNConfig()


def test_unknown_settings_are_named() -> None:
    with pytest.raises(ValueError, match="unknown settings: colour, size"):
        MaskRCNNConfig.from_dict({"size": 1, "colour": 2})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("categories", ()),
        ("categories", ("a", "a")),
        ("backbone", "resnet52"),
        ("backbone_norm", "none"),
        ("head_norm", "instance"),
        ("image_mean", (0.5,)),
        ("resizing", "crop"),
        ("anchor_style", "round"),
        ("roi_samples", -1),
        ("roi_interpolation", "nearest"),
        ("rpn_convs", 3),
        ("rpn_loss", "hinge"),
        ("box_fcs", 3),
        ("box_loss", "l2"),
        ("mask_targets", "soft"),
        ("mask_dice", -1.0),
        ("mask_drawn_boxes", -1),
        ("anchor_sizes", (32.0,)),
        ("nms_threshold", 1.5),
        ("box_samples", 0),
        ("mask_convs", 1.5),
        ("focal_gamma", -0.1),
        ("fpn_channels", 20),
    ],
)
def test_wrong_settings_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        MaskRCNNConfig(**{name: value})
