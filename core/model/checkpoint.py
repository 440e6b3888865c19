"""Weights (safetensors) and the model card (JSON) on disk; nothing is ever unpickled."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from core.files import write_atomically
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN

WEIGHTS_NAME = "model.safetensors"
CARD_NAME = "card.json"
_AGNOSTIC = "object"  # the category of a model that knows no categories


class ModelFileError(Exception):
    """A model file is missing, damaged or of another kind; the message says which and why."""


def save_model(folder: Path, model: MaskRCNN, card: dict[str, Any], *, half: bool = False) -> None:
    """Write the weights with their config, and the card beside them, each atomically.

    Args:
        folder: made when missing.
        model: on any device.
        card: what people should know of the model; values that JSON can hold.
        half: write the weights of layers, but neither biases nor norms, as float16: half the size,
            for models that are passed on. They are read as float32 all the same.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    if half:
        state = {n: v.half() if v.ndim > 1 else v for n, v in state.items()}
    metadata = {"config": json.dumps(model.config.to_dict())}
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    # Not save_file: its files can be read by their owner alone, whatever the umask.
    write_atomically(folder / WEIGHTS_NAME, save(state, metadata))
    write_atomically(folder / CARD_NAME, text)


def load_model(path: Path) -> tuple[MaskRCNN, dict[str, Any]]:
    """Read a model on the CPU, in evaluation mode, and its card.

    Args:
        path: a folder that `save_model` wrote, or a .safetensors file (its card is then empty).

    Raises:
        ModelFileError: the file is missing, truncated, damaged, or no model of ours.
    """
    if not path.is_dir():
        return _read_weights(path), {}
    return _read_weights(path / WEIGHTS_NAME), _read_card(path / CARD_NAME)


def read_config(path: Path) -> MaskRCNNConfig:
    """Read what a model is, without its weights.

    Args:
        path: a folder that `save_model` wrote, or a .safetensors file.

    Raises:
        ModelFileError: the file is missing, damaged, or no model of ours.
    """
    file = path / WEIGHTS_NAME if path.is_dir() else path
    if not file.is_file():
        raise ModelFileError(f"{file}: no such model file")
    try:
        with safe_open(file, framework="pt") as weights:
            return _parse_config(file, weights.metadata())
    except (SafetensorError, OSError) as error:
        raise ModelFileError(
            f"{file}: truncated, damaged or no safetensors file: {error}"
        ) from error


def with_categories(
    model: MaskRCNN, categories: tuple[str, ...], renamed: Mapping[str, str] = MappingProxyType({})
) -> MaskRCNN:
    """Return a new model for other categories that keeps every weight that fits.

    Rows of categories that stay are copied, so their scores keep their proportions to each other
    and to the background. New categories start as copies of the class-agnostic "object", or where
    the model has none as the mean of all that it knows, each with an equal part of the probability.

    Args:
        model: stays as it is.
        categories: of the new model, in their order.
        renamed: the name in the model for each name in `categories` that is another there.
    """
    old = model.config
    adapted = MaskRCNN(replace(old, categories=categories))
    names = [renamed.get(name, name) for name in categories]
    sources = [_sources(old.categories, name) for name in names]
    state = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}
    for layer, extra, height in _category_layers(old):
        for name in (f"{layer}.weight", f"{layer}.bias"):
            state[name] = _pick_rows(state[name], sources, extra, height)
    seeded = [1 + i for i, name in enumerate(names) if name not in old.categories]
    if seeded:
        state["box_head.classes.bias"][seeded] -= math.log(len(seeded))
    adapted.load_state_dict(state, strict=True)
    return adapted.to(next(model.parameters()).device).train(model.training)


def _category_layers(config: MaskRCNNConfig) -> list[tuple[str, int, int]]:
    """Return the layers with rows for categories: name, rows before them, rows per category."""
    layers = [("box_head.classes", 1, 1)]
    if not config.class_agnostic_box:
        layers.append(("box_head.deltas", 0, 4))
    if not config.class_agnostic_mask:
        layers.append(("mask_head.logits", 0, 1))
    return layers


def _sources(known: Sequence[str], name: str) -> list[int]:
    """Return the old categories whose mean a category starts from."""
    for start in (name, _AGNOSTIC):
        if start in known:
            return [known.index(start)]
    return list(range(len(known)))


def _pick_rows(old: Tensor, sources: Sequence[Sequence[int]], extra: int, height: int) -> Tensor:
    """Put the mean of every category's sources, `height` rows each, behind `extra` old rows."""
    known = old[extra:].unflatten(0, (-1, height))  # [categories, height, ...]
    picked = [known[list(source)].mean(dim=0) for source in sources]
    return torch.cat((old[:extra], *picked))


def _read_weights(path: Path) -> MaskRCNN:
    if not path.is_file():
        raise ModelFileError(f"{path}: no such model file")
    try:
        with safe_open(path, framework="pt") as file:
            config = _parse_config(path, file.metadata())
            model = MaskRCNN(config)
            model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelFileError(
            f"{path}: truncated, damaged or no safetensors file: {error}"
        ) from error
    except RuntimeError as error:
        raise ModelFileError(f"{path}: the weights do not fit their config: {error}") from error
    return model.eval()


def _parse_config(path: Path, metadata: dict[str, str] | None) -> MaskRCNNConfig:
    if "config" not in (metadata or {}):
        raise ModelFileError(f"{path}: no model of this program: its metadata has no config")
    try:
        return MaskRCNNConfig.from_dict(json.loads((metadata or {})["config"]))
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path}: its config cannot be used: {error}") from error


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{path}: the model card cannot be read: {error}") from error
    if not isinstance(card, dict):
        raise ModelFileError(f"{path}: expected a JSON object, got {type(card).__name__}")
    return card
