"""The table of categories."""

from dataclasses import replace

from mrcnn_gui.project.annotation import Category
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.palette import next_color
from mrcnn_gui.project.rows import (
    CATEGORY_COLUMNS,
    category_from_row,
    category_to_row,
    places,
)

_KEYS = range(1, 10)


class CategoryTable:
    """Categories of one project; writing belongs inside a transaction of the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Category]:
        """All categories, by id."""
        rows = self._database.execute(f"SELECT {CATEGORY_COLUMNS} FROM categories ORDER BY id")
        return [category_from_row(row) for row in rows]

    def add(self, name: str, color: str | None, category_id: int | None) -> Category:
        """Add a category; what is None is chosen.

        Raises:
            ValueError: The name is empty or taken, or the id is taken.
        """
        others = self.all()
        ids = {other.id for other in others}
        if category_id is None:
            category_id = max(ids | self.gone(), default=0) + 1
        if category_id in ids:
            raise ValueError(f"there is a category with the id {category_id} already")
        taken = {other.key for other in others}
        key = next((key for key in _KEYS if key not in taken), None)
        color = color or next_color([other.color for other in others])
        category = Category(category_id, _checked_name(name, others), color, key)
        self._database.execute(
            f"INSERT INTO categories ({CATEGORY_COLUMNS}) VALUES ({places(CATEGORY_COLUMNS)})",
            category_to_row(category),
        )
        return category

    def gone(self) -> set[int]:
        """Ids of categories that were merged or deleted: model versions may still know them."""
        rows = self._database.execute(
            "SELECT json_extract(edit, '$.category[0]') FROM project_edits"
        )
        return {int(row[0]) for row in rows}

    def is_used(self, category_id: int) -> bool:
        """Whether an instance has it, or an edit may speak of it."""
        rows = self._database.execute(
            "SELECT EXISTS (SELECT 1 FROM instances WHERE category_id = ?) "
            "OR EXISTS (SELECT 1 FROM edits)",
            (category_id,),
        )
        return bool(rows[0][0])

    def renumber(self, old: int, new: int) -> None:
        """Give a category that is not used another id, which must be free."""
        self._database.execute("UPDATE categories SET id = ? WHERE id = ?", (new, old))

    def note_record(self, category_id: int, record: str) -> None:
        """Keep the imported COCO record, as canonical JSON."""
        self._database.execute(
            "UPDATE categories SET original = ? WHERE id = ?", (record, category_id)
        )

    def records(self) -> dict[int, str]:
        """The imported COCO records, by category id; "" for none."""
        return dict(self._database.execute("SELECT id, original FROM categories ORDER BY id"))

    def update(self, category: Category) -> None:
        """Change the category with this id.

        Raises:
            ValueError: The name is empty or taken, or the key is taken, or no such category is.
        """
        categories = self.all()
        others = [other for other in categories if other.id != category.id]
        if len(others) == len(categories):
            raise ValueError(f"there is no category with the id {category.id}")
        name = _checked_name(category.name, others)
        _check_key(category.key, others)
        self._database.execute(
            f"UPDATE categories SET ({CATEGORY_COLUMNS}) = ({places(CATEGORY_COLUMNS)}) "
            "WHERE id = ?",
            (*category_to_row(replace(category, name=name)), category.id),
        )


def _checked_name(name: str, others: list[Category]) -> str:
    name = name.strip()
    if not name:
        raise ValueError("a category needs a name")
    if any(other.name == name for other in others):
        raise ValueError(f"there is a category called {name!r} already")
    return name


def _check_key(key: int | None, others: list[Category]) -> None:
    if key is None:
        return
    if key not in _KEYS:
        raise ValueError(f"expected a key from 1 to 9, got {key}")
    for other in others:
        if other.key == key:
            raise ValueError(f"the key {key} belongs to {other.name!r} already")
