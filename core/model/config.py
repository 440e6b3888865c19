"""The settings of a model, stored in every checkpoint."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any

BACKBONES = (
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
)
NORMS = ("none", "frozen_batch", "batch", "group")


@dataclass(frozen=True)
class MaskRCNNConfig:
    """Everything that defines a `MaskRCNN` besides its weights; lengths are in pixels.

    The defaults are those of the starter. `core.model.presets` has the settings under which
    published weights work: each setting that says "torchvision" or "detectron2" is one of theirs.

    Raises:
        ValueError: if a setting is outside its range; the message names it.
    """

    categories: tuple[str, ...] = ("object",)

    # The image: how it is resized at inference, and the colours that the backbone expects.
    resizing: str = "long_side"  # or "torchvision", "detectron2": by the short side
    image_size: int = 640  # the side that `resizing` speaks of
    image_max_size: int = 1333  # most pixels of the long side, where the short one is set
    image_mean: tuple[float, ...] = (127 / 255,) * 3  # of values in 0..1, in the order R, G, B
    image_std: tuple[float, ...] = (128 / 255,) * 3
    image_bgr: bool = False  # channels are swapped before the backbone

    backbone: str = "efficientnet_lite0"
    backbone_width: float = 1.0  # factor of the backbone's channels; 1 for published weights
    backbone_norm: str = "frozen_batch"  # one of NORMS but "none"
    backbone_norm_eps: float = 1e-3
    stride_in_1x1: bool = False  # of ResNet's bottlenecks: the first convolution strides

    fpn_channels: int = 96
    fpn_norm: str = "group"
    separable_convs: bool = True  # in the pyramid and the RPN

    anchor_style: str = "centred"  # or "torchvision", "detectron2": `core.model.anchors`
    anchor_sizes: tuple[float, ...] = (24.0, 48.0, 96.0, 192.0, 384.0)  # one per level, P2..P6
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)  # height / width

    rpn_convs: int = 1
    rpn_loss: str = "sampled"  # cross-entropy of sampled anchors, or "focal" of all
    rpn_focal_alpha: float = 0.25
    rpn_focal_gamma: float = 2.0
    rpn_positive_iou: float = 0.7
    rpn_negative_iou: float = 0.3
    rpn_samples: int = 256  # anchors per training image
    rpn_positive_share: float = 0.5
    rpn_min_side: float = 1.0  # smaller proposals are dropped
    rpn_nms_threshold: float = 0.7
    rpn_candidates: int = 1000  # per level, before NMS
    rpn_candidates_train: int | None = None  # None: as many as at inference
    rpn_proposals_train: int = 500  # per image, after NMS
    rpn_proposals_test: int = 300

    roi_aligned: bool = True  # half-pixel centres
    roi_samples: int = 2  # per bin and axis; 0: as many as the bin has cells
    roi_interpolation: str = "bilinear"  # or "bicubic"

    box_pool: int = 7
    box_convs: int = 0  # before the fully connected layers
    box_fcs: int = 2
    box_channels: int = 384
    head_norm: str = "none"  # behind the convolutions of the box and the mask head
    box_positive_iou: float = 0.5
    box_samples: int = 96  # RoIs per training image
    box_positive_share: float = 0.33
    box_loss: str = "smooth_l1"  # or "giou"
    smooth_l1_beta: float = 1 / 9
    class_agnostic_box: bool = True
    focal_gamma: float = 0.5  # 0 is cross-entropy

    mask_pool: int = 14  # 28 gives masks of 56 x 56
    mask_channels: int = 96
    mask_convs: int = 4
    mask_targets: str = "centres"  # or "pooled": RoIAlign of the true mask, as torchvision does
    mask_dice: float = 0.0  # weight of the Dice loss beside cross-entropy
    # Per training image, at most so many true boxes, moved as hands move them, teach the mask head;
    # 0: the positives of the box head do, as in the paper.
    mask_drawn_boxes: int = 0
    class_agnostic_mask: bool = True

    box_min_side: float = 1.0  # smaller detections are dropped
    mask_in_score: bool = False  # a detection's score is also that of its mask: not in the paper
    score_threshold: float = 0.05
    nms_threshold: float = 0.5
    class_agnostic_nms: bool = False
    detections_per_image: int = 100

    def __post_init__(self) -> None:
        if not self.categories or len(set(self.categories)) != len(self.categories):
            raise ValueError(f"categories: expected distinct names, got {self.categories!r}")
        if self.fpn_channels % 8:
            raise ValueError(f"fpn_channels: expected a multiple of 8, got {self.fpn_channels!r}")
        if len(self.anchor_sizes) != 5:
            raise ValueError(f"anchor_sizes: expected 5 (P2..P6), got {len(self.anchor_sizes)}")
        self._check_values()

    def _check_values(self) -> None:
        for expected, names, is_right in _CHECKS:
            for name in names:
                if not is_right(value := getattr(self, name)):
                    raise ValueError(f"{name}: expected {expected}, got {value!r}")
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise ValueError(f"{name}: expected one of {choices}, got {value!r}")

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


_CHOICES: dict[str, tuple[object, ...]] = {
    "resizing": ("long_side", "torchvision", "detectron2"),
    "backbone": BACKBONES,
    "backbone_norm": NORMS[1:],
    "fpn_norm": NORMS,
    "head_norm": NORMS,
    "anchor_style": ("centred", "torchvision", "detectron2"),
    "rpn_convs": (1, 2),
    "rpn_loss": ("sampled", "focal"),
    "roi_interpolation": ("bilinear", "bicubic"),
    "box_fcs": (1, 2),
    "box_loss": ("smooth_l1", "giou"),
    "mask_targets": ("centres", "pooled"),
}
_SHARES = (
    "rpn_positive_iou",
    "rpn_negative_iou",
    "rpn_positive_share",
    "rpn_nms_threshold",
    "rpn_focal_alpha",
    "box_positive_iou",
    "box_positive_share",
    "score_threshold",
    "nms_threshold",
)
_NOT_NEGATIVE = (
    "backbone_norm_eps",
    "rpn_focal_gamma",
    "rpn_min_side",
    "roi_samples",
    "box_convs",
    "smooth_l1_beta",
    "focal_gamma",
    "mask_dice",
    "mask_drawn_boxes",
    "box_min_side",
)
_COUNTS = (
    "image_size",
    "image_max_size",
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
_CHECKS: tuple[tuple[str, tuple[str, ...], Callable[[Any], bool]], ...] = (
    ("0..1", _SHARES, lambda value: 0 <= value <= 1),
    (">= 0", _NOT_NEGATIVE, lambda value: value >= 0),
    ("a whole number >= 1", _COUNTS, lambda value: isinstance(value, int) and value >= 1),
    ("3 numbers", ("image_mean", "image_std"), lambda value: len(value) == 3),
)
