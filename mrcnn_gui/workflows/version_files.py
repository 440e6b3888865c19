"""Model versions as files of their own, to be given away and taken in."""

import importlib.util
import json
import shutil
from pathlib import Path

from core.files import atomic_path, write_atomically
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import WEIGHTS_FILE
from mrcnn_gui.workflows.known_names import IDS
from mrcnn_gui.workflows.models import project_models
from mrcnn_gui.workflows.progress import ShouldStop, never_stop
from mrcnn_gui.workflows.published_models import AddedModel, add_checkpoint, publish_model

SUFFIX, ONNX_SUFFIX = ".safetensors", ".onnx"
_CARD_SUFFIX = ".card.json"


def export_version(folder: Path, version_id: str, out: Path) -> Path:
    """Write the weights of a version, with their config, and its card beside them.

    Args:
        folder: Project folder.
        version_id: "starter", or "v1", "v2", …
        out: The file to write; its card is named after it. Existing files are replaced.

    Returns:
        Where the card lies.

    Raises:
        ProjectError: There is no such version, or the files cannot be written.
    """
    version = project_models(folder).get(version_id)
    card = out.with_name(out.name.removesuffix(SUFFIX) + _CARD_SUFFIX)
    try:
        with atomic_path(out) as temporary:
            shutil.copyfile(version.folder / WEIGHTS_FILE, temporary)
        text = json.dumps(version.card | {"version": version_id}, indent=2, ensure_ascii=False)
        write_atomically(card, f"{text}\n")
    except OSError as error:
        raise ProjectError(f"{out} cannot be written: {error.strerror or error}") from error
    return card


def missing_for_onnx() -> str:
    """What is not installed that an export as ONNX needs, for people; "" when all is there."""
    if importlib.util.find_spec("onnx") is None:
        return "the package onnx is not installed: pip install onnx"
    return ""


def export_version_onnx(folder: Path, version_id: str, out: Path) -> list[Path]:
    """Write the parts of a version whose shapes are fixed as ONNX, and its card beside them.

    Args:
        folder: Project folder.
        version_id: "starter", or "v1", "v2", …
        out: Names the files: `NAME.onnx` gives NAME.pyramid.onnx, NAME.box.onnx, NAME.mask.onnx.

    Raises:
        ProjectError: There is no such version, a package is missing, the files cannot be written,
            or one of them computes something else than the model.
    """
    from core.model.checkpoint import ModelFileError, load_model
    from core.model.onnx_parts import OnnxError, export_onnx

    if missing := missing_for_onnx():
        raise ProjectError(missing)
    version = project_models(folder).get(version_id)
    name = out.name.removesuffix(ONNX_SUFFIX)
    try:
        model, _ = load_model(version.folder)
        parts = export_onnx(model, out.parent, name)
        card = version.card | {"version": version_id, "model": model.config.to_dict()}
        text = json.dumps(card, indent=2, ensure_ascii=False)
        write_atomically(out.with_name(name + _CARD_SUFFIX), f"{text}\n")
    except (OnnxError, ModelFileError) as error:
        raise ProjectError(str(error)) from error
    except OSError as error:
        raise ProjectError(f"{out} cannot be written: {error.strerror or error}") from error
    return [part.path for part in parts]


def import_version(
    folder: Path, file: Path, *, should_stop: ShouldStop = never_stop
) -> AddedModel | None:
    """Take a model's file in as the next version of a project.

    Args:
        folder: Project folder.
        file: What `export_version` wrote, with or without its card; or a checkpoint of torchvision
            (.pth) or detectron2 (.pkl), of which nothing is executed.
        should_stop: Asked before the version is published.

    Returns:
        The version; None when stopped.

    Raises:
        ProjectError: It is none of those, is damaged, or the project cannot be written.
    """
    if file.suffix.lower() != SUFFIX:
        return add_checkpoint(folder, file, should_stop=should_stop)
    from core.model.checkpoint import ModelFileError, load_model

    try:
        model, _ = load_model(file)
    except ModelFileError as error:
        raise ProjectError(str(error)) from error
    version = publish_model(folder, model, _card_beside(file), should_stop)
    if version is None:
        return None
    categories = ", ".join(model.config.categories)
    return AddedModel(version.id, f"It knows: {categories}.")


def _card_beside(file: Path) -> dict[str, object]:
    """The card that was exported with a model; what it says of another project is left out."""
    path = file.with_name(file.name.removesuffix(file.suffix) + _CARD_SUFFIX)
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        card = {}
    kept = card if isinstance(card, dict) else {}
    foreign = {"parent", "run", "version", "verdict", "reason", IDS}
    facts = {key: value for key, value in kept.items() if key not in foreign}
    return facts | {"source": {"title": file.name}}
