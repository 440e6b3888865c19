"""Which images of a project somebody wants to see: one statement, however many images there are."""

from dataclasses import dataclass
from typing import Any

from mrcnn_gui.project.annotation import ReviewStatus, Side, Source
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.paths import shown_name


@dataclass(frozen=True)
class ImageQuery:
    """What an image must have; None and "" ask for nothing.

    Attributes:
        text: Words that its name must hold, all of them, in any case.
        status: How far its annotation has come.
        side: What it is used for.
        category_id: A category that one of its instances has.
        source: Who made one of its instances.
        has_problem: Whether it cannot be used.
    """

    text: str = ""
    status: ReviewStatus | None = None
    side: Side | None = None
    category_id: int | None = None
    source: Source | None = None
    has_problem: bool | None = None


def find_images(database: Database, query: ImageQuery) -> list[int]:
    """The ids of the images that have it all, in the order in which they were added."""
    conditions, parameters = _conditions(query)
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    words = query.text.casefold().split()
    if not words:
        rows = database.execute(f"SELECT id FROM images {where} ORDER BY id", parameters)
        return [image_id for (image_id,) in rows]
    rows = database.execute(f"SELECT id, path FROM images {where} ORDER BY id", parameters)
    return [image_id for image_id, path in rows if name_holds(shown_name(path), words)]


def name_holds(name: str, words: list[str]) -> bool:
    """Whether a name holds all of some words, which are case-folded, in any case."""
    folded = name.casefold()
    return all(word in folded for word in words)


def _conditions(query: ImageQuery) -> tuple[list[str], list[Any]]:
    instances = "EXISTS (SELECT 1 FROM instances WHERE image_id = images.id AND"
    wanted = {
        "status = ?": query.status,
        "side = ?": query.side,
        "id IN (SELECT image_id FROM instances WHERE category_id = ?)": query.category_id,
        f"{instances} source = ?)": query.source,
        "(problem <> '') = ?": query.has_problem,
    }
    asked = {sql: value for sql, value in wanted.items() if value is not None}
    return list(asked), list(asked.values())
