"""Making and opening a project folder's database."""

import os
from pathlib import Path

from core.files import atomic_path
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import NotAProjectError, NotWritableError, ProjectError
from mrcnn_gui.project.lock import ProjectLock
from mrcnn_gui.project.schema import (
    MIGRATIONS,
    apply_step,
    check_not_newer,
    migrate,
    version_of,
)

PROJECT_FOLDER = ".mrcnn"
DATABASE_FILE = "project.db"


def find_project(path: Path) -> Path | None:
    """The project folder at `path`, or in it under the name .mrcnn; None when there is none."""
    for folder in (path, path / PROJECT_FOLDER):
        if (folder / DATABASE_FILE).is_file():
            return folder
    return None


def make_database(folder: Path) -> None:
    """Write an empty project into a folder that someone holds the lock of."""
    path = folder / DATABASE_FILE
    if path.exists():
        raise FileExistsError(f"there is a project in {folder} already")
    with atomic_path(path) as temporary:
        database = Database(temporary, create=True)
        try:
            for number, step in enumerate(MIGRATIONS, start=1):
                apply_step(database, step, number)
        finally:
            database.close()


def take_lock(folder: Path) -> ProjectLock:
    """The right to write in a project folder.

    Raises:
        NotWritableError: Another window has it, or the folder cannot be written to.
    """
    try:
        return ProjectLock(folder)
    except OSError as error:
        raise NotWritableError(f"cannot write in {folder}: {error.strerror or error}") from error


def open_database(folder: Path, *, read_only: bool) -> Database:
    """Connect to a project's database, bring its tables up to date, and make it durable.

    Raises:
        NotAProjectError: There is none, or the file is none of ours.
        NewerProjectError: A newer version of the program wrote it.
        DamagedProjectError: The file makes no sense.
    """
    path = folder / DATABASE_FILE
    if not path.is_file():
        raise NotAProjectError(f"there is no project in {folder}")
    database = Database(path, read_only=read_only)
    try:
        _bring_up_to_date(database)
        database.make_durable()
    except BaseException:
        database.close()
        raise
    return database


def _bring_up_to_date(database: Database) -> None:
    version = version_of(database)
    check_not_newer(database, version, len(MIGRATIONS))
    if version == len(MIGRATIONS):
        return
    if database.read_only:
        folder = database.path.parent
        first = "" if os.access(folder, os.W_OK) else f"copy {folder} to where it can be written, "
        raise ProjectError(
            f"{database.path} has the older format {version}: {first}open it once for writing first"
        )
    migrate(database, version, MIGRATIONS, lambda: _back_up(database, version))


def _back_up(database: Database, version: int) -> None:
    backups = database.path.parent / "backups"
    try:
        backups.mkdir(exist_ok=True)
        database.backup(backups / f"project-format-{version}.db")
    except OSError as error:
        raise ProjectError(
            f"{database.path} has an older format and must be copied to {backups} before it is "
            f"brought up to date, which failed: {error.strerror or error}"
        ) from error
