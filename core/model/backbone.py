"""Which backbone a config names.

Every backbone maps normalised images [B, 3, H, W] to C2..C5, and has their `channels` and `parts`.
"""

from core.model.config import MaskRCNNConfig
from core.model.efficientnet_lite import EfficientNetLite
from core.model.resnet import ResNet

Backbone = ResNet | EfficientNetLite


def make_backbone(config: MaskRCNNConfig) -> Backbone:
    """Return the backbone that the config names."""
    if config.backbone.startswith("resnet"):
        return ResNet(config)
    return EfficientNetLite(config)
