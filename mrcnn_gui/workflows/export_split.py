"""Which file of a split export each image goes to."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mrcnn_gui.project.annotation import ImageEntry, Side
from mrcnn_gui.project.sides import side_by_name
from mrcnn_gui.workflows.export_options import Split
from mrcnn_gui.workflows.export_records import FileNames

_SHORT = {Side.TRAIN: "train", Side.VALIDATION: "val", Side.TEST: "test", None: "undecided"}


def split_entries(
    out: Path, split: Split, entries: Iterable[ImageEntry], names: FileNames
) -> dict[Path, list[ImageEntry]]:
    """The images of each file, in their order.

    Args:
        out: What the files' names are made from: labels.json gives labels_train.json.
        split: By what.
        entries: All images that are exported.
        names: Their names in the file.
    """
    parts: dict[Path, list[ImageEntry]] = {}
    if split is Split.NONE:
        return {out: list(entries)}
    for entry in entries:
        part = _part(entry, split, names)
        path = out.with_name(f"{out.stem}_{part}{out.suffix}") if part else out
        parts.setdefault(path, []).append(entry)
    return dict(sorted(parts.items())) or {out: []}


def _part(entry: ImageEntry, split: Split, names: FileNames) -> str:
    if split is Split.SIDES:
        return _SHORT[entry.side]
    if split is Split.GROUPS:
        return _SHORT[_side_of_group(entry)]
    return _folder(names(entry).replace("\\", "/").split("/"))


def _side_of_group(entry: ImageEntry) -> Side:
    """Decided by the group's name alone, so that it stays when the group grows.

    An image without a group is one of its own, and keeps the side that it has. Test images are
    kept for tests, whatever their group.
    """
    if entry.side is Side.TEST or (entry.side and not entry.group):
        return entry.side
    return side_by_name(entry.group or entry.content_hash or entry.path)


def _folder(parts: Sequence[str]) -> str:
    """The first folder of a name; of a whole path the last one."""
    folders = parts[:-1]
    whole = bool(folders) and (folders[0] == "" or folders[0].endswith(":"))
    return "" if not folders else folders[-1 if whole else 0]
