"""Edits of the project as a whole: its categories, and what touches many images at once."""

from collections.abc import Callable
from pathlib import PurePosixPath

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.project.annotation import Category, Side
from mrcnn_gui.project.project_history import ProjectHistory, ProjectStep
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.services.failures import Telling
from mrcnn_gui.services.session import Session


class ProjectEdits(QObject):
    """Changes categories; merging, deleting and what undoes them run with the project to itself.

    What fails is told by the session, and leaves everything as it was.
    """

    finished = Signal(str)  # what was done, for people

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session

    # Categories

    def add_category(self, name: str, color: str | None = None) -> Category | None:
        """Add a category; None when that failed, for one because the name is taken."""
        with Telling(self._session.report_failure, "Cannot add the category"):
            self._session.expect_writing()
            category = self._session.store.add_category(name, color=color)
            self._session.reload_categories()
            return category
        return None

    def update_category(self, category: Category) -> bool:
        """Change name, colour or key of a category; False when that failed."""
        with Telling(self._session.report_failure, "Cannot change the category"):
            self._session.expect_writing()
            self._session.store.update_category(category)
            self._session.reload_categories()
            return True
        return False

    def use_of(self, category_id: int) -> tuple[int, int]:
        """How many instances a category has, and on how many images."""
        return self._session.store.project_history.instance_count(category_id)

    # Many images at once

    def merge_category(self, category_id: int, into: int) -> None:
        """Make all instances of a category instances of another, and remove the category."""
        self._run("Merge categories", _merge, category_id, into)

    def delete_category(self, category_id: int) -> None:
        """Remove a category with all its instances."""
        self._run("Delete category", _delete, category_id)

    def toggle_test(self, image_id: int) -> None:
        """Keep an image for test, or take that back."""
        self._run("Keep for test", _toggle_test, image_id)

    def steps(self) -> list[ProjectStep]:
        """All such edits, oldest first; those that are undone come last."""
        return self._session.store.project_history.steps()

    def undo(self) -> None:
        """Take the last one back on all its images; refused where later edits stand on it."""
        self._run("Undo on all images", _undo)

    def redo(self) -> None:
        """Make the first undone one again."""
        self._run("Redo on all images", _redo)

    def _run(self, title: str, work: Callable[..., str], *args: object) -> None:
        self._session.exclusive.run(title, work, *args, on_done=self.finished.emit)


def _history(store: Store) -> ProjectHistory:
    return store.project_history


def _merge(store: Store, category_id: int, into: int, _: Course) -> str:
    return _images("Merged", _history(store).merge_category(category_id, into))


def _delete(store: Store, category_id: int, _: Course) -> str:
    return _images("Deleted", _history(store).delete_category(category_id))


def _toggle_test(store: Store, image_id: int, _: Course) -> str:
    from mrcnn_gui.workflows.holding_out import give_back, hold_out  # loads libvips: not at start

    entry = store.image(image_id)
    name = PurePosixPath(entry.path).name
    if entry.side is Side.TEST:
        return f"{_with_group(name, give_back(store, entry))} not kept for test any more."
    held = hold_out(store, [entry])
    if held.problems:
        return f"{held.problems[0]}. Choose an image on which nothing is done yet."
    return f"{_with_group(name, held.images)} kept for test: no version learns from it."


def _with_group(name: str, images: int) -> str:
    return f"{name} and {images - 1} more of its group are" if images > 1 else f"{name} is"


def _undo(store: Store, _: Course) -> str:
    title = _history(store).undo()
    return f"Undone: {title}" if title else "There is nothing to undo."


def _redo(store: Store, _: Course) -> str:
    title = _history(store).redo()
    return f"Done again: {title}" if title else "There is nothing to redo."


def _images(verb: str, count: int) -> str:
    return (
        f"{verb} on {count:,} {'image' if count == 1 else 'images'}. Undo: Edit > Project history"
    )
