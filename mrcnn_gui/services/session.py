"""The open project: its images, the document at hand, and every change of it."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Unpack

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.annotation import Category, ImageEntry, ReviewStatus
from mrcnn_gui.project.document import Change, ImageDocument
from mrcnn_gui.project.edits import Edit, SetReviewStatus
from mrcnn_gui.project.history import History
from mrcnn_gui.project.image_table import Told
from mrcnn_gui.project.store import PROJECT_FOLDER, ProjectError, Store
from mrcnn_gui.services.backup import start_backup
from mrcnn_gui.services.exclusive import Exclusive
from mrcnn_gui.services.failures import Telling
from mrcnn_gui.services.image_folder import locate_project, make_project
from mrcnn_gui.services.image_survey import Measured
from mrcnn_gui.services.image_table import ImageTable, Tally
from mrcnn_gui.services.jobs import JobRunner, Lane
from mrcnn_gui.services.project_images import ProjectImages
from mrcnn_gui.services.saving import Saving
from mrcnn_gui.services.store_opening import last_image, note_last_image, open_store
from mrcnn_gui.services.stroke_folding import StrokeFolding
from mrcnn_gui.services.write_access import stop_writing, tell_lost


class Session(QObject):
    """Holds at most one open project; the only one that changes documents and writes edits.

    An edit is committed before it is shown; `saving` tells when the disk has it.
    What fails is told by the signal `failed` (a title and a sentence for people), and leaves
    everything as it was: when a project cannot be opened, the one before stays open.
    """

    project_opened = Signal()
    project_closed = Signal()
    images_changed = Signal()  # images were added
    image_entry_changed = Signal(int)  # status, size, problem or number of instances
    categories_changed = Signal()
    leaving = Signal()  # the image is about to be left: what is being drawn can still be pushed
    image_opened = Signal(int)  # 0: none
    document_changed = Signal(object)  # a Change
    history_changed = Signal()
    failed = Signal(str, str)

    def __init__(self, jobs: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._images = ProjectImages(jobs, self, self.report_failure)
        self._store: Store | None = None
        self._categories: list[Category] = []
        self._read_only_reason = ""
        self._failures = 0  # told so far
        self.exclusive = Exclusive(self, jobs)
        self._folding = StrokeFolding(jobs, self)
        self.saving = Saving(jobs, self)
        self.saving.failed.connect(partial(stop_writing, self))
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
        return self._images.table.entries

    @property
    def tally(self) -> Tally:
        """How many images are done, and how many cannot be used."""
        return self._images.table.tally

    @property
    def categories(self) -> Sequence[Category]:
        """The project's categories, by id."""
        return self._categories

    @property
    def document(self) -> ImageDocument | None:
        """The annotations of the open image: to read; `push` changes them."""
        return self._document

    @property
    def history(self) -> History | None:
        """The edits of the open image: to read; `push`, `undo`, `redo` and `jump` change them."""
        return self._history

    @property
    def entry(self) -> ImageEntry | None:
        """The open image."""
        return self.image(self._document.image_id) if self._document is not None else None

    def image(self, image_id: int) -> ImageEntry | None:
        """An image of the project; None when it has none of this id."""
        return self._images.table.get(image_id)

    def row(self, image_id: int) -> int:
        """The place of an image in `images`.

        Raises:
            KeyError: There is no image of this id.
        """
        return self._images.table.row(image_id)

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
        return self.store.image_path(self.images[self.row(image_id)])

    @property
    def read_only_reason(self) -> str:
        """Why the project can only be read; "" when it can be changed."""
        return self._read_only_reason

    @property
    def no_writing(self) -> str:
        """Why nothing can be changed now, for people; "" when it can."""
        if self.exclusive.title:
            return f"{self.exclusive.title} is going on: wait until it has ended, or cancel it."
        return self._read_only_reason

    # Opening and closing

    def open_path(self, path: Path) -> None:
        """Open the project at a path or in its .mrcnn folder, or make one of a folder of images."""
        with Telling(self.report_failure, "Cannot open"):
            if (project := locate_project(path)) is not None:
                self.open_project(project)
            else:
                self.create_project(path / PROJECT_FOLDER, path)

    def open_project(self, folder: Path) -> bool:
        """Open a project, with the images that came into its folder since; False if it is not."""
        if folder.resolve() == self.folder:
            return True
        with Telling(self.report_failure, "Cannot open the project"):
            self.adopt(*open_store(folder))
            return True
        return False

    def create_project(
        self, folder: Path, images_folder: Path, categories: Sequence[str] = ("object",)
    ) -> None:
        """Make a project on a folder of images and open it.

        The folder is searched in the background: `project_opened` or `failed` follows.
        """
        self._images.search(
            self._jobs.start(
                Lane.IO,
                partial(make_project, folder, images_folder, tuple(categories)),
                on_done=self.open_project,
                on_failed=partial(self.report_failure, "Cannot make the project"),
            )
        )

    def close_project(self) -> str:
        """Close the project, if one is open; returns, and tells, what the disk has refused."""
        tell_lost(self.report_failure, lost := self._close())
        return lost

    def _close(self) -> str:
        self._images.stop_search()
        if self._store is None:
            return ""
        self.leaving.emit()
        busy = bool(self.exclusive.title)  # the work may write: nobody waits for its end here
        self.exclusive.forget()
        self._folding.fold()
        store, self._store = self._store, None
        if not busy and not self._read_only_reason:
            note_last_image(store, self._document)
        lost = self.saving.finish()
        self._document = self._history = None
        self._images.close()
        self._categories, self._read_only_reason = [], ""
        store.close(wait=not busy)
        self.image_opened.emit(0)
        self.history_changed.emit()
        self.project_closed.emit()
        return lost

    def report_failure(self, title: str, text: str) -> None:
        """Tell the person what went wrong."""
        self._failures += 1
        self.failed.emit(title, text)

    def open_image(self, image_id: int) -> bool:
        """Load the document of an image; returns whether it is open now."""
        if self._document is not None and self._document.image_id == image_id:
            return True
        told = self._failures
        self.leaving.emit()
        if self._document is not None and self._failures > told:
            return False  # what is being drawn could not be kept: it is still there
        self._folding.begin()
        with Telling(self.report_failure, "Cannot open the image"):
            document = self.store.load_document(image_id)
            if self.store.read_only and self.store.categories() != self._categories:
                self.reload_categories()  # others have added some since
            self._document, self._history = document, History(self.store, document)
            self.image_opened.emit(image_id)
            self.history_changed.emit()
            return True
        return False

    def next_image(self, step: int = 1) -> bool:
        """Open the image so many rows further (negative: before); False at the end."""
        row = self.row(self._document.image_id) + step if self._document is not None else 0
        return 0 <= row < len(self.images) and self.open_image(self.images[row].id)

    def next_todo(self) -> bool:
        """Open the next image that is to do, beginning anew at the end; False when all are done."""
        entry = self._images.table.next_todo(self._document.image_id if self._document else 0)
        return entry is not None and self.open_image(entry.id)

    def set_image_info(self, image_id: int, **told: Unpack[Told]) -> None:
        """Note what reading an image has told."""
        self._images.note([Measured(image_id, **told)])

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

    def jump(self, position: int) -> Change | None:
        """Undo or redo until so many edits of the open image are in force."""
        history = self._history
        return self._change(partial(history.jump, position)) if history is not None else None

    # Work that has the project to itself: `exclusive` runs it

    def expect_writing(self) -> None:
        """Raise a ProjectError that says why nothing can be changed now, when that is so."""
        if self.no_writing:
            raise ProjectError(self.no_writing)

    def refuse_writing(self, reason: str) -> None:
        """Change nothing any more, though the store could, until a project is opened."""
        self._read_only_reason = reason
        self._images.pause()
        self._folding.forget()
        self.exclusive.changed.emit()

    def leave_alone(self) -> None:
        """Write nothing any more until `read_anew`."""
        self.leaving.emit()
        self._images.pause()
        self._folding.fold()
        note_last_image(self.store, self._document)

    def read_anew(self) -> None:
        """Read what is in memory once more: somebody else has changed it on disk."""
        if self._store is None:
            return
        self.leaving.emit()
        image_id = self._document.image_id if self._document is not None else 0
        self._document = self._history = None  # whatever is read below, this one is stale
        with Telling(self.report_failure, "The project cannot be read"):
            self._images.open(self._store, ImageTable(self._store.images()))
            self.reload_categories()
            self.images_changed.emit()
            self._open_first(image_id)
            self._images.survey()
        if self._document is None:
            self.image_opened.emit(0)
            self.history_changed.emit()

    def set_review_status(self, status: ReviewStatus) -> None:
        """Say how far the annotation of the open image has come."""
        if self._document is not None and self._document.status is not status:
            self.push(SetReviewStatus(self._document.status, status))

    def new_instance_id(self) -> int:
        """An id for a new instance."""
        return self.store.new_instance_id()

    def setting(self, key: str, default: str = "") -> str:
        """A value kept with the project."""
        return self.store.setting(key, default)

    def set_setting(self, key: str, value: str) -> bool:
        """Keep a value with the project; False when that failed."""
        with Telling(self.report_failure, "Not saved"):
            self.expect_writing()
            self.store.set_setting(key, value)
            return True
        return False

    def adopt(self, store: Store, reason: str) -> None:
        """Put an opened store in the place of the open project; `reason`: why it is only read.

        Raises:
            ProjectError: It cannot be read; the project that was open stays open.
        """
        try:
            table = ImageTable(store.images())
            categories, last = store.categories(), last_image(store)
        except ProjectError:
            store.close()
            raise
        if self._document is not None and store.folder == self.folder:
            last = self._document.image_id
        lost = self._close()
        self._store, self._categories, self._read_only_reason = store, categories, reason
        self.saving.follow(store)
        self._images.open(store, table)
        self.project_opened.emit()
        self._open_first(last)
        self._images.survey()
        if not store.read_only:
            start_backup(self._jobs, store.folder, self.report_failure)
        tell_lost(self.report_failure, lost)

    def _open_first(self, last: int) -> None:
        """Open the image that was open last, or else the first that is not done, or the first."""
        entry = self._images.table.to_begin_with(last)
        if entry is not None:
            self.open_image(entry.id)

    def images_added(self) -> None:
        """The list of images has grown."""
        self.images_changed.emit()

    def image_measured(self, entry: ImageEntry) -> None:
        """More is known of an image; the open document learns its size at once."""
        if self._document is not None and self._document.image_id == entry.id:
            self._document.width, self._document.height = entry.width, entry.height
        self.image_entry_changed.emit(entry.id)

    def reload_categories(self) -> None:
        """Read the categories once more."""
        self._categories = self.store.categories()
        self.categories_changed.emit()

    def _change(self, make: Callable[[], Change | None]) -> Change | None:
        change, before = None, self._instance_count()
        with Telling(self.report_failure, "The change was not made"):
            self.expect_writing()
            change = make()
        if change is not None and self._document is not None:
            if change.status_changed:
                self._images.table.refresh(self.store, self._document.image_id)
            if change.status_changed or self._instance_count() != before:
                self.image_entry_changed.emit(self._document.image_id)
            self._folding.follow(self.store, self._document.image_id)
            self.document_changed.emit(change)
            self.history_changed.emit()
        return change

    def _instance_count(self) -> int:
        return len(self._document.instances) if self._document is not None else 0
