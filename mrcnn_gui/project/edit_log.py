"""The log of one image's edits, and the cursor: how many of them are in force."""

from mrcnn_gui.project.database import Database
from mrcnn_gui.project.edits import Edit, decode_edit, encode_edit
from mrcnn_gui.project.errors import DamagedProjectError


class EditLog:
    """Edits 1..cursor are in force; those behind the cursor were undone and can be redone.

    Nothing is held in memory: what it says is what the disk says. Writing belongs inside a
    transaction of the database.
    """

    def __init__(self, database: Database, image_id: int) -> None:
        self._database = database
        self._image_id = image_id

    @property
    def cursor(self) -> int:
        """Number of edits in force."""
        rows = self._database.execute("SELECT cursor FROM images WHERE id = ?", (self._image_id,))
        return int(rows[0][0])

    @property
    def is_empty(self) -> bool:
        """Whether there is neither an edit in force nor an undone one."""
        rows = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM edits WHERE image_id = ?)", (self._image_id,)
        )
        return not rows[0][0]

    def append(self, edit: Edit) -> None:
        """Write an edit behind the cursor, in place of all that was undone, and move over it."""
        position = self.cursor + 1
        self._database.execute(
            "DELETE FROM edits WHERE image_id = ? AND position >= ?", (self._image_id, position)
        )
        self._database.execute(
            "INSERT INTO edits (image_id, position, title, edit) VALUES (?, ?, ?, ?)",
            (self._image_id, position, edit.title, encode_edit(edit)),
        )
        self.step(1)

    def step(self, count: int) -> None:
        """Move the cursor."""
        self._database.execute(
            "UPDATE images SET cursor = cursor + ? WHERE id = ?", (count, self._image_id)
        )

    def last(self) -> Edit | None:
        """The edit that undo would take back."""
        return self._edit(self.cursor)

    def next(self) -> Edit | None:
        """The edit that redo would make again."""
        return self._edit(self.cursor + 1)

    def last_title(self) -> str | None:
        """What undo would take back."""
        return self._column("title", self.cursor)

    def next_title(self) -> str | None:
        """What redo would make again."""
        return self._column("title", self.cursor + 1)

    def _edit(self, position: int) -> Edit | None:
        text = self._column("edit", position)
        if text is None:
            return None
        try:
            return decode_edit(text)
        except ValueError as error:
            raise DamagedProjectError(
                f"edit {position} of image {self._image_id} is damaged ({error})"
            ) from error

    def _column(self, name: str, position: int) -> str | None:
        rows = self._database.execute(
            f"SELECT {name} FROM edits WHERE image_id = ? AND position = ?",
            (self._image_id, position),
        )
        return rows[0][0] if rows else None
