"""The images of the open project: listed at once, measured and looked for in the background."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.images_folder import images_folder_of
from mrcnn_gui.project.store import ProjectError, Store
from mrcnn_gui.services.failures import Telling
from mrcnn_gui.services.image_folder import find_new_images
from mrcnn_gui.services.image_survey import ImageSurvey, Measured
from mrcnn_gui.services.image_table import ImageTable
from mrcnn_gui.services.jobs import Job, JobRunner, Lane, describe

Report = Callable[[str, str], None]


class Listener(Protocol):
    """Who hears of changes."""

    def images_added(self) -> None:
        """Images were added."""

    def image_measured(self, entry: ImageEntry) -> None:
        """More is known of an image, or something else."""


class ProjectImages:
    """The list of images in memory, and the jobs that complete it.

    Attributes:
        table: The images; empty while no project is open.
    """

    def __init__(self, jobs: JobRunner, listener: Listener, report: Report) -> None:
        self.table = ImageTable()
        self._jobs, self._listener, self._report = jobs, listener, report
        self._survey = ImageSurvey(jobs, self.note)
        self._store: Store | None = None
        self._search: Job | None = None
        self._can_note = True

    def open(self, store: Store, table: ImageTable) -> None:
        """Take over the images of a project that was just opened."""
        self._store, self.table, self._can_note = store, table, True

    def survey(self) -> None:
        """Read what is not known yet, and look for new files where they can be added."""
        if self._store is None:
            return
        self._survey.add(self._store.folder, self.table.entries)
        if not self._store.read_only:
            self._look_for_new(self._store)

    def pause(self) -> None:
        """Write nothing until `open` is called again: somebody else has the project."""
        self.stop_search()
        self._survey.stop()
        self._can_note = False

    def close(self) -> None:
        """Forget the project's images."""
        self.stop_search()
        self._survey.stop()
        self._store, self.table = None, ImageTable()

    def search(self, job: Job) -> None:
        """Keep the job that looks for images, so that it can be stopped."""
        self.stop_search()
        self._search = job

    def stop_search(self) -> None:
        """Nobody waits for the search any more."""
        if self._search is not None:
            self._search.cancel()
            self._search = None

    def note(self, batch: Sequence[Measured]) -> bool:
        """Keep what reading images has told; a failure is told once in a project."""
        if not self._can_note or self._store is None:
            return False
        try:
            entries = self.table.note(self._store, batch)
        except ProjectError as error:
            self._can_note = False
            self._report("What is known of the images could not be saved", describe(error))
            return False
        for entry in entries:
            self._listener.image_measured(entry)
        return True

    def _look_for_new(self, store: Store) -> None:
        folder = images_folder_of(store)
        if folder is None:
            return
        known = tuple(self.table.entries)
        self.search(
            self._jobs.start(
                Lane.IO, find_new_images, store.folder, folder, known, on_done=self._add
            )
        )

    def _add(self, paths: list[Path]) -> None:
        if not paths or self._store is None:
            return
        with Telling(self._report, "New images could not be added"):
            added = self._store.add_images(paths)
            self.table.add(added)
            self._listener.images_added()
            self._survey.add(self._store.folder, added)
