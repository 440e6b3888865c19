"""The settings of a model, stored in every checkpoint."""

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class MaskRCNNConfig:
    """Everything that defines a `MaskRCNN` besides its weights; lengths are in pixels.

    Raises:
        ValueError: if a setting is outside its range; the message names it.
    """

    categories: tuple[str, ...] = ("object",)
    backbone: str = "efficientnet_lite0"
    backbone_width: float = 1.0  # factor of the backbone's channels; 1 for published weights
    image_size: int = 640  # long side at inference
    fpn_channels: int = 96

    anchor_sizes: tuple[float, ...] = (24.0, 48.0, 96.0, 192.0, 384.0)  # one per level, P2..P6
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)  # height / width

    rpn_positive_iou: float = 0.7
    rpn_negative_iou: float = 0.3
    rpn_samples: int = 256  # anchors per training image
    rpn_positive_share: float = 0.5
    rpn_nms_threshold: float = 0.7
    rpn_candidates: int = 1000  # per level, before NMS
    rpn_proposals_train: int = 500  # per image, after NMS
    rpn_proposals_test: int = 300

    box_pool: int = 7
    box_channels: int = 384
    box_positive_iou: float = 0.5
    box_samples: int = 96  # RoIs per training image
    box_positive_share: float = 0.33
    class_agnostic_box: bool = True
    focal_gamma: float = 0.5  # 0 is cross-entropy

    mask_pool: int = 14
    mask_channels: int = 96
    mask_convs: int = 4
    class_agnostic_mask: bool = True

    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    detections_per_image: int = 100

    def __post_init__(self) -> None:
        if not self.categories or len(set(self.categories)) != len(self.categories):
            raise ValueError(f"categories: expected distinct names, got {self.categories!r}")
        if self.backbone != "efficientnet_lite0":
            raise ValueError(f"backbone: expected 'efficientnet_lite0', got {self.backbone!r}")
        if self.fpn_channels % 8:
            raise ValueError(f"fpn_channels: expected a multiple of 8, got {self.fpn_channels!r}")
        if len(self.anchor_sizes) != 5:
            raise ValueError(f"anchor_sizes: expected 5 (P2..P6), got {len(self.anchor_sizes)}")
        for name in _SHARES:
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name}: expected 0..1, got {value!r}")
        for name in _COUNTS:
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}: expected a whole number >= 1, got {value!r}")
        if self.focal_gamma < 0:
            raise ValueError(f"focal_gamma: expected >= 0, got {self.focal_gamma!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as values that JSON can hold."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "MaskRCNNConfig":
        """Return the config that `to_dict` described; missing settings take their defaults.

        Raises:
            ValueError: if a key is unknown (named) or a value out of range.
        """
        unknown = set(values) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
        settings: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return cls(**settings)


_SHARES = (
    "rpn_positive_iou",
    "rpn_negative_iou",
    "rpn_positive_share",
    "rpn_nms_threshold",
    "box_positive_iou",
    "box_positive_share",
    "score_threshold",
    "nms_threshold",
)
_COUNTS = (
    "image_size",
    "fpn_channels",
    "rpn_samples",
    "rpn_candidates",
    "rpn_proposals_train",
    "rpn_proposals_test",
    "box_pool",
    "box_channels",
    "box_samples",
    "mask_pool",
    "mask_channels",
    "mask_convs",
    "detections_per_image",
)
