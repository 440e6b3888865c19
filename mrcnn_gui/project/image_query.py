"""Which images of a project somebody wants to see: one statement, however many images there are."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus, Side, Source
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

    @property
    def words(self) -> list[str]:
        """The words of the text, case-folded."""
        return self.text.casefold().split()

    def fits(self, entry: ImageEntry) -> bool:
        """Whether an image has all that can be told without its instances."""
        return (
            self.status in (None, entry.status)
            and self.side in (None, entry.side)
            and self.has_problem in (None, bool(entry.problem))
            and _holds(entry.path, self.words)
        )


def find_images(database: Database, query: ImageQuery) -> list[int]:
    """The ids of the images that have it all, in the order in which they were added."""
    words = query.words
    conditions = [*_conditions(query), *((_MAY_HOLD, _pattern(word)) for word in words)]
    where = " AND ".join(sql for sql, _ in conditions) or "TRUE"
    values = [value for _, value in conditions]
    if not words:
        # As one text: a hundred thousand rows cost twice the time of finding them.
        ids = f"SELECT id FROM images WHERE {where} ORDER BY id"
        [[found]] = database.execute(f"SELECT json_group_array(id) FROM ({ids})", values)
        return list(orjson.loads(found))
    unsure = "path" if any(map(_is_tricky, words)) else _UNSURE
    rows = database.execute(f"SELECT id, {unsure} FROM images WHERE {where} ORDER BY id", values)
    return [image_id for image_id, path in rows if path is None or _holds(path, words)]


# SQLite folds the case of ASCII alone, and sees what `shown_name` leaves out: it sorts out the
# many paths that cannot hold a word, and names those that have to be looked at once more.
_FOREIGN = "length(path) <> length(CAST(path AS BLOB))"
_MAY_HOLD = f"(path LIKE ? ESCAPE '|' OR {_FOREIGN})"
_UNSURE = f"CASE WHEN path LIKE '/%' OR {_FOREIGN} THEN path END"

_SURROGATE = re.compile("[\ud800-\udfff]")  # a byte of a name that is no UTF-8


def _conditions(query: ImageQuery) -> list[tuple[str, Any]]:
    wanted: dict[str, Any] = {
        "status = ?": query.status,
        "side = ?": query.side,
        "(problem <> '') = ?": query.has_problem,
        "id IN (SELECT image_id FROM instances WHERE category_id = ?)": query.category_id,
        "EXISTS (SELECT 1 FROM instances WHERE image_id = images.id AND source = ?)": query.source,
    }
    return [(sql, value) for sql, value in wanted.items() if value is not None]


def _pattern(word: str) -> str:
    for special in "|%_":
        word = word.replace(special, "|" + special)
    return f"%{_SURROGATE.sub('%', word)}%"


def _is_tricky(word: str) -> bool:
    """Whether a word may be found in the steps up that a stored path begins with, or is no text."""
    return "/" in word or not word.strip(".") or _SURROGATE.search(word) is not None


def _holds(path: str, words: list[str]) -> bool:
    name = shown_name(path).casefold()
    return all(word in name for word in words)
