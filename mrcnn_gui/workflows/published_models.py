"""Published weights as a model version of a project."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from core.download import DownloadError
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.workflows.models import MODELS_FOLDER, project_models
from mrcnn_gui.workflows.progress import ShouldStop, never_stop

if TYPE_CHECKING:
    from core.model.catalogue import PublishedWeights
    from core.model.mask_rcnn import MaskRCNN


@dataclass(frozen=True)
class AddedModel:
    """A new version, and what became of the weights of its file, for people."""

    version: str
    report: str


def add_published(
    folder: Path,
    weights: "PublishedWeights",
    *,
    on_progress: Callable[[int, int | None], None] = lambda _done, _total: None,
    should_stop: ShouldStop = never_stop,
) -> AddedModel | None:
    """Download weights of the catalogue, where they are not there yet, and add them to a project.

    Args:
        folder: Project folder.
        weights: What to get.
        on_progress: Told the bytes so far, and all of them where the server says how many.
        should_stop: Asked between pieces, and before the version is published; what has arrived is
            kept for the next time.

    Returns:
        The version; None when stopped.

    Raises:
        ProjectError: The file cannot be had, or cannot be used.
    """
    from core.model.catalogue import fetch

    try:
        file = fetch(weights, on_progress=on_progress, should_stop=should_stop)
    except (DownloadError, OSError) as error:
        raise ProjectError(str(error)) from error
    if file is None:
        return None
    facts = {"title": weights.title, "address": weights.url, "licence": weights.licence}
    return add_checkpoint(folder, file, facts, should_stop=should_stop)


def add_checkpoint(
    folder: Path,
    file: Path,
    facts: dict[str, str] | None = None,
    *,
    should_stop: ShouldStop = never_stop,
) -> AddedModel | None:
    """Add a checkpoint of torchvision (.pth) or detectron2 (.pkl) to a project.

    Args:
        folder: Project folder.
        file: The checkpoint; nothing in it is executed.
        facts: What the version's card says of where it comes from.
        should_stop: Asked before the version is published.

    Returns:
        The version; None when stopped.

    Raises:
        ProjectError: It is none of those, is damaged, or the project cannot be written.
    """
    from core.model.pretrained import PretrainedError, read_pretrained

    try:
        model, report = read_pretrained(file)
    except (PretrainedError, OSError) as error:
        raise ProjectError(str(error)) from error
    card = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": facts or {"title": file.name},
        "loaded": str(report),
    }
    version = publish_model(folder, model, card, should_stop)
    return None if version is None else AddedModel(version.id, str(report))


def publish_model(
    folder: Path, model: "MaskRCNN", card: dict[str, Any], should_stop: ShouldStop
) -> ModelVersion | None:
    """Make a model that was taken in the next version of a project.

    Args:
        folder: Project folder.
        model: What to save.
        card: What is known of it.
        should_stop: Asked once all is written, before the version has its name.

    Returns:
        The version; None when stopped.

    Raises:
        ProjectError: The project cannot be written.
    """
    from core.model.checkpoint import save_model

    models = folder / MODELS_FOLDER
    try:
        models.mkdir(exist_ok=True)
        staging = Path(mkdtemp(prefix=".incoming-", dir=models))
        try:
            staging.chmod(0o755)
            save_model(staging, model, card)
            return None if should_stop() else project_models(folder).publish(staging)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise ProjectError(f"{models} cannot be written: {error.strerror or error}") from error
