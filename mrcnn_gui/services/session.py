"""The open project: its images, the document at hand, and every change of it."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.annotation import Category, ImageEntry, ReviewStatus
from mrcnn_gui.project.document import Change, EditError, ImageDocument
from mrcnn_gui.project.edits import Edit, SetReviewStatus
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import PROJECT_FOLDER, ProjectError, Store, find_project
from mrcnn_gui.services.image_folder import (
    create_store,
    find_images,
    find_new_images,
    images_folder_of,
)
from mrcnn_gui.services.image_survey import ImageSurvey, Measured
from mrcnn_gui.services.jobs import Job, JobRunner, Lane, describe

log = logging.getLogger(__name__)

LAST_IMAGE = "last_image"


class Session(QObject):
    """Holds at most one open project; the only one that changes documents and writes edits.

    What fails is told by the signal `failed` (a title and a sentence for people), and leaves
    everything as it was: when a project cannot be opened, the one before stays open.
    """

    project_opened = Signal()
    project_closed = Signal()
    images_changed = Signal()  # images were added
    image_entry_changed = Signal(int)  # status, size, problem or number of instances
    categories_changed = Signal()
    image_opened = Signal(int)  # 0: none
    document_changed = Signal(object)  # a Change
    history_changed = Signal()
    failed = Signal(str, str)

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._survey = ImageSurvey(jobs, self._note_measured)
        self._search: Job | None = None
        self._store: Store | None = None
        self._entries: list[ImageEntry] = []
        self._rows: dict[int, int] = {}
        self._categories: list[Category] = []
        self._counts: dict[int, int] = {}
        self._document: ImageDocument | None = None
        self._history: History | None = None

    # What is open

    @property
    def folder(self) -> Path | None:
        """The project's folder; None when no project is open."""
        return self._store.folder if self._store is not None else None

    @property
    def store(self) -> Store:
        """The GUI thread's connection, for other services.

        Raises:
            RuntimeError: No project is open.
        """
        if self._store is None:
            raise RuntimeError("no project is open")
        return self._store

    @property
    def images(self) -> Sequence[ImageEntry]:
        """The project's images, in its order."""
        return self._entries

    @property
    def categories(self) -> Sequence[Category]:
        """The project's categories, by id."""
        return self._categories

    @property
    def instance_counts(self) -> dict[int, int]:
        """Number of instances by image id; images without one may be missing."""
        return self._counts

    @property
    def document(self) -> ImageDocument | None:
        """The annotations of the open image: to read; `push` changes them."""
        return self._document

    @property
    def entry(self) -> ImageEntry | None:
        """The open image."""
        return self.image(self._document.image_id) if self._document is not None else None

    def image(self, image_id: int) -> ImageEntry | None:
        """An image of the project; None when it has none of this id."""
        row = self._rows.get(image_id)
        return self._entries[row] if row is not None else None

    def row(self, image_id: int) -> int:
        """The place of an image in `images`.

        Raises:
            KeyError: There is no image of this id.
        """
        return self._rows[image_id]

    def category(self, category_id: int) -> Category:
        """A category of the project.

        Raises:
            KeyError: There is none of this id.
        """
        for category in self._categories:
            if category.id == category_id:
                return category
        raise KeyError(f"the project has no category {category_id}")

    def image_path(self, image_id: int) -> Path:
        """Where the file of an image is.

        Raises:
            KeyError: There is no image of this id.
        """
        return self.store.image_path(self._entries[self._rows[image_id]])

    # Opening and closing

    def open_path(self, path: Path) -> None:
        """Open the project at a path or in its .mrcnn folder, or make one of a folder of images."""
        try:
            project = find_project(path)
            is_folder = path.is_dir()
        except OSError as error:
            self.report_failure("Cannot open", describe(error))
            return
        if project is not None:
            self.open_project(project)
        elif is_folder:
            self.create_project(path / PROJECT_FOLDER, path)
        else:
            what = "is not a folder" if path.exists() else "does not exist"
            self.report_failure("Cannot open", f"{path} {what}.")

    def open_project(self, folder: Path) -> bool:
        """Open the project in a folder; images that came into its folder since are added.

        Returns:
            Whether it is open now.
        """
        if folder.resolve() == self.folder:
            return True
        try:
            store = Store.open(folder)
        except (ProjectError, OSError) as error:
            self.report_failure("Cannot open the project", describe(error))
            return False
        return self._adopt(store)

    def create_project(
        self, folder: Path, images_folder: Path, categories: Sequence[str] = ("object",)
    ) -> None:
        """Make a project on a folder of images and open it.

        The folder is searched in the background: `project_opened` or `failed` follows.
        """
        self._start_search(
            find_images,
            images_folder.resolve(),
            on_done=partial(self._create, folder, images_folder.resolve(), tuple(categories)),
            on_failed=partial(self.report_failure, "Cannot make the project"),
        )

    def close_project(self) -> None:
        """Close the project, if one is open; everything is saved already."""
        self._stop_search()
        self._survey.stop()
        if self._store is None:
            return
        store, self._store = self._store, None
        self._remember_image(store)
        self._document = self._history = None
        self._set_entries([])
        self._categories, self._counts = [], {}
        store.close()
        self.image_opened.emit(0)
        self.history_changed.emit()
        self.project_closed.emit()

    def report_failure(self, title: str, text: str) -> None:
        """Tell the person what went wrong."""
        self.failed.emit(title, text)

    # Images

    def open_image(self, image_id: int) -> bool:
        """Load the document of an image; returns whether it is open now."""
        if self._document is not None and self._document.image_id == image_id:
            return True
        try:
            document = self.store.load_document(image_id)
        except ProjectError as error:
            self.report_failure("Cannot open the image", describe(error))
            return False
        self._document = document
        self._history = History(self.store, document)
        self.image_opened.emit(image_id)
        self.history_changed.emit()
        return True

    def next_image(self, step: int = 1) -> bool:
        """Open the image so many rows further (negative: before); False at the end."""
        if self._document is None:
            return bool(self._entries) and self.open_image(self._entries[0].id)
        row = self._rows[self._document.image_id] + step
        return 0 <= row < len(self._entries) and self.open_image(self._entries[row].id)

    def next_todo(self) -> bool:
        """Open the next image that is to do, beginning anew at the end; False when all are done."""
        row = self._rows[self._document.image_id] + 1 if self._document is not None else 0
        for entry in self._entries[row:] + self._entries[:row]:
            is_open = self._document is not None and entry.id == self._document.image_id
            if entry.status is ReviewStatus.TODO and not entry.problem and not is_open:
                return self.open_image(entry.id)
        return False

    def set_image_info(
        self,
        image_id: int,
        width: int | None = None,
        height: int | None = None,
        content_hash: str | None = None,
        problem: str | None = None,
    ) -> None:
        """Note what reading an image has told; None leaves a value as it is."""
        self._note_measured([Measured(image_id, width, height, content_hash, problem)])

    # Changes

    def push(self, edit: Edit) -> Change | None:
        """Make an edit of the open document and save it; None when that failed."""
        history = self._history
        return self._change(partial(history.push, edit)) if history is not None else None

    def undo(self) -> Change | None:
        """Take the last edit back; None when there is none."""
        return self._change(self._history.undo) if self._history is not None else None

    def redo(self) -> Change | None:
        """Make the last undone edit again; None when there is none."""
        return self._change(self._history.redo) if self._history is not None else None

    @property
    def can_undo(self) -> bool:
        """Whether the open image has an edit to take back."""
        return self._history is not None and self._history.can_undo

    @property
    def can_redo(self) -> bool:
        """Whether the open image has an undone edit."""
        return self._history is not None and self._history.can_redo

    @property
    def undo_title(self) -> str:
        """Title of the edit that `undo` takes back."""
        return self._history.undo_title if self._history is not None else ""

    @property
    def redo_title(self) -> str:
        """Title of the edit that `redo` makes again."""
        return self._history.redo_title if self._history is not None else ""

    def set_review_status(self, status: ReviewStatus) -> None:
        """Say how far the annotation of the open image has come."""
        if self._document is not None and self._document.status is not status:
            self.push(SetReviewStatus(self._document.status, status))

    def new_instance_id(self) -> int:
        """An id for a new instance."""
        return self.store.new_instance_id()

    def add_category(self, name: str, color: str | None = None) -> Category | None:
        """Add a category; None when that failed, for one because the name is taken."""
        try:
            category = self.store.add_category(name, color=color)
        except (ProjectError, ValueError) as error:
            self.report_failure("Cannot add the category", describe(error))
            return None
        self._reload_categories()
        return category

    def update_category(self, category: Category) -> bool:
        """Change name, colour or key of a category; False when that failed."""
        try:
            self.store.update_category(category)
        except (ProjectError, ValueError) as error:
            self.report_failure("Cannot change the category", describe(error))
            return False
        self._reload_categories()
        return True

    def setting(self, key: str, default: str = "") -> str:
        """A value kept with the project."""
        return self.store.setting(key, default)

    def set_setting(self, key: str, value: str) -> bool:
        """Keep a value with the project; False when that failed."""
        try:
            self.store.set_setting(key, value)
        except ProjectError as error:
            self.report_failure("Not saved", describe(error))
            return False
        return True

    def _adopt(self, store: Store) -> bool:
        """Put a store that was just opened in the place of the open project."""
        try:
            entries, categories = store.images(), store.categories()
            counts, last = store.instance_counts(), store.setting(LAST_IMAGE)
        except ProjectError as error:
            store.close()
            self.report_failure("Cannot open the project", describe(error))
            return False
        self.close_project()
        self._store = store
        self._set_entries(entries)
        self._categories, self._counts = categories, counts
        self.project_opened.emit()
        if entries:
            self.open_image(
                int(last) if last.isdigit() and int(last) in self._rows else entries[0].id
            )
        self._survey.add((entry, store.image_path(entry)) for entry in entries)
        self._look_for_new_images(store)
        return True

    def _create(
        self, folder: Path, images_folder: Path, categories: tuple[str, ...], images: list[Path]
    ) -> None:
        if not images:
            self.report_failure(
                "No images",
                f"{images_folder} and its subfolders hold no images (jpg, png, tif, bmp, webp).",
            )
            return
        try:
            store = create_store(folder, images_folder, images, categories)
        except FileExistsError:
            self.report_failure(
                "Cannot make the project", f"There is a project in {folder} already."
            )
        except (ProjectError, OSError, ValueError) as error:
            self.report_failure("Cannot make the project", describe(error))
        else:
            self._adopt(store)

    def _look_for_new_images(self, store: Store) -> None:
        images_folder = images_folder_of(store)
        if images_folder is not None:
            known = frozenset(entry.path for entry in self._entries)
            self._start_search(
                find_new_images, store.folder, images_folder, known, on_done=self._add_images
            )

    def _add_images(self, paths: list[Path]) -> None:
        if not paths:
            return
        try:
            added = self.store.add_images(paths)
        except ProjectError as error:
            self.report_failure("New images could not be added", describe(error))
            return
        self._set_entries([*self._entries, *added])
        self.images_changed.emit()
        self._survey.add((entry, self.store.image_path(entry)) for entry in added)

    def _start_search(
        self,
        function: Callable[..., list[Path]],
        *args: object,
        on_done: Callable[[list[Path]], None],
        on_failed: Callable[[str], None] | None = None,
    ) -> None:
        self._stop_search()
        self._search = self._jobs.start(
            Lane.IO, function, *args, on_done=on_done, on_failed=on_failed
        )

    def _stop_search(self) -> None:
        if self._search is not None:
            self._search.cancel()
            self._search = None

    def _set_entries(self, entries: list[ImageEntry]) -> None:
        self._entries = entries
        self._rows = {entry.id: row for row, entry in enumerate(entries)}

    def _reload_categories(self) -> None:
        self._categories = self.store.categories()
        self.categories_changed.emit()

    def _remember_image(self, store: Store) -> None:
        if self._document is None:
            return
        try:
            store.set_setting(LAST_IMAGE, str(self._document.image_id))
        except ProjectError:
            log.warning("Which image was open could not be noted", exc_info=True)

    def _change(self, make: Callable[[], Change | None]) -> Change | None:
        try:
            change = make()
        except (ProjectError, EditError) as error:
            log.info("An edit was refused", exc_info=True)
            self.report_failure("The change was not made", describe(error))
            return None
        if change is not None:
            self._refresh_entry(change)
            self.document_changed.emit(change)
            self.history_changed.emit()
        return change

    def _refresh_entry(self, change: Change) -> None:
        """Follow a change of the document in the list of images."""
        assert self._document is not None
        image_id, count = self._document.image_id, len(self._document.instances)
        if change.status_changed:
            self._entries[self._rows[image_id]] = self.store.image(image_id)
        elif count == self._counts.get(image_id, 0):
            return
        self._counts[image_id] = count
        self.image_entry_changed.emit(image_id)

    def _note_measured(self, batch: Sequence[Measured]) -> bool:
        changed = [measured for measured in batch if self._tells_more(measured)]
        if not changed:
            return True
        try:
            with self.store.transaction():
                entries = [self._write_measured(measured) for measured in changed]
        except ProjectError as error:
            self.report_failure("What is known of the images could not be saved", describe(error))
            return False
        for entry in entries:
            self._entries[self._rows[entry.id]] = entry
            self._size_document(entry)
            self.image_entry_changed.emit(entry.id)
        return True

    def _tells_more(self, measured: Measured) -> bool:
        entry = self.image(measured.image_id)
        return entry is not None and measured.adds_to(entry)

    def _write_measured(self, measured: Measured) -> ImageEntry:
        return self.store.update_image(
            measured.image_id,
            width=measured.width,
            height=measured.height,
            content_hash=measured.content_hash,
            problem=measured.problem,
        )

    def _size_document(self, entry: ImageEntry) -> None:
        """Tell the open document its size as soon as it is known."""
        if self._document is not None and self._document.image_id == entry.id:
            self._document.width, self._document.height = entry.width, entry.height
