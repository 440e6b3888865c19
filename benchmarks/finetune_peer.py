"""The peer: torchvision's Mask R-CNN around our backbone, with our weights, by its tutorial."""

import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN as PeerMaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.ops._utils import convert_boxes_to_roi_format

from core.images import read_rgb
from core.learning.dataset import CocoDetectionDataset
from core.masks import Mask, encode_rle
from core.model.anchors import pyramid_anchors
from core.model.mask_rcnn import MaskRCNN
from core.model.rpn import RegionProposals
from core.ops.roi_align import Sampling, pyramid_levels, roi_align

BATCH, RATE, MOMENTUM, DECAY = 2, 0.005, 0.9, 5e-4  # the tutorial's
STEP_EPOCHS, STEP_FACTOR = 3, 0.1


class _Features(nn.Module):
    """Our backbone and pyramid as torchvision's backbone."""

    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.backbone, self.fpn = model.backbone, model.fpn
        self.out_channels = model.config.fpn_channels

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        levels = self.fpn(self.backbone(images))
        return OrderedDict(zip(("0", "1", "2", "3", "pool"), levels, strict=True))


class _Anchors(AnchorGenerator):  # type: ignore[misc]
    """Our anchors as torchvision's generator."""

    def __init__(self, model: MaskRCNN) -> None:
        sizes = tuple((size,) for size in model.config.anchor_sizes)
        super().__init__(sizes, (model.config.anchor_ratios,) * len(sizes))
        self.config = model.config

    def num_anchors_per_location(self) -> list[int]:
        return [len(self.config.anchor_ratios)] * 5

    def forward(self, images: Any, levels: list[Tensor]) -> list[Tensor]:
        return [torch.cat(pyramid_anchors(levels, self.config))] * len(images.image_sizes)


class _RpnHead(nn.Module):
    """Our RPN's convolutions as torchvision's head."""

    def __init__(self, rpn: RegionProposals) -> None:
        super().__init__()
        self.conv, self.objectness, self.deltas = rpn.conv, rpn.objectness, rpn.deltas

    def forward(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        hidden = [self.conv(level) for level in levels]
        return [self.objectness(it) for it in hidden], [self.deltas(it) for it in hidden]


class _Pool(nn.Module):
    """torchvision's RoIAlign with the half-pixel centres that the weights were trained with."""

    def __init__(self, model: MaskRCNN, size: int) -> None:
        super().__init__()
        config = model.config
        self.size = size
        self.sampling = Sampling(config.roi_aligned, config.roi_samples, config.roi_interpolation)

    def forward(
        self, features: dict[str, Tensor], boxes: list[Tensor], _sizes: list[tuple[int, int]]
    ) -> Tensor:
        rois = convert_boxes_to_roi_format(boxes)
        levels = pyramid_levels(rois[:, 1:], 2, 5)
        channels = next(iter(features.values())).shape[1]
        pooled: Tensor = rois.new_zeros((len(rois), channels, self.size, self.size))
        for level, map_ in zip(range(2, 6), features.values(), strict=False):
            members = torch.nonzero(levels == level).flatten()
            found = roi_align(map_, rois[members], self.size, 1 / 2**level, self.sampling)
            pooled = pooled.index_copy(0, members, found)
        return pooled


class _BoxFeatures(nn.Module):
    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.fc1, self.fc2 = model.box_head.fc1, model.box_head.fc2

    def forward(self, pooled: Tensor) -> Tensor:
        assert self.fc2 is not None
        hidden: Tensor = self.fc2(self.fc1(pooled.flatten(1)).relu()).relu()
        return hidden


class _BoxPredictor(nn.Module):
    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.classes, self.deltas = model.box_head.classes, model.box_head.deltas

    def forward(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        deltas = self.deltas(hidden)
        return self.classes(hidden), torch.cat((deltas, deltas), dim=1)  # background's are unused


class _MaskFeatures(nn.Sequential):
    def __init__(self, model: MaskRCNN) -> None:
        convs = [layer for conv in model.mask_head.convs for layer in (conv, nn.ReLU())]
        super().__init__(*convs)


class _MaskPredictor(nn.Module):
    def __init__(self, model: MaskRCNN) -> None:
        super().__init__()
        self.upsample, self.logits = model.mask_head.upsample, model.mask_head.logits

    def forward(self, hidden: Tensor) -> Tensor:
        logits = self.logits(self.upsample(hidden).relu())
        return torch.cat((logits, logits), dim=1)


def make_peer(model: MaskRCNN) -> PeerMaskRCNN:
    """Build torchvision's model from the parts of one of ours, which it then shares.

    Args:
        model: Of one category and class-agnostic boxes and masks, as the starter is.
    """
    config = model.config
    peer = PeerMaskRCNN(
        _Features(model),
        rpn_anchor_generator=_Anchors(model),
        rpn_head=_RpnHead(model.rpn),
        box_head=_BoxFeatures(model),
        box_predictor=_BoxPredictor(model),
        mask_head=_MaskFeatures(model),
        mask_predictor=_MaskPredictor(model),
        min_size=config.image_size,
        max_size=config.image_size,
        image_mean=list(config.image_mean),
        image_std=list(config.image_std),
    )
    peer.roi_heads.box_roi_pool = _Pool(model, config.box_pool)
    peer.roi_heads.mask_roi_pool = _Pool(model, config.mask_pool)
    return peer


def train_peer(
    peer: PeerMaskRCNN, train: Path, images: Path, epochs: int, seed: int = 0
) -> Iterator[float]:
    """Train by the tutorial; yield the seconds of training so far after each epoch."""
    data = CocoDetectionDataset(train, images)
    draw = np.random.default_rng(seed)
    torch.manual_seed(seed)
    learning = [it for it in peer.parameters() if it.requires_grad]
    optimizer = torch.optim.SGD(learning, RATE, momentum=MOMENTUM, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, STEP_EPOCHS, STEP_FACTOR)
    seconds = 0.0
    for _ in range(epochs):
        begun = time.perf_counter()
        peer.train()
        order = draw.permutation(len(data)).tolist()
        for start in range(0, len(order), BATCH):
            views = [_view(data, index, draw) for index in order[start : start + BATCH]]
            losses = peer([image for image, _ in views], [target for _, target in views])
            optimizer.zero_grad()
            torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
        seconds += time.perf_counter() - begun
        yield seconds


def _view(
    data: CocoDetectionDataset, index: int, draw: np.random.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """A photo in its own size, mirrored half the time, as the tutorial has it."""
    sample = data.sample(index, data.long_side(index))
    height, width = sample.image.shape[:2]
    bitmaps = [mask.to_bitmap(height, width) for mask in sample.masks]
    masks = torch.from_numpy(np.array(bitmaps, dtype=np.uint8).reshape(-1, height, width))
    image = torch.from_numpy(sample.image.copy()).permute(2, 0, 1).float() / 255
    boxes = torch.tensor([mask.box_xyxy for mask in sample.masks]).float().reshape(-1, 4)
    if draw.random() < 0.5:
        image, masks = image.flip(2), masks.flip(2)
        boxes = torch.stack((width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]), 1)
    labels = torch.ones(len(boxes), dtype=torch.int64)
    return image, {"boxes": boxes, "labels": labels, "masks": masks}


@torch.inference_mode()
def peer_results(peer: PeerMaskRCNN, truth: dict[str, Any], images: Path) -> list[dict[str, Any]]:
    """COCO results of one category on the images of a COCO file."""
    peer.eval()
    results = []
    for record in truth["images"]:
        pixels = read_rgb(images / record["file_name"])
        height, width = pixels.shape[:2]
        (found,) = peer([torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255])
        for box, score, probability in zip(
            found["boxes"].tolist(), found["scores"].tolist(), found["masks"], strict=True
        ):
            mask = Mask.from_bitmap((probability[0] >= 0.5).numpy())
            results.append(
                {
                    "image_id": record["id"],
                    "category_id": 1,
                    "bbox": [box[0], box[1], box[2] - box[0], box[3] - box[1]],
                    "segmentation": encode_rle(mask, height, width),
                    "score": score,
                }
            )
    return results
