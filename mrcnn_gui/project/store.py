"""The project on disk: images, categories, annotations and settings, saved as they change."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self, Unpack

from mrcnn_gui.project.annotation import (
    Category,
    Decision,
    ImageEntry,
    Instance,
    Region,
    ReviewStatus,
    Side,
)
from mrcnn_gui.project.annotation_table import AnnotationTable
from mrcnn_gui.project.category_table import CategoryTable
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
from mrcnn_gui.project.export_rows import ExportRows
from mrcnn_gui.project.image_query import ImageQuery, find_images
from mrcnn_gui.project.image_table import FoundFile, ImageTable, Told
from mrcnn_gui.project.import_table import ImportTable
from mrcnn_gui.project.lock import ProjectLock
from mrcnn_gui.project.opening import (
    PROJECT_FOLDER,
    find_project,
    make_database,
    open_database,
    take_lock,
)
from mrcnn_gui.project.project_history import ProjectHistory
from mrcnn_gui.project.region_table import RegionTable
from mrcnn_gui.project.run_table import RunTable

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


class Store:
    """An open project. Belongs to one thread; others open their own, read-only.

    One process may write at a time: it holds the project's lock until `close`.

    Attributes:
        folder: The project folder, absolute and without links.
        read_only: Whether writing is refused.
        imports: What imports write in bulk, inside a transaction.
        export_rows: What exports read.
        project_history: Changes over many images, made and undone as one.
        runs: The trainings.
        strokes: Those on large masks that were written alone.
    """

    def __init__(self, folder: Path, database: Database, lock: ProjectLock | None) -> None:
        """Use `Store.create` or `Store.open`."""
        self.folder = folder
        self.read_only = database.read_only
        self._database = database
        self._lock = lock
        self._images = ImageTable(database, folder)
        self._categories = CategoryTable(database)
        self._annotations = AnnotationTable(database)
        self.strokes = self._annotations.strokes
        self._regions = RegionTable(database)
        self.imports = ImportTable(database)
        self.export_rows = ExportRows(database, self.instances)
        self.project_history = ProjectHistory(database)
        self.runs = RunTable(database)

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

    def companion(self) -> Self:
        """One more connection, for another thread, under the lock that this one holds.

        Raises:
            ProjectError: This store is read-only, or closed.
        """
        if self._lock is None:
            raise ProjectError(f"the project in {self.folder} is open to be read only")
        lock = self._lock.share()
        try:
            return type(self)(self.folder, open_database(self.folder, read_only=False), lock)
        except BaseException:
            lock.release()
            raise

    def close(self, *, wait: bool = True) -> None:
        """Let go of the files and the lock.

        Args:
            wait: Whether to empty the write-ahead log, for which others must have ended writing.
                A companion that is at work does it when it is closed.
        """
        try:
            self._database.close(empty_log=wait)
        finally:
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

    def frozen(self) -> AbstractContextManager[None]:
        """The same for work that takes long: in a network folder a snapshot would stop writers."""
        return self._database.frozen()

    def sync_later(self, committed: Callable[[], object]) -> bool:
        """Let commits return before the disk has them; see `Database.sync_later`."""
        return self._database.sync_later(committed)

    def backup(self, target: Path) -> None:
        """Copy project.db to a file, with everything that is committed."""
        self._database.backup(target)

    # Images

    def add_images(self, paths: Iterable[Path]) -> list[ImageEntry]:
        """Add the images that are not there yet, in this order, and return those."""
        with self.transaction():
            return self._images.add(paths)

    def insert_images(self, paths: Iterable[Path]) -> None:
        """Add the images that are not there yet, in this order."""
        with self.transaction():
            self._images.insert(paths)

    def images(self) -> list[ImageEntry]:
        """All images, in the order in which they were added."""
        return self._images.all()

    def image(self, image_id: int) -> ImageEntry:
        """One image.

        Raises:
            ProjectError: There is none with this id.
        """
        return self._images.get(image_id)

    def find_images(self, query: ImageQuery) -> list[int]:
        """The ids of the images that have all that is asked for, in the project's order."""
        return find_images(self._database, query)

    def image_path(self, entry: ImageEntry) -> Path:
        """Where the file of an image is."""
        return self._images.path(entry)

    def update_image(self, image_id: int, **told: Unpack[Told]) -> ImageEntry:
        """Note what reading the file has told."""
        with self.transaction():
            self._images.set_columns(image_id, told)
        return self.image(image_id)

    def set_files(self, files: Iterable[FoundFile]) -> None:
        """Put files in the place of those that are gone, all or none.

        Raises:
            CommitError: Two images would have one file and page.
        """
        with self.transaction():
            self._images.set_files(files)

    def set_side(self, image_id: int, side: Side | None) -> None:
        """Say what an image is used for; None has it decided, see `ImageTable.set_side`."""
        with self.transaction():
            self._images.set_side(image_id, side)

    def set_group(self, image_id: int, group: str) -> None:
        """Say which images belong together, "" for none; sides that are decided stay."""
        with self.transaction():
            self._images.set_columns(image_id, {'"group"': group})

    def set_status(self, image_id: int, status: ReviewStatus) -> None:
        """Set the review status outside a history (imports, command line).

        Where the image has a log, the change goes there too: undoing what lies before still fits.
        """
        with self.transaction():
            before = self.image(image_id).status
            log = self.edit_log(image_id)
            if status is not before and not log.is_empty:
                log.append(SetReviewStatus(before, status))
            if status is not before:
                self._images.set_status(image_id, status)

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

    def category_is_used(self, category_id: int) -> bool:
        """Whether an instance has it, or an edit may speak of it."""
        return self._categories.is_used(category_id)

    def renumber_category(self, old: int, new: int) -> None:
        """Give a category that is not used another id, which must be free."""
        with self.transaction():
            self._categories.renumber(old, new)

    def note_category_record(self, category_id: int, record: str) -> None:
        """Keep the imported COCO record of a category, as canonical JSON."""
        with self.transaction():
            self._categories.note_record(category_id, record)

    # Annotations

    def load_document(self, image_id: int) -> ImageDocument:
        """The annotations of one image, as they are on disk."""
        with self.snapshot():
            entry = self.image(image_id)
            instances = {instance.id: instance for instance in self.instances(image_id)}
            decisions = self._annotations.decisions(image_id)
            regions = self._regions.of_image(image_id)
        return ImageDocument(
            image_id, entry.width, entry.height, entry.status, instances, decisions, regions
        )

    def instances(self, image_id: int) -> list[Instance]:
        """The instances of one image, in drawing order."""
        return self._annotations.instances(image_id)

    def regions(self, image_id: int) -> list[Region]:
        """The regions of one image, by rising ids."""
        return list(self._regions.of_image(image_id).values())

    def instance_counts(self) -> dict[int, int]:
        """How many instances each image has; images without one are left out."""
        return self._annotations.counts()

    def object_sides(self) -> list[float]:
        """The root of the box's area of each object on done images, as share of the long side."""
        return self._annotations.object_sides()

    def has_instances(self, image_id: int) -> bool:
        """Whether an image has an instance."""
        return self._annotations.has_instances(image_id)

    def fold_strokes(self, image_id: int) -> None:
        """Write the large masks of an image whole, where strokes were written alone.

        Nothing that can be read changes: this is for when the image is left or nobody works.
        """
        if self._annotations.has_strokes(image_id):
            with self.transaction():
                self._annotations.fold_strokes(image_id)

    def new_instance_id(self) -> int:
        """An id that no instance of the project has or ever had, >= 1."""
        return self._annotations.new_instance_id()

    def new_region_id(self) -> int:
        """An id that no region of the project has or ever had, >= 1."""
        return self._regions.new_id()

    def insert_instances(self, image_id: int, instances: Iterable[Instance]) -> None:
        """Add many instances outside a history (imports)."""
        with self.transaction():
            self._annotations.insert(image_id, instances)

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
        self._annotations.save_instances(document, change)
        self._regions.save(document, change)
        if change.decisions_changed:
            self._annotations.save_decisions(document, decided_before)
        if change.status_changed:
            self._images.set_status(document.image_id, document.status)

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
