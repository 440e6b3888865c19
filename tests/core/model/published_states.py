"""Checkpoints with the names and shapes of the published ones, and made-up values."""

import re
from collections.abc import Iterator

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


def detectron2_shapes(categories: int = 80) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of detectron2's Mask R-CNN R50-FPN."""
    return dict(_detectron2_shapes(categories))


def _normed(name: str, shape: tuple[int, ...]) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.norm.{part}", shape[:1]


def _biased(name: str, shape: tuple[int, ...], out: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", (out,)


def _detectron2_shapes(categories: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    up = "backbone.bottom_up"
    yield from _normed(f"{up}.stem.conv1", (64, 3, 7, 7))
    before = 64
    for stage, blocks in zip((2, 3, 4, 5), (3, 4, 6, 3), strict=True):
        inner, after = 2 ** (stage + 4), 2 ** (stage + 6)
        for block in range(blocks):
            prefix = f"{up}.res{stage}.{block}"
            if block == 0:
                yield from _normed(f"{prefix}.shortcut", (after, before, 1, 1))
            yield from _normed(f"{prefix}.conv1", (inner, before, 1, 1))
            yield from _normed(f"{prefix}.conv2", (inner, inner, 3, 3))
            yield from _normed(f"{prefix}.conv3", (after, inner, 1, 1))
            before = after
        yield from _biased(f"backbone.fpn_lateral{stage}", (256, after, 1, 1), 256)
        yield from _biased(f"backbone.fpn_output{stage}", (256, 256, 3, 3), 256)
    rpn, heads = "proposal_generator.rpn_head", "roi_heads"
    for level in range(5):
        yield f"proposal_generator.anchor_generator.cell_anchors.{level}", (3, 4)
    yield from _biased(f"{rpn}.conv", (256, 256, 3, 3), 256)
    yield from _biased(f"{rpn}.objectness_logits", (3, 256, 1, 1), 3)
    yield from _biased(f"{rpn}.anchor_deltas", (12, 256, 1, 1), 12)
    yield from _biased(f"{heads}.box_head.fc1", (1024, 256 * 49), 1024)
    yield from _biased(f"{heads}.box_head.fc2", (1024, 1024), 1024)
    yield from _biased(f"{heads}.box_predictor.cls_score", (categories + 1, 1024), categories + 1)
    yield from _biased(f"{heads}.box_predictor.bbox_pred", (categories * 4, 1024), categories * 4)
    for number in (1, 2, 3, 4):
        yield from _biased(f"{heads}.mask_head.mask_fcn{number}", (256, 256, 3, 3), 256)
    yield from _biased(f"{heads}.mask_head.deconv", (256, 256, 2, 2), 256)
    yield from _biased(f"{heads}.mask_head.predictor", (categories, 256, 1, 1), categories)
