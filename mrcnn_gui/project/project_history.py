"""Changes over many images, made and undone as one, with a history of their own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from mrcnn_gui.project.annotation_table import AnnotationTable
from mrcnn_gui.project.category_table import CategoryTable
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.document import EditError
from mrcnn_gui.project.edit_log import EditLog
from mrcnn_gui.project.edits import (
    AddInstance,
    Batch,
    Edit,
    RemoveInstance,
    SetCategory,
)
from mrcnn_gui.project.errors import DamagedProjectError

_NAMED = 3  # images that a refusal names

_COLUMNS = "id, name, color, key, description, supercategory, attributes, original"

# Images whose rows or logs speak of the category: undoing there needs its row.
_TOUCHED = """SELECT image_id FROM instances WHERE category_id = ?1
    UNION SELECT image_id FROM edits WHERE edit LIKE '%"category_id":' || ?1 || ',%'
    OR edit LIKE '%"before":' || ?1 || ',%' OR edit LIKE '%"after":' || ?1 || '}%'
    ORDER BY image_id"""


@dataclass(frozen=True)
class ProjectStep:
    """A project-wide edit: its title, how many images it touches, whether it was undone."""

    title: str
    images: int
    undone: bool


class ProjectHistory:
    """Project-wide edits: each writes one entry into the log of every image that it touches.

    Each call is one transaction. A document in memory is stale afterwards: load it again.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._categories = CategoryTable(database)
        self._annotations = AnnotationTable(database)

    def steps(self) -> list[ProjectStep]:
        """All project-wide edits, oldest first; those that are undone come last."""
        rows = self._database.execute(
            "SELECT title, (SELECT count(*) FROM edits WHERE project_edit = project_edits.id), "
            "undone FROM project_edits ORDER BY id"
        )
        return [ProjectStep(title, images, bool(undone)) for title, images, undone in rows]

    def merged(self) -> dict[int, int]:
        """For each category that was merged into another one, and is gone, which; by ids."""
        rows = self._database.execute("SELECT edit FROM project_edits WHERE undone = 0 ORDER BY id")
        records = [json.loads(record) for (record,) in rows]
        return {it["category"][0]: it["into"] for it in records if it.get("into") is not None}

    def gone_categories(self) -> set[int]:
        """Ids that stay free: model versions may know a category by them that was removed."""
        return self._categories.gone()

    def instance_count(self, category_id: int) -> tuple[int, int]:
        """How many instances a category has, and on how many images."""
        rows = self._database.execute(
            "SELECT count(*), count(DISTINCT image_id) FROM instances WHERE category_id = ?",
            (category_id,),
        )
        return int(rows[0][0]), int(rows[0][1])

    def merge_category(self, category_id: int, into: int) -> int:
        """Make all instances of a category instances of another, and remove the category.

        Returns:
            How many images this touched.

        Raises:
            EditError: The two are one, or one is not there.
        """
        if category_id == into:
            raise EditError("expected two categories to merge, got the same one twice")
        title = f"Merge {self._name(category_id)} into {self._name(into)}"
        return self._make(title, category_id, into)

    def delete_category(self, category_id: int) -> int:
        """Remove a category with all its instances; returns how many images this touched.

        Raises:
            EditError: There is no such category.
        """
        return self._make(f"Delete {self._name(category_id)}", category_id, None)

    def undo(self) -> str | None:
        """Take the last project-wide edit back on all its images; its title, None without one.

        Raises:
            EditError: Images have later edits in force; the message names some.
        """
        found = self._step("WHERE undone = 0 ORDER BY id DESC LIMIT 1")
        if found is None:
            return None
        step_id, title, record = found
        with self._database.transaction():
            self._expect_cursor(step_id, title, 0)
            self._restore(record["category"], title)
            self._write_all(step_id, backwards=True)
            self._move(step_id, -1)
        return title

    def redo(self) -> str | None:
        """Make the first undone project-wide edit again; its title, None without one.

        Raises:
            EditError: Images were edited since; the message names some.
        """
        found = self._step("WHERE undone = 1 ORDER BY id LIMIT 1")
        if found is None:
            return None
        step_id, title, record = found
        with self._database.transaction():
            self._expect_all(step_id, title, record)
            self._expect_cursor(step_id, title, 1)
            self._write_all(step_id, backwards=False)
            self._drop_category(record["category"][0], title)
            self._move(step_id, 1)
        return title

    def _make(self, title: str, category_id: int, into: int | None) -> int:
        with self._database.transaction():
            self._forget_undone()
            row = self._database.execute(
                f"SELECT {_COLUMNS} FROM categories WHERE id = ?", (category_id,)
            )[0]
            images = [row[0] for row in self._database.execute(_TOUCHED, (category_id,))]
            record = {"category": row, "images": len(images), "into": into}
            step_id = self._note(title, record)
            for image_id in images:
                edit = Batch(tuple(self._parts(image_id, category_id, into)), title)
                EditLog(self._database, image_id).append(edit, step_id)
                self._write(image_id, edit)
            self._drop_category(category_id, title)
        return len(images)

    def _parts(self, image_id: int, category_id: int, into: int | None) -> Iterator[Edit]:
        if into is None:
            for instance in self._annotations.instances(image_id):
                if instance.category_id == category_id:
                    yield RemoveInstance(instance)
            return
        rows = self._database.execute(
            "SELECT id FROM instances WHERE image_id = ? AND category_id = ? ORDER BY id",
            (image_id, category_id),
        )
        for (instance_id,) in rows:
            yield SetCategory(instance_id, category_id, into)

    def _write_all(self, step_id: int, *, backwards: bool) -> None:
        images = self._database.execute(
            "SELECT image_id, position FROM edits WHERE project_edit = ?", (step_id,)
        )
        for image_id, position in images:
            edit = EditLog(self._database, image_id).at(position)
            if edit is None:
                raise DamagedProjectError(f"edit {position} of image {image_id} is missing")
            self._write(image_id, edit.inverse() if backwards else edit)

    def _write(self, image_id: int, edit: Edit) -> None:
        """Change the rows that an entry speaks of; no mask is decoded for a category."""
        parts = edit.edits if isinstance(edit, Batch) else (edit,)
        categories = [(it.after, it.instance_id) for it in parts if isinstance(it, SetCategory)]
        removed = [(it.instance.id,) for it in parts if isinstance(it, RemoveInstance)]
        self._database.execute_many(
            "UPDATE instances SET category_id = ?, untouched = 0 WHERE id = ?", categories
        )
        self._database.execute_many("DELETE FROM instances WHERE id = ?", removed)
        added = [it.instance for it in parts if isinstance(it, AddInstance)]
        self._annotations.insert(image_id, added)

    def _step(self, which: str) -> tuple[int, str, dict[str, list[object]]] | None:
        rows = self._database.execute(f"SELECT id, title, edit FROM project_edits {which}")
        return (rows[0][0], rows[0][1], json.loads(rows[0][2])) if rows else None

    def _note(self, title: str, record: object) -> int:
        rows = self._database.execute(
            "INSERT INTO project_edits (title, edit) VALUES (?, ?) RETURNING id",
            (title, json.dumps(record)),
        )
        return int(rows[0][0])

    def _move(self, step_id: int, count: int) -> None:
        self._database.execute(
            "UPDATE images SET cursor = cursor + ? "
            "WHERE id IN (SELECT image_id FROM edits WHERE project_edit = ?)",
            (count, step_id),
        )
        self._database.execute(
            "UPDATE project_edits SET undone = ? WHERE id = ?", (count < 0, step_id)
        )

    def _forget_undone(self) -> None:
        """Undone project-wide edits go, with the undone entries that stand on them."""
        self._database.execute(
            "DELETE FROM edits WHERE position >= (SELECT min(other.position) FROM edits AS other "
            "JOIN project_edits ON project_edits.id = other.project_edit AND undone = 1 "
            "WHERE other.image_id = edits.image_id)"
        )
        self._database.execute("DELETE FROM project_edits WHERE undone = 1")

    def _expect_cursor(self, step_id: int, title: str, behind: int) -> None:
        rows = self._database.execute(
            "SELECT path FROM edits JOIN images ON images.id = edits.image_id "
            "WHERE project_edit = ? AND cursor != position - ? ORDER BY images.id",
            (step_id, behind),
        )
        if rows:
            verb = "redone" if behind else "undone"
            names = ", ".join(path for (path,) in rows[:_NAMED])
            more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
            one = len(rows) == 1
            if behind:
                what = f"{'is' if one else 'are'} not as it left {'it' if one else 'them'}"
            else:
                what = f"{'has' if one else 'have'} later edits; undo those first"
            raise EditError(f"'{title}' cannot be {verb}: {names}{more} {what}")

    def _expect_all(self, step_id: int, title: str, record: dict[str, list[object]]) -> None:
        rows = self._database.execute(
            "SELECT count(*) FROM edits WHERE project_edit = ?", (step_id,)
        )
        if rows[0][0] != record["images"]:
            raise EditError(f"'{title}' cannot be redone: images of it were edited since")

    def _restore(self, row: list[object], title: str) -> None:
        category_id, name, _, key = row[:4]
        for category in self._categories.all():
            if category_id == category.id or name == category.name:
                raise EditError(
                    f"'{title}' cannot be undone: the category {category.name!r} was added since, "
                    f"with the same name or number"
                )
            if key == category.key:
                row = [*row[:3], None, *row[4:]]
        self._database.execute(
            f"INSERT INTO categories ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row
        )

    def _drop_category(self, category_id: object, title: str) -> None:
        rows = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM instances WHERE category_id = ?)", (category_id,)
        )
        if rows[0][0]:
            raise EditError(f"'{title}' cannot be redone: the category is used by other instances")
        self._database.execute("DELETE FROM categories WHERE id = ?", (category_id,))

    def _name(self, category_id: int) -> str:
        for category in self._categories.all():
            if category.id == category_id:
                return category.name
        raise EditError(f"there is no category with the id {category_id}")
