"""suggestions.db: what models found, kept until the next run; may be deleted at any time."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self, TypeVar

import numpy as np

from mrcnn_gui.project.annotation import Suggestion, Verdict
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.errors import CommitError, DamagedProjectError, ProjectError, StorageError
from mrcnn_gui.project.private_copy import PrivateCopy
from mrcnn_gui.project.resemblance import Resemblance
from mrcnn_gui.project.rows import (
    SUGGESTION_COLUMNS,
    places,
    suggestion_from_row,
    suggestion_to_row,
)

SUGGESTIONS_FILE = "suggestions.db"
REJECTED_IOU = 0.7
COVERED_IOU = 0.5

# A run is noted even when it found nothing. Another version of these tables is simply made anew.
_VERSION = 1
_TABLES = (
    "CREATE TABLE runs (content_hash TEXT PRIMARY KEY, model_version TEXT NOT NULL)",
    """CREATE TABLE suggestions (
        content_hash TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
        key TEXT NOT NULL,
        category TEXT NOT NULL,
        score REAL NOT NULL,
        model_version TEXT NOT NULL,
        x INTEGER NOT NULL,
        y INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        mask BLOB NOT NULL,
        PRIMARY KEY (content_hash, key)
    )""",
    f"PRAGMA user_version = {_VERSION}",
)

_ROW = f"(content_hash, {SUGGESTION_COLUMNS}) VALUES (?, {places(SUGGESTION_COLUMNS)})"
_INSERT = f"INSERT OR IGNORE INTO suggestions {_ROW}"
_PUT_ASIDE = f"INSERT INTO aside {_ROW}"
_TAKE_ASIDE = (
    "DELETE FROM runs WHERE content_hash IN (SELECT content_hash FROM aside)",
    "INSERT INTO runs SELECT DISTINCT content_hash, ? FROM aside",
    "INSERT OR IGNORE INTO suggestions SELECT * FROM aside",
)

T = TypeVar("T")


class SuggestionStore:
    """Suggestions by the content hash of their image. Belongs to one thread.

    A damaged file is deleted and made anew; a reader sees it as empty until then.
    """

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        self._path = folder / SUGGESTIONS_FILE
        self._read_only = read_only
        self._database: Database | None = None

    def replace(
        self, content_hash: str, model_version: str, suggestions: Iterable[Suggestion]
    ) -> None:
        """Put the result of a run in the place of all earlier runs on that image."""
        rows = [(content_hash, *suggestion_to_row(each)) for each in suggestions]

        def write(database: Database) -> None:
            with database.transaction():
                _begin_run(database, content_hash, model_version)
                database.execute_many(_INSERT, rows)

        self._run(write, None)

    def replace_all(
        self, model_version: str, suggestions: Iterable[tuple[str, Suggestion]]
    ) -> None:
        """Do the same for many images, all or nothing, whatever order they come in.

        They are put aside first: a model that stores its own does not wait while they are read.

        Args:
            model_version: Of the run.
            suggestions: Content hash of the image and suggestion, read as they are written.
        """
        self.ran_with("")  # a damaged file is made anew before the first is read
        database = self._opened()
        database.execute("CREATE TEMP TABLE aside AS SELECT * FROM suggestions LIMIT 0")
        rows = ((key, *suggestion_to_row(suggestion)) for key, suggestion in suggestions)
        try:
            database.execute_many(_PUT_ASIDE, rows)
            with database.transaction():
                for statement in _TAKE_ASIDE:
                    database.execute(statement, (model_version,) if "?" in statement else ())
        finally:
            database.execute("DROP TABLE aside")

    def for_image(self, content_hash: str) -> list[Suggestion]:
        """What the latest run on an image found, best score first."""

        def read(database: Database) -> list[Suggestion]:
            rows = database.execute(
                f"SELECT {SUGGESTION_COLUMNS} FROM suggestions WHERE content_hash = ? "
                "ORDER BY score DESC, key",
                (content_hash,),
            )
            return [suggestion_from_row(row) for row in rows]

        return self._run(read, [])

    def ran_with(self, content_hash: str) -> str:
        """The model version of the latest run on an image; "" when there was none."""

        def read(database: Database) -> str:
            rows = database.execute(
                "SELECT model_version FROM runs WHERE content_hash = ?", (content_hash,)
            )
            return str(rows[0][0]) if rows else ""

        return self._run(read, "")

    def hand_over_copy(self) -> PrivateCopy | None:
        """The private copy that is read, where the file cannot be; see `Database`."""
        return self._database.hand_over_copy() if self._database is not None else None

    def close(self) -> None:
        """Let go of the file."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, action: Callable[[Database], T], nothing: T) -> T:
        """Do something with the database; once more on a new one if this one is damaged."""
        try:
            return action(self._opened())
        except (StorageError, CommitError) as error:
            self.close()
            if self._read_only:
                return nothing
            if not _is_damage(error):
                raise
            self._delete()
            return action(self._opened())

    def _opened(self) -> Database:
        if self._database is None:
            self._database = Database(
                self._path, read_only=self._read_only, create=not self._read_only
            )
            _prepare(self._database)
        return self._database

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


def _begin_run(database: Database, content_hash: str, model_version: str) -> None:
    """Forget what earlier runs on an image found."""
    database.execute("DELETE FROM runs WHERE content_hash = ?", (content_hash,))
    database.execute("INSERT INTO runs VALUES (?, ?)", (content_hash, model_version))


def _is_damage(error: ProjectError) -> bool:
    return any(isinstance(each, DamagedProjectError) for each in (error, error.__cause__))


def _prepare(database: Database) -> None:
    """Check the tables, or make them in a file that is new."""
    database.make_durable("NORMAL")
    version = database.execute("PRAGMA user_version")[0][0]
    if version == _VERSION:
        return
    if version != 0 or database.read_only:
        raise DamagedProjectError(f"{database.path} has the unknown format {version}")
    with database.transaction():
        if database.execute("PRAGMA user_version")[0][0] == _VERSION:
            return  # another thread was quicker
        for statement in _TABLES:
            database.execute(statement)


def visible(
    document: ImageDocument,
    suggestions: Sequence[Suggestion],
    min_score: float,
    resemblance: Resemblance | None = None,
) -> list[Suggestion]:
    """The suggestions that still ask for a decision.

    Hidden are those below the score, decided ones, those much like a rejected one (mask IoU above
    0.7), those that cover an instance (above 0.5), and of those that cover each other all but the
    best: accepting all that is visible makes one instance of one object.

    Args:
        document: The image's annotations and decisions.
        suggestions: Best score first.
        min_score: Scores below it are hidden.
        resemblance: Of the last time, where there was one.
    """
    undecided = [
        suggestion
        for suggestion in suggestions
        if suggestion.score >= min_score and suggestion.key not in document.decisions
    ]
    if not undecided:
        return []  # as after most edits: then nothing is compared with all instances
    rejected = [
        decision.suggestion.mask
        for decision in document.decisions.values()
        if decision.verdict is Verdict.REJECTED
    ]
    present = [instance.mask for instance in document.instances.values()]
    masks = [suggestion.mask for suggestion in undecided]
    like = Resemblance() if resemblance is None else resemblance
    like.begin()
    hidden = like.resembles(masks, rejected, REJECTED_IOU)
    hidden |= like.resembles(masks, present, COVERED_IOU)
    waiting = [undecided[index] for index in np.flatnonzero(~hidden)]
    return [waiting[i] for i in like.distinct([each.mask for each in waiting], COVERED_IOU)]
