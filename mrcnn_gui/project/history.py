"""Undo and redo without limit, on disk: each call is one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.document import Change, EditError, ImageDocument
from mrcnn_gui.project.edits import Batch, Edit, SetReviewStatus
from mrcnn_gui.project.store import Store


class History:
    """Makes edits to a document and writes them down, both or neither.

    A call that fails leaves the document, the log and the cursor as they were, and raises
    CommitError when it was the disk that refused, EditError when the edit does not fit.
    Used inside `Store.transaction`, a later failure of that takes back the disk, not the document.
    """

    def __init__(self, store: Store, document: ImageDocument) -> None:
        self._store = store
        self._document = document
        self._log = store.edit_log(document.image_id)

    def push(self, edit: Edit) -> Change:
        """Make a new edit; what was undone before cannot be redone any more."""
        edit = self._started(edit)
        with self._made(edit) as change:
            self._log.append(edit)
        return change

    def undo(self) -> Change | None:
        """Take the last edit back; None when there is none."""
        edit = self._log.last()
        if edit is None:
            return None
        self._expect_own(self._log.cursor, self._log.cursor, "undo")
        with self._made(edit.inverse()) as change:
            self._log.step(-1)
        return change

    def redo(self) -> Change | None:
        """Make the last undone edit again; None when there is none."""
        edit = self._log.next()
        if edit is None:
            return None
        self._expect_own(self._log.cursor + 1, self._log.cursor + 1, "redo")
        with self._made(edit) as change:
            self._log.step(1)
        return change

    def jump(self, position: int) -> Change | None:
        """Undo or redo until so many edits are in force: all of them, or none.

        Returns:
            What changed; None when the history is there already.

        Raises:
            ValueError: The log has no such position.
            EditError: A project-wide edit lies on the way.
        """
        cursor, last = self._log.cursor, self._log.length
        if not 0 <= position <= last:
            raise ValueError(f"expected a position from 0 to {last}, got {position}")
        if position == cursor:
            return None
        edits = self._between(cursor, position)
        with self._made(Batch(edits, "Jump")) as change:
            self._log.step(position - cursor)
        return change

    def titles(self) -> list[str]:
        """Titles of all edits, oldest first; the first `position` of them are in force."""
        return self._log.titles()

    @property
    def position(self) -> int:
        """How many edits are in force."""
        return self._log.cursor

    @property
    def length(self) -> int:
        """How many edits there are, the undone ones included."""
        return self._log.length

    @property
    def can_undo(self) -> bool:
        """Whether an edit is in force."""
        return self._log.last_title() is not None

    @property
    def can_redo(self) -> bool:
        """Whether an undone edit waits."""
        return self._log.next_title() is not None

    @property
    def undo_title(self) -> str:
        """Title of the edit that undo takes back; "" when there is none."""
        return self._log.last_title() or ""

    @property
    def redo_title(self) -> str:
        """Title of the edit that redo makes again; "" when there is none."""
        return self._log.next_title() or ""

    def _between(self, cursor: int, position: int) -> tuple[Edit, ...]:
        """What leads from one position to another."""
        forwards = position > cursor
        first, last = min(cursor, position) + 1, max(cursor, position)
        self._expect_own(first, last, "redo" if forwards else "undo")
        edits = [edit for it in range(first, last + 1) if (edit := self._log.at(it)) is not None]
        return tuple(edits) if forwards else Batch(tuple(edits), "").inverse().edits

    def _expect_own(self, first: int, last: int, verb: str) -> None:
        step = self._log.project_step(first, last)
        if step is not None:
            images = "1 image" if step[1] == 1 else f"{step[1]} images"
            raise EditError(
                f"this belongs to '{step[0]}' on {images}: {verb} it with Edit > Project history"
            )

    def _started(self, edit: Edit) -> Edit:
        """The first content edit of a to-do image puts it in progress."""
        if self._document.status is not ReviewStatus.TODO or _sets_status(edit):
            return edit
        start = SetReviewStatus(ReviewStatus.TODO, ReviewStatus.IN_PROGRESS)
        return Batch((start, edit), edit.title)

    @contextmanager
    def _made(self, edit: Edit) -> Iterator[Change]:
        """Apply an edit and save what it changed, together with what the body writes."""
        decided = dict(self._document.decisions)
        change = self._document.apply(edit)
        try:
            with self._store.transaction():
                self._store.save_change(self._document, change, decided)
                yield change
        except BaseException:
            self._document.apply(edit.inverse())
            raise


def _sets_status(edit: Edit) -> bool:
    if isinstance(edit, Batch):
        return any(_sets_status(part) for part in edit.edits)
    return isinstance(edit, SetReviewStatus)
