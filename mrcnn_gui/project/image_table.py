"""The table of images."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus, Side
from mrcnn_gui.project.database import Database
from mrcnn_gui.project.errors import CommitError, ProjectError
from mrcnn_gui.project.paths import full_path, stored_paths
from mrcnn_gui.project.rows import IMAGE_COLUMNS, image_from_row
from mrcnn_gui.project.sides import decided_side

if TYPE_CHECKING:
    from mrcnn_gui.project.content import Content


class Told(TypedDict, total=False):
    """What reading a file has told of an image, by its columns."""

    width: int
    height: int
    content_hash: str
    file_size: int
    modified_ns: int
    problem: str


@dataclass(frozen=True)
class FoundFile:
    """The file of an image whose old one is gone.

    Attributes:
        image_id: Which image.
        path: As the project keeps paths.
        size: In bytes.
        modified_ns: When it was changed last, in ns since 1970.
        content_hash: Hash of its bytes.
    """

    image_id: int
    path: str
    size: int
    modified_ns: int
    content_hash: str


class ImageTable:
    """Images of one project; writing belongs inside a transaction of the database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def add(self, paths: Iterable[Path]) -> list[ImageEntry]:
        """Add the images that are not there yet, in this order, and return those."""
        last = self._database.execute("SELECT ifnull(max(id), 0) FROM images")[0][0]
        self.insert(paths)
        return self._select("WHERE id > ?", last)

    def insert(self, paths: Iterable[Path]) -> None:
        """The same for a hundred thousand images that nobody asks back."""
        known = {path for (path,) in self._database.execute("SELECT path FROM images")}
        stored = dict.fromkeys(stored_paths(paths, self._folder))
        [[highest]] = self._database.execute("SELECT ifnull(max(export_id), 0) FROM images")
        new = (path for path in stored if path not in known)
        self._database.execute_many(
            "INSERT INTO images (path, export_id) VALUES (CAST(? AS TEXT), ?)",
            ((_as_bytes(path), number) for number, path in enumerate(new, highest + 1)),
        )

    def all(self) -> list[ImageEntry]:
        """All images, in the order in which they were added."""
        return self._select("")

    def get(self, image_id: int) -> ImageEntry:
        """One image.

        Raises:
            ProjectError: There is none with this id.
        """
        found = self._select("WHERE id = ?", image_id)
        if not found:
            raise ProjectError(f"the project has no image with the id {image_id}")
        return found[0]

    def path(self, entry: ImageEntry) -> Path:
        """Where the file of an image is."""
        return full_path(entry.path, self._folder)

    def set_columns(self, image_id: int, values: Mapping[str, Any]) -> None:
        """Change some columns of one image."""
        if values:
            assignments = ", ".join(f"{name} = ?" for name in values)
            self._database.execute(
                f"UPDATE images SET {assignments} WHERE id = ?", (*values.values(), image_id)
            )

    def set_files(self, files: Iterable[FoundFile]) -> None:
        """Put files in the place of those that are gone; what else is known stays."""
        self._database.execute_many(
            "UPDATE images SET path = CAST(? AS TEXT), file_size = ?, modified_ns = ?, "
            "content_hash = ?, problem = '' WHERE id = ?",
            (
                (_as_bytes(it.path), it.size, it.modified_ns, it.content_hash, it.image_id)
                for it in files
            ),
        )

    def set_status(self, image_id: int, status: ReviewStatus) -> None:
        """Change the review status; an image that is done for the first time gets its side.

        Raises:
            CommitError: The side depends on the image's content, which cannot be read.
        """
        self.set_columns(image_id, {"status": status})
        if status is ReviewStatus.DONE:
            self._decide_side(self.get(image_id))

    def set_side(self, image_id: int, side: Side | None) -> None:
        """Say what an image is used for; None has it decided: at once where the image is done.

        Raises:
            CommitError: The side depends on the image's content, which cannot be read.
        """
        self.set_columns(image_id, {"side": side})
        entry = self.get(image_id)
        if entry.status is ReviewStatus.DONE:
            self._decide_side(entry)

    def _decide_side(self, entry: ImageEntry) -> None:
        """Once and for all."""
        if entry.side is not None:
            return
        if not entry.content_hash:
            self.set_columns(entry.id, self._read_content(entry)._asdict())
            entry = self.get(entry.id)
        self.set_columns(entry.id, {"side": decided_side(entry, entry.content_hash)})

    def _read_content(self, entry: ImageEntry) -> "Content":
        from mrcnn_gui.project.content import read_content  # loads libvips: not before it is needed

        path = self.path(entry)
        try:
            return read_content(path)
        except OSError as error:
            raise CommitError(
                f"{path} cannot be read, so it cannot train or judge: {error.strerror or error}"
            ) from error

    def _select(self, condition: str, *parameters: int) -> list[ImageEntry]:
        rows = self._database.execute(
            f"SELECT {IMAGE_COLUMNS} FROM images {condition} ORDER BY id", parameters
        )
        return [image_from_row(row) for row in rows]


def _as_bytes(path: str) -> bytes:
    """A file name need not be UTF-8."""
    return path.encode("utf-8", "surrogateescape")
