"""The log of one image's edits, and the cursor: how many of them are in force."""

from collections import OrderedDict

from mrcnn_gui.project.database import Database
from mrcnn_gui.project.edits import Edit, decode_edit, encode_edit
from mrcnn_gui.project.errors import DamagedProjectError

_REMEMBERED = 20  # edits, so that undo and redo of what was just done decode nothing


class EditLog:
    """Edits 1..cursor are in force; those behind the cursor were undone and can be redone.

    What it says is what the disk says: in memory are only the last edits that were read from
    their text or written as it. Writing belongs inside a transaction of the database.
    """

    def __init__(self, database: Database, image_id: int) -> None:
        self._database = database
        self._image_id = image_id
        self._known: OrderedDict[str, Edit] = OrderedDict()  # by the text of each

    @property
    def cursor(self) -> int:
        """Number of edits in force."""
        rows = self._database.execute("SELECT cursor FROM images WHERE id = ?", (self._image_id,))
        return int(rows[0][0])

    @property
    def length(self) -> int:
        """Number of edits, the undone ones included."""
        rows = self._database.execute(
            "SELECT ifnull(max(position), 0) FROM edits WHERE image_id = ?", (self._image_id,)
        )
        return int(rows[0][0])

    @property
    def is_empty(self) -> bool:
        """Whether there is neither an edit in force nor an undone one."""
        rows = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM edits WHERE image_id = ?)", (self._image_id,)
        )
        return not rows[0][0]

    def append(self, edit: Edit, project_edit: int | None = None) -> None:
        """Write an edit behind the cursor, in place of all that was undone, and move over it."""
        position, text = self.cursor + 1, encode_edit(edit)
        self._database.execute(
            "DELETE FROM edits WHERE image_id = ? AND position >= ?", (self._image_id, position)
        )
        self._database.execute(
            "INSERT INTO edits (image_id, position, title, edit, project_edit) "
            "VALUES (?, ?, ?, ?, ?)",
            (self._image_id, position, edit.title, text, project_edit),
        )
        self._remember(text, edit)
        self.step(1)

    def step(self, count: int) -> None:
        """Move the cursor."""
        self._database.execute(
            "UPDATE images SET cursor = cursor + ? WHERE id = ?", (count, self._image_id)
        )

    def last(self) -> Edit | None:
        """The edit that undo would take back."""
        return self.at(self.cursor)

    def next(self) -> Edit | None:
        """The edit that redo would make again."""
        return self.at(self.cursor + 1)

    def last_title(self) -> str | None:
        """What undo would take back."""
        return self._column("title", self.cursor)

    def next_title(self) -> str | None:
        """What redo would make again."""
        return self._column("title", self.cursor + 1)

    def titles(self) -> list[str]:
        """Titles of all edits, oldest first: those in force, then the undone ones."""
        rows = self._database.execute(
            "SELECT title FROM edits WHERE image_id = ? ORDER BY position", (self._image_id,)
        )
        return [title for (title,) in rows]

    def project_step(self, first: int, last: int) -> tuple[str, int] | None:
        """Title and number of images of a project-wide edit that has one of these positions."""
        rows = self._database.execute(
            "SELECT title, (SELECT count(*) FROM edits AS other "
            "WHERE other.project_edit = edits.project_edit) FROM edits "
            "WHERE image_id = ? AND position BETWEEN ? AND ? AND project_edit NOT NULL LIMIT 1",
            (self._image_id, first, last),
        )
        return (rows[0][0], rows[0][1]) if rows else None

    def at(self, position: int) -> Edit | None:
        """The edit at a position, from 1; None when there is none."""
        text = self._column("edit", position)
        if text is None:
            return None
        if text in self._known:
            return self._known[text]
        try:
            edit = decode_edit(text)
        except ValueError as error:
            raise DamagedProjectError(
                f"edit {position} of image {self._image_id} is damaged ({error})"
            ) from error
        self._remember(text, edit)
        return edit

    def _remember(self, text: str, edit: Edit) -> None:
        self._known[text] = edit
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def _column(self, name: str, position: int) -> str | None:
        rows = self._database.execute(
            f"SELECT {name} FROM edits WHERE image_id = ? AND position = ?",
            (self._image_id, position),
        )
        return rows[0][0] if rows else None
