"""COCO files, written record by record: a million annotations never stand in memory at once."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from core.formats.coco_fields import Record, canonical

_LINES = 1000  # records that are put together before they go to the file


def write_dataset(path: Path, rest: Record, lists: Mapping[str, Iterable[str]]) -> None:
    """Write a JSON object; the same values give the same bytes.

    Args:
        path: The file, which is made or emptied.
        rest: Members that are written first.
        lists: Members that are lists, in this order; each element is JSON text already.

    Raises:
        CocoError: `rest` holds what JSON cannot.
        OSError: The file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="\n") as file:
        between = "{"
        for key, value in rest.items():
            file.write(between + canonical({key: value}, path.name)[1:-1])
            between = ",\n"
        for key, texts in lists.items():
            file.write(f'{between}"{key}":[')
            file.writelines(_joined(texts))
            file.write("]")
            between = ",\n"
        file.write("}\n" if between != "{" else "{}\n")


def _joined(texts: Iterable[str]) -> Iterable[str]:
    """The elements with what stands between them, a thousand at a time."""
    waiting: list[str] = []
    start = "\n"
    for text in texts:
        waiting.append(text)
        if len(waiting) == _LINES:
            yield start + ",\n".join(waiting)
            waiting, start = [], ",\n"
    if waiting:
        yield start + ",\n".join(waiting)
