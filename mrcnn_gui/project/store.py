"""The project on disk: images, categories, annotations and settings, saved as they change."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from mrcnn_gui.project.annotation import (
    Category,
    Decision,
    ImageEntry,
    Instance,
    ReviewStatus,
    Side,
)
from mrcnn_gui.project.categories import CategoryTable
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.document import Change, ImageDocument
from mrcnn_gui.project.edit_log import EditLog
from mrcnn_gui.project.edits import SetReviewStatus
from mrcnn_gui.project.errors import (
    CommitError,
    DamagedProjectError,
    NewerProjectError,
    NotAProjectError,
    ProjectError,
)
from mrcnn_gui.project.lock import ProjectLock
from mrcnn_gui.project.opening import (
    PROJECT_FOLDER,
    find_project,
    make_database,
    open_database,
    take_lock,
)
from mrcnn_gui.project.paths import full_path, stored_paths
from mrcnn_gui.project.rows import (
    IMAGE_COLUMNS,
    INSTANCE_COLUMNS,
    SUGGESTION_COLUMNS,
    decision_from_row,
    image_from_row,
    instance_from_row,
    instance_to_row,
    places,
    suggestion_to_row,
)

__all__ = [
    "PROJECT_FOLDER",
    "CommitError",
    "DamagedProjectError",
    "NewerProjectError",
    "NotAProjectError",
    "ProjectError",
    "Store",
    "find_project",
]

_INSERT_INSTANCE = (
    f"INSERT INTO instances (image_id, {INSTANCE_COLUMNS}) VALUES (?, {places(INSTANCE_COLUMNS)})"
)
_INSERT_DECISION = (
    f"INSERT INTO decisions (image_id, verdict, {SUGGESTION_COLUMNS}) "
    f"VALUES (?, ?, {places(SUGGESTION_COLUMNS)})"
)
_VALIDATION_SHARE = 0.2


class Store:
    """An open project. Belongs to one thread; others open their own, read-only.

    One process may write at a time: it holds the project's lock until `close`.

    Attributes:
        folder: The project folder, absolute and without links.
        read_only: Whether writing is refused.
    """

    def __init__(self, folder: Path, database: Database, lock: ProjectLock | None) -> None:
        """Use `Store.create` or `Store.open`."""
        self.folder = folder
        self.read_only = lock is None
        self._database = database
        self._lock = lock
        self._categories = CategoryTable(database)
        self._last_instance_id = 0

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make an empty project in a folder, which is made when it is not there, and open it.

        Raises:
            FileExistsError: There is a project already.
            ProjectError: The folder cannot be written to.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectError(f"cannot make {folder}: {error.strerror or error}") from error
        return cls._open_writing(folder.resolve(), new=True)

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> Self:
        """Open the project in a folder (see `find_project`).

        Raises:
            ProjectError: It is not there, damaged, from a newer version, or another window or
                command writes to it; the message says which.
        """
        folder = folder.resolve()
        if read_only:
            return cls(folder, open_database(folder, read_only=True), None)
        if find_project(folder) != folder:
            raise NotAProjectError(f"there is no project in {folder}")
        return cls._open_writing(folder)

    @classmethod
    def _open_writing(cls, folder: Path, *, new: bool = False) -> Self:
        lock = take_lock(folder)
        try:
            if new:
                make_database(folder)
            return cls(folder, open_database(folder, read_only=False), lock)
        except BaseException:
            lock.release()
            raise

    def close(self) -> None:
        """Let go of the files and the lock."""
        self._database.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def transaction(self) -> AbstractContextManager[None]:
        """All that is written inside is kept, or nothing; a nested use joins the outer one."""
        return self._database.transaction()

    def snapshot(self) -> AbstractContextManager[None]:
        """All that is read inside is of one moment, whatever is written meanwhile."""
        return self._database.snapshot()

    def backup(self, target: Path) -> None:
        """Copy project.db to a file, with everything that is committed."""
        self._database.backup(target)

    # Images

    def add_images(self, paths: Iterable[Path]) -> list[ImageEntry]:
        """Add the images that are not there yet, in this order, and return those."""
        known = {entry.path for entry in self.images()}
        stored = dict.fromkeys(stored_paths(paths, self.folder))
        last = self._database.execute("SELECT ifnull(max(id), 0) FROM images")[0][0]
        # As bytes: a file name need not be UTF-8.
        rows = [(path.encode("utf-8", "surrogateescape"),) for path in stored if path not in known]
        with self.transaction():
            self._database.execute_many("INSERT INTO images (path) VALUES (CAST(? AS TEXT))", rows)
        return self._images("WHERE id > ?", last)

    def images(self) -> list[ImageEntry]:
        """All images, in the order in which they were added."""
        return self._images("")

    def image(self, image_id: int) -> ImageEntry:
        """One image.

        Raises:
            ProjectError: There is none with this id.
        """
        found = self._images("WHERE id = ?", image_id)
        if not found:
            raise ProjectError(f"the project has no image with the id {image_id}")
        return found[0]

    def image_path(self, entry: ImageEntry) -> Path:
        """Where the file of an image is."""
        return full_path(entry.path, self.folder)

    def update_image(
        self,
        image_id: int,
        *,
        width: int | None = None,
        height: int | None = None,
        content_hash: str | None = None,
        problem: str | None = None,
    ) -> ImageEntry:
        """Note what reading the file has told; None leaves a value as it is."""
        values = {
            "width": width,
            "height": height,
            "content_hash": content_hash,
            "problem": problem,
        }
        self._set_columns(image_id, {k: v for k, v in values.items() if v is not None})
        return self.image(image_id)

    def set_side(self, image_id: int, side: Side | None) -> None:
        """Say what a done image is used for."""
        self._set_columns(image_id, {"side": side})

    def set_status(self, image_id: int, status: ReviewStatus) -> None:
        """Set the review status outside a history (imports, command line).

        Where the image has a log, the change goes there too: undoing what lies before still fits.
        """
        before = self.image(image_id).status
        if status is before:
            return
        log = self.edit_log(image_id)
        with self.transaction():
            if not log.is_empty:
                log.append(SetReviewStatus(before, status))
            self._save_status(image_id, status)

    # Categories

    def categories(self) -> list[Category]:
        """All categories, by id."""
        return self._categories.all()

    def add_category(
        self, name: str, *, color: str | None = None, category_id: int | None = None
    ) -> Category:
        """Add a category; the colour, the id and the number key are chosen when not given.

        Raises:
            ValueError: The name is empty or taken, or the id is taken.
        """
        with self.transaction():
            return self._categories.add(name, color, category_id)

    def update_category(self, category: Category) -> None:
        """Change the name, the colour or the key of the category with this id.

        Raises:
            ValueError: The name is empty or taken, or the key is taken, or no such category is.
        """
        with self.transaction():
            self._categories.update(category)

    # Annotations

    def load_document(self, image_id: int) -> ImageDocument:
        """The annotations of one image, as they are on disk."""
        with self.snapshot():
            entry = self.image(image_id)
            instances = {instance.id: instance for instance in self.instances(image_id)}
            decisions = self._decisions(image_id)
        return ImageDocument(
            image_id, entry.width, entry.height, entry.status, instances, decisions
        )

    def instances(self, image_id: int) -> list[Instance]:
        """The instances of one image, in drawing order."""
        rows = self._database.execute(
            f"SELECT {INSTANCE_COLUMNS} FROM instances WHERE image_id = ? ORDER BY id", (image_id,)
        )
        return [instance_from_row(row) for row in rows]

    def instance_counts(self) -> dict[int, int]:
        """How many instances each image has; images without one are left out."""
        rows = self._database.execute("SELECT image_id, count(*) FROM instances GROUP BY image_id")
        return dict(rows)

    def new_instance_id(self) -> int:
        """An id that no instance of the project has or ever had, >= 1."""
        rows = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'instances'")
        saved = rows[0][0] if rows else 0
        self._last_instance_id = max(self._last_instance_id, saved) + 1
        return self._last_instance_id

    def insert_instances(self, image_id: int, instances: Iterable[Instance]) -> None:
        """Add many instances outside a history (imports)."""
        with self.transaction():
            self._database.execute_many(
                _INSERT_INSTANCE, ((image_id, *instance_to_row(each)) for each in instances)
            )

    def edit_log(self, image_id: int) -> EditLog:
        """The edits of one image: what `History` writes."""
        return EditLog(self._database, image_id)

    def save_change(
        self, document: ImageDocument, change: Change, decided_before: Mapping[str, Decision]
    ) -> None:
        """Write the rows that an edit touched, and no others; belongs inside a transaction.

        Args:
            document: As it is after the edit.
            change: What the edit altered.
            decided_before: The document's decisions before the edit.
        """
        for instance_id in sorted(change.instance_ids):
            self._save_instance(document, instance_id)
        if change.decisions_changed:
            self._save_decisions(document, decided_before)
        if change.status_changed:
            self._save_status(document.image_id, document.status)

    # Settings

    def setting(self, key: str, default: str = "") -> str:
        """A value that belongs to the project."""
        rows = self._database.execute("SELECT value FROM settings WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else default

    def set_setting(self, key: str, value: str) -> None:
        """Keep a value with the project."""
        with self.transaction():
            self._database.execute(
                "INSERT INTO settings (key, value) VALUES (?, ?) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, value),
            )

    def _images(self, condition: str, *parameters: int) -> list[ImageEntry]:
        rows = self._database.execute(
            f"SELECT {IMAGE_COLUMNS} FROM images {condition} ORDER BY id", parameters
        )
        return [image_from_row(row) for row in rows]

    def _set_columns(self, image_id: int, values: Mapping[str, Any]) -> None:
        if not values:
            return
        assignments = ", ".join(f"{name} = ?" for name in values)
        with self.transaction():
            self._database.execute(
                f"UPDATE images SET {assignments} WHERE id = ?", (*values.values(), image_id)
            )

    def _decisions(self, image_id: int) -> dict[str, Decision]:
        rows = self._database.execute(
            f"SELECT verdict, {SUGGESTION_COLUMNS} FROM decisions WHERE image_id = ?", (image_id,)
        )
        decisions = [decision_from_row(row) for row in rows]
        return {decision.suggestion.key: decision for decision in decisions}

    def _save_instance(self, document: ImageDocument, instance_id: int) -> None:
        self._database.execute(
            "DELETE FROM instances WHERE id = ? AND image_id = ?", (instance_id, document.image_id)
        )
        instance = document.instances.get(instance_id)
        if instance is not None:
            row = (document.image_id, *instance_to_row(instance))
            self._database.execute(_INSERT_INSTANCE, row)

    def _save_decisions(self, document: ImageDocument, before: Mapping[str, Decision]) -> None:
        after = document.decisions
        for key in before.keys() | after.keys():
            if before.get(key) is after.get(key):
                continue
            self._database.execute(
                "DELETE FROM decisions WHERE image_id = ? AND key = ?", (document.image_id, key)
            )
            if key in after:
                row = (after[key].verdict, *suggestion_to_row(after[key].suggestion))
                self._database.execute(_INSERT_DECISION, (document.image_id, *row))

    def _save_status(self, image_id: int, status: ReviewStatus) -> None:
        self._set_columns(image_id, {"status": status})
        if status is ReviewStatus.DONE:
            self._decide_side(self.image(image_id))

    def _decide_side(self, entry: ImageEntry) -> None:
        """Once and for all: by the content, so that a copy of an image gets the same side."""
        if entry.side is not None:
            return
        content = entry.content_hash or self._read_hash(entry)
        share = int(content[:8], 16) / 16**8
        side = Side.VALIDATION if share < _VALIDATION_SHARE else Side.TRAIN
        self._set_columns(entry.id, {"content_hash": content, "side": side})

    def _read_hash(self, entry: ImageEntry) -> str:
        from core.images import content_hash  # loads libvips: not before it is needed

        path = self.image_path(entry)
        try:
            return content_hash(path)
        except OSError as error:
            raise CommitError(
                f"{path} cannot be read, so it cannot be marked as done: {error.strerror or error}"
            ) from error
