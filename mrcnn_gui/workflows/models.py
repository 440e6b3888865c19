"""Which model a flow runs: a version of the project, the starter, or a file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import STARTER_VERSION, ModelVersions
from mrcnn_gui.project.store import Store
from mrcnn_gui.resources import STARTER, resource

if TYPE_CHECKING:
    from core.model.config import MaskRCNNConfig
    from core.predictor import Predictor

ACTIVE_MODEL = "active_model"
"""The project's setting that holds the id of the version in use."""

MODELS_FOLDER = "models"


def project_models(folder: Path | None) -> ModelVersions:
    """The starter, and the versions of the project in a folder."""
    try:
        starter: Path | None = resource(STARTER)
    except FileNotFoundError:
        starter = None
    return ModelVersions(folder / MODELS_FOLDER if folder else None, starter)


def resolve_model(folder: Path | None, name: str | None) -> tuple[str, Path]:
    """Find a model by what a person calls it.

    Args:
        folder: Project folder, or None.
        name: "starter", the id of a version, or the path of a model's file or folder; None is the
            project's active version, without a project the starter.

    Returns:
        What the model is called in provenance, and where it lies.

    Raises:
        ProjectError: There is no such model.
    """
    wanted = _active(folder) if name is None else name
    versions = {version.id: version.folder for version in project_models(folder).list()}
    if wanted in versions:
        return wanted, versions[wanted]
    if name is not None and Path(name).exists():
        path = Path(name).resolve()
        own = path.stem == STARTER_VERSION or re.fullmatch(r"v\d+", path.stem)
        return str(path) if own else path.stem, path  # no version of this project, nor a later one
    there = ", ".join(versions) or "none"
    raise ProjectError(f"there is no model version or file {wanted!r}; versions: {there}")


@dataclass(frozen=True)
class Compute:
    """What a model is to compute with.

    Attributes:
        device: "auto", "cpu" or "cuda".
        precision: "auto" (measured once on every machine), "bf16" or "fp32".
    """

    device: str = "auto"
    precision: str = "auto"


AUTOMATIC = Compute()


def load_predictor(path: Path, compute: Compute = AUTOMATIC) -> "Predictor":
    """Load a model for inference.

    Args:
        path: A model's folder or file.
        compute: Device and precision.

    Raises:
        ProjectError: The file is missing, damaged or no model of ours, or there is no such device.
    """
    import torch

    from core.model.checkpoint import ModelFileError
    from core.predictor import Predictor

    if compute.device == "cuda" and not torch.cuda.is_available():
        raise ProjectError("the device 'cuda' was asked for, but torch finds no CUDA GPU here")
    try:
        kept = platformdirs.user_cache_path("mrcnn-gui") / "precision.json"
        return Predictor.load(path, device=compute.device, precision=compute.precision, kept=kept)
    except ModelFileError as error:
        raise ProjectError(str(error)) from error


def load_judged(path: Path, device: str) -> "Predictor":
    """Load a model whose figures are to be compared with those of others.

    Args:
        path: A model's folder or file.
        device: As of a `Compute`.

    Raises:
        ProjectError: As for `load_predictor`.
    """
    from core.learning.evaluate import judging_precision

    return load_predictor(path, Compute(device, judging_precision(device)))


def model_image_size(path: Path) -> int:
    """Long side in pixels that a model works at.

    Raises:
        ProjectError: The file is missing, damaged or no model of ours.
    """
    return _read_config(path).image_size


def model_categories(path: Path) -> tuple[str, ...]:
    """The categories that a model knows.

    Raises:
        ProjectError: The file is missing, damaged or no model of ours.
    """
    return _read_config(path).categories


def _read_config(path: Path) -> "MaskRCNNConfig":
    from core.model.checkpoint import ModelFileError, read_config

    try:
        return read_config(path)
    except ModelFileError as error:
        raise ProjectError(str(error)) from error


def _active(folder: Path | None) -> str:
    if folder is None:
        return STARTER_VERSION
    with Store.open(folder, read_only=True) as store:
        return store.setting(ACTIVE_MODEL, STARTER_VERSION)
