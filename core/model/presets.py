"""The settings under which published weights give their published results."""

from dataclasses import replace

from core.model.coco_categories import COCO_NAMES
from core.model.config import MaskRCNNConfig

# https://docs.pytorch.org/vision/stable/models/mask_rcnn.html, weights COCO_V1 of the first
# edition. Its batch norms were frozen without an eps: anything else costs AP.
TORCHVISION_V1 = MaskRCNNConfig(
    categories=COCO_NAMES,
    resizing="torchvision",
    image_size=800,
    image_mean=(0.485, 0.456, 0.406),
    image_std=(0.229, 0.224, 0.225),
    backbone="resnet50",
    backbone_norm_eps=0.0,
    fpn_channels=256,
    fpn_norm="none",
    separable_convs=False,
    anchor_style="torchvision",
    anchor_sizes=(32.0, 64.0, 128.0, 256.0, 512.0),
    rpn_min_side=1e-3,
    rpn_candidates_train=2000,
    rpn_proposals_train=2000,
    rpn_proposals_test=1000,
    roi_aligned=False,
    box_channels=1024,
    box_samples=512,
    box_positive_share=0.25,
    class_agnostic_box=False,
    focal_gamma=0.0,
    mask_channels=256,
    mask_targets="pooled",
    class_agnostic_mask=False,
    box_min_side=1e-2,
)

# The second edition: every convolution but the RPN's has a batch norm, and the heads are deeper.
# The norms are frozen here, because batches of one or two images would spoil their statistics.
TORCHVISION_V2 = replace(
    TORCHVISION_V1,
    backbone_norm_eps=1e-5,
    fpn_norm="frozen_batch",
    rpn_convs=2,
    box_convs=4,
    box_fcs=1,
    head_norm="frozen_batch",
)

# https://github.com/facebookresearch/detectron2, COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x:
# Microsoft's ResNet strides in its 1 x 1 convolutions and sees bytes in the order B, G, R.
DETECTRON2_R50 = replace(
    TORCHVISION_V1,
    resizing="detectron2",
    image_mean=(123.675 / 255, 116.28 / 255, 103.53 / 255),
    image_std=(1 / 255, 1 / 255, 1 / 255),
    image_bgr=True,
    backbone_norm_eps=1e-5,
    stride_in_1x1=True,
    anchor_style="detectron2",
    rpn_min_side=1e-6,
    rpn_proposals_train=1000,
    roi_aligned=True,
    roi_samples=0,
    smooth_l1_beta=0.0,
    mask_targets="centres",
    box_min_side=1e-6,
)
DETECTRON2_R101 = replace(DETECTRON2_R50, backbone="resnet101")


def resnet_imagenet(backbone: str) -> MaskRCNNConfig:
    """Return the settings for new heads on a ResNet with torchvision's ImageNet weights."""
    return MaskRCNNConfig(
        backbone=backbone,
        backbone_norm_eps=1e-5,
        image_mean=TORCHVISION_V1.image_mean,
        image_std=TORCHVISION_V1.image_std,
    )
