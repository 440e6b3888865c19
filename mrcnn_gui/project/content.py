"""What a file holds, and what tells without reading it whether it still does."""

from pathlib import Path
from typing import NamedTuple

from core.images import content_hash


class Content(NamedTuple):
    """A file as it was read.

    Attributes:
        content_hash: Of its bytes, in hexadecimal.
        file_size: In bytes.
        modified_ns: When it was changed last, in ns since 1970.
    """

    content_hash: str
    file_size: int
    modified_ns: int


def read_content(path: Path) -> Content:
    """Read a file.

    Raises:
        OSError: As for `content_hash`.
    """
    state = path.stat()  # of before: what is written meanwhile shows as a change
    return Content(content_hash(path), state.st_size, state.st_mtime_ns)
