"""The tables of project.db, and the numbered steps that lead to them."""

from collections.abc import Callable, Sequence

from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import NewerProjectError, NotAProjectError

APPLICATION_ID = 0x4D52434E  # "MRCN": says that an SQLite file is a project of ours

Step = Sequence[str]

_VERSION_1: Step = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    "CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE categories (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        color TEXT NOT NULL,
        key INTEGER UNIQUE CHECK (key BETWEEN 1 AND 9)
    )""",
    # cursor: how many edits of the image's log are in force; those behind it can be redone.
    """CREATE TABLE images (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        width INTEGER NOT NULL DEFAULT 0,
        height INTEGER NOT NULL DEFAULT 0,
        content_hash TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL DEFAULT 'todo' CHECK (status IN ('todo', 'in_progress', 'done')),
        side TEXT CHECK (side IN ('train', 'validation')),
        problem TEXT NOT NULL DEFAULT '',
        cursor INTEGER NOT NULL DEFAULT 0 CHECK (cursor >= 0)
    )""",
    # AUTOINCREMENT: the id of a removed instance is never given again, its removal can be undone.
    """CREATE TABLE instances (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        image_id INTEGER NOT NULL REFERENCES images,
        category_id INTEGER NOT NULL REFERENCES categories,
        source TEXT NOT NULL CHECK (source IN ('human', 'imported', 'model')),
        model_version TEXT NOT NULL,
        score REAL,
        is_crowd INTEGER NOT NULL,
        attributes TEXT NOT NULL,
        original TEXT NOT NULL,
        x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL
    )""",
    "CREATE INDEX instances_by_image ON instances (image_id)",
    "CREATE INDEX instances_by_category ON instances (category_id)",
    """CREATE TABLE decisions (
        image_id INTEGER NOT NULL REFERENCES images,
        key TEXT NOT NULL,
        verdict TEXT NOT NULL CHECK (verdict IN ('accepted', 'rejected')),
        category TEXT NOT NULL,
        score REAL NOT NULL,
        model_version TEXT NOT NULL,
        x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL,
        PRIMARY KEY (image_id, key)
    )""",
    """CREATE TABLE edits (
        image_id INTEGER NOT NULL REFERENCES images,
        position INTEGER NOT NULL,
        title TEXT NOT NULL,
        edit TEXT NOT NULL,
        PRIMARY KEY (image_id, position)
    )""",
)

# Step n leads from version n to n + 1. Published steps are never changed, only followed.
MIGRATIONS: tuple[Step, ...] = (_VERSION_1,)


def version_of(database: Database) -> int:
    """The version of a project's tables.

    Raises:
        NotAProjectError: An SQLite file, but none of ours.
        DamagedProjectError: No SQLite file.
    """
    version = int(database.execute("PRAGMA user_version")[0][0])
    application = database.execute("PRAGMA application_id")[0][0]
    if application != APPLICATION_ID:
        raise NotAProjectError(f"{database.path} is not a project of this program")
    return version


def check_not_newer(database: Database, version: int, newest: int) -> None:
    """Refuse what this program cannot understand.

    Raises:
        NewerProjectError: The project's version is higher than `newest`.
    """
    if version > newest:
        raise NewerProjectError(
            f"{database.path} was made by a newer version of this program: its format is "
            f"{version}, this program knows up to {newest}"
        )


def migrate(
    database: Database, version: int, migrations: Sequence[Step], back_up: Callable[[], None]
) -> None:
    """Bring tables from `version` to the newest, each step in a transaction, after a backup.

    Foreign keys are not yet enforced here, so that a step may rebuild a table.
    """
    back_up()
    for number in range(version, len(migrations)):
        apply_step(database, migrations[number], number + 1)


def apply_step(database: Database, step: Step, version: int) -> None:
    """Run one step and note the version it leads to: both, or nothing."""
    with database.transaction():
        for statement in step:
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {version}")
