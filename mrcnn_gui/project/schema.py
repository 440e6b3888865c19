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

_MASK = """x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL"""

_VERSION_2: Step = (
    # rest: the top-level keys of an imported COCO file that are neither images, categories nor
    # annotations, as JSON.
    "CREATE TABLE imports (id INTEGER PRIMARY KEY, name TEXT NOT NULL, rest TEXT NOT NULL)",
    # export_id: the id in COCO files. original: the imported COCO record as canonical JSON.
    # file_size and modified_ns say whether the file is still the one that was measured.
    """CREATE TABLE images_2 (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL,
        page INTEGER NOT NULL DEFAULT 0,
        pages INTEGER NOT NULL DEFAULT 1,
        width INTEGER NOT NULL DEFAULT 0,
        height INTEGER NOT NULL DEFAULT 0,
        orientation INTEGER NOT NULL DEFAULT 1 CHECK (orientation BETWEEN 1 AND 8),
        file_size INTEGER NOT NULL DEFAULT 0,
        modified_ns INTEGER NOT NULL DEFAULT 0,
        content_hash TEXT NOT NULL DEFAULT '',
        status TEXT NOT NULL DEFAULT 'todo' CHECK (status IN ('todo', 'in_progress', 'done')),
        side TEXT CHECK (side IN ('train', 'validation', 'test')),
        "group" TEXT NOT NULL DEFAULT '',
        reviewer TEXT NOT NULL DEFAULT '',
        comment TEXT NOT NULL DEFAULT '',
        problem TEXT NOT NULL DEFAULT '',
        export_id INTEGER NOT NULL UNIQUE,
        import_id INTEGER REFERENCES imports,
        original TEXT NOT NULL DEFAULT '',
        cursor INTEGER NOT NULL DEFAULT 0 CHECK (cursor >= 0),
        UNIQUE (path, page)
    )""",
    """INSERT INTO images_2
        (id, path, width, height, content_hash, status, side, problem, export_id, cursor)
        SELECT id, path, width, height, content_hash, status, side, problem, id, cursor
        FROM images""",
    "DROP TABLE images",
    "ALTER TABLE images_2 RENAME TO images",
    "CREATE INDEX images_by_hash ON images (content_hash)",
    "ALTER TABLE categories ADD COLUMN description TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE categories ADD COLUMN supercategory TEXT NOT NULL DEFAULT ''",
    # attributes: definitions of the attributes of its instances, a JSON list.
    "ALTER TABLE categories ADD COLUMN attributes TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE categories ADD COLUMN original TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE instances ADD COLUMN z_order INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE instances ADD COLUMN locked INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE instances ADD COLUMN seconds REAL NOT NULL DEFAULT 0",
    # untouched: written by an import and never since, so that `original` says all of it.
    "ALTER TABLE instances ADD COLUMN untouched INTEGER NOT NULL DEFAULT 0",
    "DROP INDEX instances_by_category",
    "CREATE INDEX instances_by_category ON instances (category_id, image_id)",
    # Pixels of an instance that flipped since its mask was written; in any order.
    f"""CREATE TABLE strokes (
        id INTEGER PRIMARY KEY,
        image_id INTEGER NOT NULL REFERENCES images,
        instance_id INTEGER NOT NULL REFERENCES instances ON DELETE CASCADE,
        {_MASK}
    )""",
    "CREATE INDEX strokes_by_image ON strokes (image_id)",
    "CREATE INDEX strokes_by_instance ON strokes (instance_id)",
    f"""CREATE TABLE regions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        image_id INTEGER NOT NULL REFERENCES images,
        kind TEXT NOT NULL CHECK (kind IN ('finished', 'ignore')),
        {_MASK}
    )""",
    "CREATE INDEX regions_by_image ON regions (image_id)",
    # Edits over many images; those that are undone can be redone until a new one comes.
    """CREATE TABLE project_edits (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL,
        edit TEXT NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0
    )""",
    "ALTER TABLE edits ADD COLUMN project_edit INTEGER REFERENCES project_edits",
    "CREATE INDEX edits_by_project_edit ON edits (project_edit) WHERE project_edit NOT NULL",
    """CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL,
        state TEXT NOT NULL,
        options TEXT NOT NULL,
        snapshot_hash TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT ''
    )""",
    """CREATE TABLE model_versions (
        id TEXT PRIMARY KEY,
        parent TEXT NOT NULL,
        run_id TEXT REFERENCES runs,
        verdict TEXT NOT NULL,
        metrics TEXT NOT NULL
    )""",
)

_VERSION_3: Step = (
    # Who made an image's instances is asked of all images at once.
    "DROP INDEX instances_by_image",
    "CREATE INDEX instances_by_image ON instances (image_id, source)",
)

# Step n leads from version n to n + 1. Published steps are never changed, only followed.
MIGRATIONS: tuple[Step, ...] = (_VERSION_1, _VERSION_2, _VERSION_3)


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
