"""Published checkpoints, of torchvision and of detectron2, as models of ours.

Loading is strict: every weight finds its place and every place gets its weight, or nothing is
loaded and the message says what did not fit. The report says what became of each.
"""

import logging
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.model.checkpoint import ModelFileError, load_model
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN
from core.model.presets import (
    DETECTRON2_R50,
    DETECTRON2_R101,
    TORCHVISION_V1,
    TORCHVISION_V2,
    resnet_imagenet,
)
from core.model.published_names import (
    Translation,
    from_detectron2,
    from_resnet,
    from_torchvision,
)
from core.model.restricted_pickle import load_arrays

logger = logging.getLogger(__name__)

PUBLISHED_SUFFIXES = (".pth", ".pt", ".pkl")
_SHOWN = 8  # names that a message lists at most
_DAMAGED = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
)
# Blocks of layer3 and the kind of block tell torchvision's ResNets apart.
_RESNETS = {
    (2, False): "resnet18",
    (6, False): "resnet34",
    (6, True): "resnet50",
    (23, True): "resnet101",
}


class PretrainedError(ModelFileError):
    """A checkpoint cannot be read or does not fit; the message says which part and why."""


@dataclass(frozen=True)
class LoadReport:
    """What became of the weights of a checkpoint.

    Attributes:
        source: what the checkpoint is.
        loaded: our names of the weights that were set.
        renamed: their name and ours, where they differ.
        reheaded: our names of the weights whose rows were picked or reordered, with the reason.
        dropped: their names of what is of no use here: counters, constants, classifiers.
        new: our names of the weights that the checkpoint has none for; they are random.
    """

    source: str
    loaded: tuple[str, ...]
    renamed: Mapping[str, str]
    reheaded: Mapping[str, str]
    dropped: tuple[str, ...]
    new: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.source}: {len(self.loaded)} weights loaded, {len(self.renamed)} of them renamed"
        ]
        if self.renamed:
            pairs = [f"{theirs} to {ours}" for theirs, ours in self.renamed.items()]
            lines.append(f"renamed: {_listed(pairs, 2)}")
        lines += [f"re-headed {name}: {reason}" for name, reason in self.reheaded.items()]
        if self.dropped:
            lines.append(f"not used: {_listed(self.dropped)}")
        if self.new:
            lines.append(f"random, to be trained: {_listed(self.new)}")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Kind:
    """One kind of checkpoint: its settings and the translation of its state."""

    source: str
    config: MaskRCNNConfig
    translation: Translation


def load_any(path: Path) -> MaskRCNN:
    """Read a model of ours, or a published checkpoint, on the CPU; log what became of the weights.

    Args:
        path: a folder or .safetensors file of this program, or what `read_pretrained` reads.

    Raises:
        ModelFileError: the file is missing, damaged, or of no known kind.
    """
    if path.suffix not in PUBLISHED_SUFFIXES or path.is_dir():
        return load_model(path)[0]
    model, report = read_pretrained(path)
    logger.info("%s", report)
    return model


def read_pretrained(
    path: Path, categories: tuple[str, ...] | None = None
) -> tuple[MaskRCNN, LoadReport]:
    """Read a checkpoint of torchvision (.pth) or detectron2 (.pkl); nothing in it is executed.

    Known are Mask R-CNN with ResNet-50 and FPN of torchvision (both editions, also under the names
    of old files), with ResNet-50 or 101 and FPN of detectron2, and torchvision's ResNets trained
    on ImageNet, whose model gets new heads.

    Args:
        path: the file.
        categories: names of its categories in their order; None takes COCO's, or numbers where
            there are not 80.

    Returns:
        The model on the CPU, in evaluation mode, and what became of the weights.

    Raises:
        PretrainedError: the file cannot be read, is of no known kind, or does not fit.
    """
    state = _read_state(path)
    try:
        kind = _recognise(path, state)
        rows = len(kind.translation.state.get("box_head.classes.bias", [None] * 2)) - 1
    except _DAMAGED as error:  # the rows of its heads are missing or do not go together
        raise PretrainedError(f"{path.name} is damaged: {error}") from error
    names = categories or _names(kind.config, rows)
    try:
        model = MaskRCNN(replace(kind.config, categories=names))
    except ValueError as error:
        raise PretrainedError(f"{path.name}: {error}") from error
    return model.eval(), _load(path, model, kind)


def _names(config: MaskRCNNConfig, rows: int) -> tuple[str, ...]:
    if rows == len(config.categories):
        return config.categories
    return tuple(f"category {number}" for number in range(1, rows + 1))


def _read_state(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".pkl":
            content = load_arrays(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise PretrainedError(f"{path.name} cannot be read: {error}") from error
    except _DAMAGED as error:
        raise PretrainedError(f"{path.name} is damaged, or holds more than weights: {error}") from (
            error
        )
    for key in ("model", "state_dict"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict):
        raise PretrainedError(
            f"{path.name}: expected weights by name, got {type(content).__name__}"
        )
    return {str(name): _tensor(path, str(name), value) for name, value in content.items()}


def _tensor(path: Path, name: str, value: Any) -> Tensor:
    if isinstance(value, np.ndarray) and value.dtype.kind in "fi" and value.dtype.itemsize <= 8:
        return torch.from_numpy(value.astype(value.dtype.newbyteorder("="), copy=True))
    if isinstance(value, Tensor) and value.layout == torch.strided and not value.is_complex():
        return value
    kind = f"a {value.dtype} tensor" if isinstance(value, Tensor) else type(value).__name__
    raise PretrainedError(f"{path.name}: expected plain numbers for {name}, got {kind}")


def _recognise(path: Path, state: Mapping[str, Tensor]) -> _Kind:
    if "roi_heads.box_head.fc6.weight" in state:
        source = "torchvision Mask R-CNN ResNet-50 FPN"
        return _Kind(source, TORCHVISION_V1, from_torchvision(state))
    if "roi_heads.box_head.0.0.weight" in state:
        source = "torchvision Mask R-CNN ResNet-50 FPN, second edition"
        return _Kind(source, TORCHVISION_V2, from_torchvision(state))
    if "backbone.bottom_up.stem.conv1.weight" in state:
        deep = "backbone.bottom_up.res4.22.conv1.weight" in state
        source = f"detectron2 Mask R-CNN ResNet-{101 if deep else 50} FPN"
        return _Kind(source, DETECTRON2_R101 if deep else DETECTRON2_R50, from_detectron2(state))
    blocks = sum(f"layer3.{i}.conv1.weight" in state for i in range(23))
    name = _RESNETS.get((blocks, "layer1.0.conv3.weight" in state))
    if name is None:
        raise PretrainedError(
            f"{path.name} is of no known kind: expected a Mask R-CNN with FPN of torchvision or "
            f"detectron2, or a ResNet of torchvision; it begins with {_listed(list(state)[:3])}"
        )
    source = f"torchvision {name} (ImageNet)"
    return _Kind(source, resnet_imagenet(name), from_resnet(state))


def _load(path: Path, model: MaskRCNN, kind: _Kind) -> LoadReport:
    translation, places = kind.translation, model.state_dict()
    whole = "box_head.classes.weight" in translation.state
    missing = [name for name in places if name not in translation.state]
    new = [] if whole else [name for name in missing if not name.startswith("backbone.")]
    problems = [
        *(f"no place for {name}" for name in translation.refused),
        *(f"no place for {name}" for name in translation.state if name not in places),
        *(f"{name} is missing" for name in missing if name not in new),
        *(
            f"{name}: expected the shape {tuple(places[name].shape)}, got {tuple(value.shape)}"
            for name, value in translation.state.items()
            if name in places and value.shape != places[name].shape
        ),
    ]
    if problems:
        raise PretrainedError(
            f"{path.name} is no complete {kind.source}; refused: {_listed(problems)}"
        )
    model.load_state_dict({**places, **translation.state}, strict=True)
    return LoadReport(
        source=kind.source,
        loaded=tuple(translation.state),
        renamed=translation.renamed,
        reheaded=translation.reheaded,
        dropped=tuple(translation.dropped),
        new=tuple(new),
    )


def _listed(names: list[str] | tuple[str, ...], shown: int = _SHOWN) -> str:
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return "; ".join(names[:shown]) + more
