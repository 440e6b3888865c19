"""Looking for what is wrong with a project; nothing is repaired."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from core.images import ImageReadError, read_info
from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.checkup import damages, unreadable_annotations
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import DamagedProjectError, StorageError
from mrcnn_gui.project.image_table import ImageTable
from mrcnn_gui.project.model_versions import CARD_FILE, WEIGHTS_FILE
from mrcnn_gui.project.opening import DATABASE_FILE, open_database
from mrcnn_gui.project.paths import full_path
from mrcnn_gui.project.suggestions import SUGGESTIONS_FILE
from mrcnn_gui.workflows.models import MODELS_FOLDER
from mrcnn_gui.workflows.progress import Count, ignore_count


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: with which file or image of the project, and what."""

    about: str
    problem: str


def examine(folder: Path, *, on_progress: Count = ignore_count) -> Iterator[Finding]:
    """Check the databases, the annotations, the images and the model versions of a project.

    Args:
        folder: The project folder; read only, so that a window may have it open.
        on_progress: Gets the number of images looked at, and of all.

    Raises:
        ProjectError: It is no project, or one of another version of the program.
    """
    try:
        with closing(open_database(folder, read_only=True)) as database, database.frozen():
            yield from _in_database(database, folder, on_progress)
    except DamagedProjectError as error:
        yield Finding(DATABASE_FILE, str(error))
    yield from _in_suggestions(folder / SUGGESTIONS_FILE)
    yield from _in_models(folder / MODELS_FOLDER)


def _in_database(database: Database, folder: Path, on_progress: Count) -> Iterator[Finding]:
    for damage in damages(database):
        yield Finding(DATABASE_FILE, damage)
    images = ImageTable(database, folder).all()
    for done, entry in enumerate(images, start=1):
        problem = _image_problem(entry, full_path(entry.path, folder))
        if problem:
            yield Finding(entry.path, problem)
        for unreadable in unreadable_annotations(database, entry):
            yield Finding(entry.path, unreadable)
        on_progress(done, len(images))


def _image_problem(entry: ImageEntry, path: Path) -> str:
    """Why the file of an image is not what the project knows; "" when it is."""
    if not path.is_file():
        return f"the image is missing: expected {path}"
    try:
        info = read_info(path)
    except (ImageReadError, OSError) as error:
        return str(error)
    known, found = (entry.width, entry.height), (info.width, info.height)
    if entry.width and known != found:
        return (
            f"the image has changed: expected {known[0]} x {known[1]}, got {found[0]} x {found[1]}"
        )
    return ""


def _in_suggestions(path: Path) -> Iterator[Finding]:
    if not path.is_file():
        return
    try:
        with closing(Database(path, read_only=True)) as database:
            found = list(damages(database))
    except StorageError as error:
        found = [str(error)]
    for damage in found:
        yield Finding(SUGGESTIONS_FILE, f"{damage}; it holds suggestions only and may be deleted")


def _in_models(models: Path) -> Iterator[Finding]:
    folders = models.iterdir() if models.is_dir() else ()
    for folder in sorted(each for each in folders if re.fullmatch(r"v\d+", each.name)):
        for check in (_weights_problem, _card_problem):
            problem = check(folder)
            if problem:
                yield Finding(f"{MODELS_FOLDER}/{folder.name}", problem)


def _weights_problem(folder: Path) -> str:
    """Reads the header, which tells how long the file must be; torch is not needed."""
    try:
        with safe_open(folder / WEIGHTS_FILE, framework="np"):
            return ""
    except (OSError, SafetensorError) as error:
        return f"{WEIGHTS_FILE} cannot be read: {error}"


def _card_problem(folder: Path) -> str:
    try:
        card = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"{CARD_FILE} cannot be read: {error}"
    return "" if isinstance(card, dict) else f"{CARD_FILE} is no JSON object"
