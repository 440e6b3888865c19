"""The names and the rows of published weights, turned into ours."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor

from core.model.coco_categories import COCO_IDS

_TORCHVISION_COCO_ROWS = 91


@dataclass
class Translation:
    """A state in our names, and what became of every weight.

    Attributes:
        state: by our names.
        renamed: their name and ours.
        reheaded: our names of the weights whose rows were picked or reordered, with the reason.
        dropped: their names of what we have no use for: counters, constants, classifiers.
        refused: their names of what has no place here.
    """

    state: dict[str, Tensor] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    reheaded: dict[str, str] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


Rules = Sequence[tuple[str, str]]  # regular expression of a whole name, and ours for it


def _resnet_rules(theirs: str, ours: str) -> Rules:
    stages = [
        (rf"{theirs}layer{n}\.(\d+)\.{part}(\d)\.(\w+)", rf"{ours}stages.{n - 1}.\1.{name}\2.\3")
        for n in (1, 2, 3, 4)
        for part, name in (("conv", "conv"), ("bn", "norm"), (r"downsample\.", "shortcut."))
    ]
    stem = [
        (rf"{theirs}conv1\.(\w+)", rf"{ours}stem.0.\1"),
        (rf"{theirs}bn1\.(\w+)", rf"{ours}stem.1.\1"),
    ]
    return [*stem, *stages]


RESNET: Rules = _resnet_rules("", "backbone.")
TORCHVISION: Rules = [
    *_resnet_rules(r"backbone\.body\.", "backbone."),
    (r"backbone\.fpn\.inner_blocks\.(\d)\.([01])\.(\w+)", r"fpn.laterals.\1.\2.\3"),
    (r"backbone\.fpn\.layer_blocks\.(\d)\.([01])\.(\w+)", r"fpn.outputs.\1.\2.\3"),
    # Files written before torchvision 0.13 have one level less.
    (r"backbone\.fpn\.inner_blocks\.(\d)\.(weight|bias)", r"fpn.laterals.\1.0.\2"),
    (r"backbone\.fpn\.layer_blocks\.(\d)\.(weight|bias)", r"fpn.outputs.\1.0.\2"),
    (r"rpn\.head\.conv\.0\.0\.(\w+)", r"rpn.conv.0.\1"),
    (r"rpn\.head\.conv\.1\.0\.(\w+)", r"rpn.conv.2.\1"),
    (r"rpn\.head\.conv\.(weight|bias)", r"rpn.conv.0.\1"),
    (r"rpn\.head\.cls_logits\.(\w+)", r"rpn.objectness.\1"),
    (r"rpn\.head\.bbox_pred\.(\w+)", r"rpn.deltas.\1"),
    (r"roi_heads\.box_head\.fc6\.(\w+)", r"box_head.fc1.\1"),
    (r"roi_heads\.box_head\.fc7\.(\w+)", r"box_head.fc2.\1"),
    (r"roi_heads\.box_head\.([0-3])\.0\.(\w+)", r"box_head.convs.\1.\2"),
    (r"roi_heads\.box_head\.([0-3])\.1\.(\w+)", r"box_head.norms.\1.\2"),
    (r"roi_heads\.box_head\.5\.(\w+)", r"box_head.fc1.\1"),
    (r"roi_heads\.box_predictor\.cls_score\.(\w+)", r"box_head.classes.\1"),
    (r"roi_heads\.box_predictor\.bbox_pred\.(\w+)", r"box_head.deltas.\1"),
    (r"roi_heads\.mask_head\.([0-3])\.0\.(\w+)", r"mask_head.convs.\1.\2"),
    (r"roi_heads\.mask_head\.([0-3])\.1\.(\w+)", r"mask_head.norms.\1.\2"),
    (r"roi_heads\.mask_predictor\.conv5_mask\.(\w+)", r"mask_head.upsample.\1"),
    (r"roi_heads\.mask_predictor\.mask_fcn_logits\.(\w+)", r"mask_head.logits.\1"),
    *(
        (rf"roi_heads\.mask_head\.mask_fcn{n}\.(\w+)", rf"mask_head.convs.{n - 1}.\1")
        for n in (1, 2, 3, 4)
    ),
]
_BOTTOM_UP = r"backbone\.bottom_up\."
DETECTRON2: Rules = [
    (rf"{_BOTTOM_UP}stem\.conv1\.(weight)", r"backbone.stem.0.\1"),
    (rf"{_BOTTOM_UP}stem\.conv1\.norm\.(\w+)", r"backbone.stem.1.\1"),
    *(
        (rf"{_BOTTOM_UP}res{n}\.(\d+)\.{theirs}", rf"backbone.stages.{n - 2}.\1.{ours}")
        for n in (2, 3, 4, 5)
        for theirs, ours in (
            (r"conv(\d)\.(weight)", r"conv\2.\3"),
            (r"conv(\d)\.norm\.(\w+)", r"norm\2.\3"),
            (r"shortcut\.(weight)", r"shortcut.0.\2"),
            (r"shortcut\.norm\.(\w+)", r"shortcut.1.\2"),
        )
    ),
    *(
        (rf"backbone\.fpn_{theirs}{n}\.(\w+)", rf"fpn.{ours}.{n - 2}.0.\1")
        for n in (2, 3, 4, 5)
        for theirs, ours in (("lateral", "laterals"), ("output", "outputs"))
    ),
    (r"proposal_generator\.rpn_head\.conv\.(\w+)", r"rpn.conv.0.\1"),
    (r"proposal_generator\.rpn_head\.objectness_logits\.(\w+)", r"rpn.objectness.\1"),
    (r"proposal_generator\.rpn_head\.anchor_deltas\.(\w+)", r"rpn.deltas.\1"),
    (r"roi_heads\.box_head\.(fc[12])\.(\w+)", r"box_head.\1.\2"),
    (r"roi_heads\.box_predictor\.cls_score\.(\w+)", r"box_head.classes.\1"),
    (r"roi_heads\.box_predictor\.bbox_pred\.(\w+)", r"box_head.deltas.\1"),
    (r"roi_heads\.mask_head\.deconv\.(\w+)", r"mask_head.upsample.\1"),
    (r"roi_heads\.mask_head\.predictor\.(\w+)", r"mask_head.logits.\1"),
    *(
        (rf"roi_heads\.mask_head\.mask_fcn{n}\.(\w+)", rf"mask_head.convs.{n - 1}.\1")
        for n in (1, 2, 3, 4)
    ),
]
_UNUSED = re.compile(
    r".*\.num_batches_tracked|fc\.(weight|bias)|pixel_(mean|std)"
    r"|proposal_generator\.anchor_generator\.cell_anchors\.\d"
)


def translate(state: Mapping[str, Tensor], rules: Rules) -> Translation:
    """Rename every weight by the first rule that fits its name."""
    result = Translation()
    for name, value in state.items():
        ours = next((m.expand(new) for old, new in rules if (m := re.fullmatch(old, name))), None)
        if _UNUSED.fullmatch(name):
            result.dropped.append(name)
        elif ours is None:
            result.refused.append(name)
        else:
            result.state[ours] = value
            if ours != name:
                result.renamed[name] = ours
    return result


def from_torchvision(state: Mapping[str, Tensor]) -> Translation:
    """Translate a Mask R-CNN of torchvision, of either edition.

    Its boxes and masks have rows for the background, which are never used. COCO's heads have a row
    for every id up to 90; of those, 80 are categories.
    """
    result = translate(state, TORCHVISION)
    rows = len(state["roi_heads.box_predictor.cls_score.bias"])
    labels = list(COCO_IDS) if rows == _TORCHVISION_COCO_ROWS else list(range(1, rows))
    reason = f"{len(labels)} categories of {rows} rows"
    _pick_rows(result, "box_head.classes", lambda value: value[[0, *labels]], reason)
    _pick_rows(result, "box_head.deltas", partial(_pick_blocks, labels), reason)
    _pick_rows(result, "mask_head.logits", lambda value: value[labels], reason)
    return result


def from_detectron2(state: Mapping[str, Tensor]) -> Translation:
    """Translate a Mask R-CNN of detectron2, whose scores have the background last."""
    result = translate(state, DETECTRON2)
    reason = "the background moved from the last row to the first"
    _pick_rows(result, "box_head.classes", lambda value: value.roll(1, dims=0), reason)
    return result


def from_resnet(state: Mapping[str, Tensor]) -> Translation:
    """Translate an ImageNet classifier of torchvision into a backbone."""
    return translate(state, RESNET)


def _pick_rows(
    result: Translation, layer: str, pick: Callable[[Tensor], Tensor], reason: str
) -> None:
    for name in (f"{layer}.weight", f"{layer}.bias"):
        if name in result.state:
            result.state[name] = pick(result.state[name])
            result.reheaded[name] = reason


def _pick_blocks(labels: list[int], rows: Tensor) -> Tensor:
    """Return the four rows of every label."""
    return rows.unflatten(0, (-1, 4))[labels].flatten(0, 1)
