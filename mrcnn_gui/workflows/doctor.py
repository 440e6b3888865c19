"""Looking for what is wrong with a project; `repair` puts it right."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from core.images import ImageReadError, content_hash, read_info
from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.checkup import damages, log_problems, unreadable_annotations
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import DamagedProjectError, StorageError
from mrcnn_gui.project.image_table import ImageTable
from mrcnn_gui.project.mending import UNFINISHED_REPAIR
from mrcnn_gui.project.model_versions import CARD_FILE, WEIGHTS_FILE
from mrcnn_gui.project.opening import DATABASE_FILE, open_database
from mrcnn_gui.project.paths import full_path
from mrcnn_gui.project.suggestions import SUGGESTIONS_FILE
from mrcnn_gui.workflows.models import ACTIVE_MODEL, MODELS_FOLDER
from mrcnn_gui.workflows.progress import Count, ignore_count

_VERSION = r"v\d+"


@dataclass(frozen=True)
class Finding:
    """Something that is wrong.

    Attributes:
        about: With which file or image of the project.
        problem: What.
        kind: "database", "annotation", "history", "suggestions", "model" and "changed file" can be
            repaired; "file" cannot.
    """

    about: str
    problem: str
    kind: str = "database"

    @property
    def repairable(self) -> bool:
        """Whether `repair` does something about it."""
        return self.kind != "file"


def examine(
    folder: Path, *, deep: bool = False, on_progress: Count = ignore_count
) -> Iterator[Finding]:
    """Check the databases, annotations, histories, images and model versions of a project.

    Args:
        folder: The project folder; read only, so that a window may have it open.
        deep: Also read every image file and compare its hash: 100,000 photos take an hour or so.
            Otherwise only those that were written to since they were hashed, and their size in
            bytes has to tell.
        on_progress: Gets the number of images looked at, and of all.

    Raises:
        ProjectError: It is no project, or one of another version of the program.
    """
    try:
        with closing(open_database(folder, read_only=True)) as database, database.frozen():
            yield from _in_database(database, folder, deep, on_progress)
    except DamagedProjectError as error:
        yield Finding(DATABASE_FILE, str(error))
    yield from _in_suggestions(folder / SUGGESTIONS_FILE)
    yield from _in_models(folder / MODELS_FOLDER)


def _in_database(
    database: Database, folder: Path, deep: bool, on_progress: Count
) -> Iterator[Finding]:
    for damage in damages(database):
        yield Finding(DATABASE_FILE, damage)
    yield from _in_settings(database, folder)
    images = ImageTable(database, folder).all()
    for done, entry in enumerate(images, start=1):
        yield from _in_file(entry, full_path(entry.path, folder), deep)
        for unreadable in unreadable_annotations(database, entry):
            yield Finding(entry.path, unreadable, "annotation")
        for broken in log_problems(database, entry.id):
            yield Finding(entry.path, broken, "history")
        on_progress(done, len(images))


def _in_settings(database: Database, folder: Path) -> Iterator[Finding]:
    if database.execute("SELECT 1 FROM settings WHERE key = ?", (UNFINISHED_REPAIR,)):
        yield Finding(DATABASE_FILE, "a repair was interrupted before it had filled all gaps")
    for name in missing_version(database, folder):
        yield Finding(DATABASE_FILE, f"the model version in use, {name}, is not there")


def missing_version(database: Database, folder: Path) -> Iterator[str]:
    """The version in use, where it has no weights."""
    rows = database.execute("SELECT value FROM settings WHERE key = ?", (ACTIVE_MODEL,))
    for (name,) in rows:
        weights = folder / MODELS_FOLDER / name / WEIGHTS_FILE
        if re.fullmatch(_VERSION, name) and not weights.is_file():
            yield name


def _in_file(entry: ImageEntry, path: Path, deep: bool) -> Iterator[Finding]:
    """Why the file of an image is not what the project knows; nothing when it is."""
    if not path.is_file():
        missing = f"the image is missing: expected {path}; find it with: mrcnn-gui relink"
        yield Finding(entry.path, missing, "file")
        return
    try:
        info = read_info(path)
        yield from _changes(entry, (info.width, info.height), path, deep)
    except (ImageReadError, OSError) as error:
        yield Finding(entry.path, str(error), "file")


def _changes(
    entry: ImageEntry, found: tuple[int, int], path: Path, deep: bool
) -> Iterator[Finding]:
    known, state = (entry.width, entry.height), path.stat()
    size, is_touched = state.st_size, entry.modified_ns not in (0, state.st_mtime_ns)
    if entry.width and known != found:
        problem = f"expected {known[0]} x {known[1]}, got {found[0]} x {found[1]}"
        yield Finding(entry.path, f"the image has changed: {problem}", "file")
    elif entry.file_size not in (0, size):
        problem = f"expected {entry.file_size} bytes, got {size}"
        yield Finding(entry.path, f"the file has changed: {problem}", "changed file")
    elif (deep or is_touched) and entry.content_hash not in ("", content_hash(path)):
        yield Finding(entry.path, "the file has changed: it has another hash", "changed file")


def _in_suggestions(path: Path) -> Iterator[Finding]:
    if not path.is_file():
        return
    try:
        with closing(Database(path, read_only=True)) as database:
            found = list(damages(database))
    except StorageError as error:
        found = [str(error)]
    for damage in found:
        yield Finding(
            SUGGESTIONS_FILE,
            f"{damage}; it holds suggestions only and may be deleted",
            "suggestions",
        )


def _in_models(models: Path) -> Iterator[Finding]:
    folders = models.iterdir() if models.is_dir() else ()
    for folder in sorted(each for each in folders if re.fullmatch(_VERSION, each.name)):
        for check in (_weights_problem, _card_problem):
            problem = check(folder)
            if problem:
                yield Finding(f"{MODELS_FOLDER}/{folder.name}", problem, "model")


def _weights_problem(folder: Path) -> str:
    """Reads the header, which tells how long the file must be; torch is not needed.

    A version whose card is alone was deleted: the card keeps its name from being given again.
    """
    if (folder / CARD_FILE).exists() and not (folder / WEIGHTS_FILE).exists():
        return ""
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
