"""Checkpoints with the names and shapes of the published ones, and made-up values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torchvision
from torch import Tensor


def numbered(shapes: dict[str, torch.Size]) -> dict[str, Tensor]:
    """Fill the first row of every weight with 1, the second with 2, and so on."""
    state = {}
    for name, shape in shapes.items():
        rows = torch.arange(1.0, 1 + (shape[0] if shape else 1))
        state[name] = rows.reshape(-1, *[1] * (len(shape) - 1)).expand(shape) if shape else rows[0]
    return state


def torchvision_state(version: int, classes: int = 91) -> dict[str, Tensor]:
    """Return the state of a Mask R-CNN of torchvision; of version 1 as frozen norms store it."""
    build = (
        torchvision.models.detection.maskrcnn_resnet50_fpn,
        torchvision.models.detection.maskrcnn_resnet50_fpn_v2,
    )[version - 1]
    with torch.device("meta"):
        model = build(weights=None, weights_backbone=None, num_classes=classes)
    state = numbered({name: value.shape for name, value in model.state_dict().items()})
    if version == 1:
        state = {n: v for n, v in state.items() if not n.endswith("num_batches_tracked")}
    return state


def legacy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give a state of version 1 the names of files from before torchvision 0.13."""
    renamed = {}
    for name, value in state.items():
        old = re.sub(r"(inner_blocks|layer_blocks)\.(\d)\.0\.", r"\1.\2.", name)
        old = old.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        old = re.sub(r"mask_head\.(\d)\.0\.", lambda m: f"mask_head.mask_fcn{int(m[1]) + 1}.", old)
        renamed[old] = value
    return renamed


@dataclass(frozen=True)
class Widths:
    """How wide a detectron2 model is; the defaults are those of the published ones."""

    categories: int = 80
    stem: int = 64
    pyramid: int = 256
    hidden: int = 1024


def detectron2_shapes(
    widths: Widths | None = None, *, depth: int = 50
) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of detectron2's Mask R-CNN R50-FPN or R101-FPN."""
    widths = widths or Widths()
    return {**_backbone(widths, depth), **dict(_heads(widths))}


def _normed(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.norm.{part}", shape[:1]


def _biased(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _backbone(widths: Widths, depth: int) -> dict[str, tuple[int, ...]]:
    up, channels = "backbone.bottom_up", widths.pyramid
    shapes = dict(_normed(f"{up}.stem.conv1", (widths.stem, 3, 7, 7)))
    before = widths.stem
    for stage, blocks in zip((2, 3, 4, 5), (3, 4, 6 if depth == 50 else 23, 3), strict=True):
        inner, after = widths.stem * 2 ** (stage - 2), widths.stem * 2**stage
        for block in range(blocks):
            prefix = f"{up}.res{stage}.{block}"
            if block == 0:
                shapes |= _normed(f"{prefix}.shortcut", (after, before, 1, 1))
            shapes |= _normed(f"{prefix}.conv1", (inner, before, 1, 1))
            shapes |= _normed(f"{prefix}.conv2", (inner, inner, 3, 3))
            shapes |= _normed(f"{prefix}.conv3", (after, inner, 1, 1))
            before = after
        shapes |= _biased(f"backbone.fpn_lateral{stage}", (channels, after, 1, 1))
        shapes |= _biased(f"backbone.fpn_output{stage}", (channels, channels, 3, 3))
    return shapes


def _heads(widths: Widths) -> Iterator[tuple[str, tuple[int, ...]]]:
    rpn, heads = "proposal_generator.rpn_head", "roi_heads"
    channels, hidden, categories = widths.pyramid, widths.hidden, widths.categories
    for level in range(5):
        yield f"proposal_generator.anchor_generator.cell_anchors.{level}", (3, 4)
    yield from _biased(f"{rpn}.conv", (channels, channels, 3, 3))
    yield from _biased(f"{rpn}.objectness_logits", (3, channels, 1, 1))
    yield from _biased(f"{rpn}.anchor_deltas", (12, channels, 1, 1))
    yield from _biased(f"{heads}.box_head.fc1", (hidden, channels * 49))
    yield from _biased(f"{heads}.box_head.fc2", (hidden, hidden))
    yield from _biased(f"{heads}.box_predictor.cls_score", (categories + 1, hidden))
    yield from _biased(f"{heads}.box_predictor.bbox_pred", (categories * 4, hidden))
    for number in (1, 2, 3, 4):
        yield from _biased(f"{heads}.mask_head.mask_fcn{number}", (channels, channels, 3, 3))
    yield from _biased(f"{heads}.mask_head.deconv", (channels, channels, 2, 2))
    yield from _biased(f"{heads}.mask_head.predictor", (categories, channels, 1, 1))
