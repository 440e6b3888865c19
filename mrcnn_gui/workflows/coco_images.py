"""The images of a COCO file in a project: found, measured, and noted."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.formats.coco_fields import (
    LARGEST_SAFE_ID,
    CocoError,
    canonical,
    file_id,
    mended_whole,
    shown,
    text,
)
from core.formats.coco_turning import SIDEWAYS
from core.images import ImageInfo, ImageReadError, read_info
from mrcnn_gui.project.import_table import ImportedImage
from mrcnn_gui.project.paths import stored_paths
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_paths import LinkCheck, image_path
from mrcnn_gui.workflows.import_options import ImportOptions
from mrcnn_gui.workflows.import_report import Reporter

_LONGEST_NAME = 1000  # characters; no system opens 5000


@dataclass(frozen=True, slots=True)
class TargetImage:
    """Where the annotations of an image of the file go.

    Attributes:
        id: The project's image.
        file_id: The id that the file gives it.
        name: The file's name for it.
        width: Upright, in pixels.
        height: Upright, in pixels.
        turn: EXIF orientation by which the annotations have to be turned; 1 for none.
        export_id: Its id in exported files; set when all images are known.
    """

    id: int
    file_id: int | str
    name: str
    width: int
    height: int
    turn: int
    export_id: int


@dataclass(frozen=True, slots=True)
class _Found:
    file_id: int | str
    name: str
    path: Path
    record: dict[str, Any]


def take_images(
    store: Store,
    import_id: int,
    records: Iterable[Any],
    images_folder: Path,
    *,
    options: ImportOptions,
    reporter: Reporter,
) -> dict[int | str, TargetImage]:
    """Add the images of a file that can be used to the project, by the file's ids.

    Left out and reported: those that are missing, unreadable, of another size than the file says,
    or named outside the folder.

    Args:
        store: Inside its transaction.
        import_id: What `ImportTable.begin` gave.
        records: The entries of `images`, each looked at before the next is taken.
        images_folder: Where `file_name` starts from; nothing outside it is ever read.
        options: How they are taken.
        reporter: Gets the lines.
    """
    found, again = itertools.tee(_find(records, images_folder, reporter))
    stored = stored_paths((each.path for each in again), store.folder)
    known = {entry.path for entry in store.images()}
    fitting = []
    links = None if options.follow_links else LinkCheck(images_folder)
    for each, path in zip(found, stored, strict=True):
        if links is not None and path not in known and links.leads_out(each.path):
            reporter.refuse(each.name, "it is a link that leads out of the images folder")
            continue
        info = _measure(each)
        turn = _turn(each, info, options.as_stored, reporter)
        if turn is not None and isinstance(info, ImageInfo):
            fitting.append((each, path, info, turn))
    store.add_images([each.path for each, *_ in fitting])
    ids = {entry.path: entry.id for entry in store.images()}
    notes = [
        ImportedImage(
            ids[path], info.width, info.height, info.orientation, canonical(each.record, each.name)
        )
        for each, path, info, _ in fitting
    ]
    export_ids = _export_ids(
        store,
        {note.id: each for note, (each, *_) in zip(notes, fitting, strict=True)},
        reporter,
    )
    store.imports.note_images(import_id, notes)
    return {
        each.file_id: TargetImage(
            ids[path], each.file_id, each.name, info.width, info.height, turn, export_ids[ids[path]]
        )
        for each, path, info, turn in fitting
    }


def _find(records: Iterable[Any], images_folder: Path, reporter: Reporter) -> Iterator[_Found]:
    ids: set[int | str] = set()
    names: dict[Path, int | str] = {}
    for place, record in enumerate(records):
        where = f"images[{place}]"
        try:
            each = _checked(record, where, images_folder)
        except CocoError as error:
            reporter.refuse(where, str(error).removeprefix(f"{where}: "))
            continue
        if each.file_id in ids:
            reporter.refuse(where, f"there is an image with the id {shown(each.file_id)} before it")
            continue
        first = names.setdefault(each.path, each.file_id)
        if first != each.file_id:
            reporter.refuse(
                where,
                f"images {shown(first)} and {shown(each.file_id)} have one file_name: "
                f"{each.path.name}",
            )
        else:
            ids.add(each.file_id)
            yield each


def _checked(record: Any, where: str, images_folder: Path) -> _Found:
    if not isinstance(record, dict):
        raise CocoError(f"{where}: expected an object, got {shown(record)}")
    number = file_id(record.get("id"))
    if number is None:
        raise CocoError(
            f"{where}: 'id' must be a whole number of 64 bits or a text, "
            f"got {shown(record.get('id'))}"
        )
    name = text(record, "file_name", where)
    canonical(record, where)  # refuses what JSON has not
    if len(name) > _LONGEST_NAME:
        raise CocoError(f"{where}: a file_name of {len(name):,} characters is too long")
    return _Found(number, name, image_path(images_folder, name), record)


def _measure(each: _Found) -> ImageInfo | ImageReadError:
    try:
        return read_info(each.path)
    except ImageReadError as error:
        return error


def _turn(
    each: _Found, info: ImageInfo | ImageReadError, as_stored: bool, reporter: Reporter
) -> int | None:
    """The orientation to turn the annotations by; None where the image cannot be used."""
    if isinstance(info, ImageReadError):
        reporter.refuse(each.name, str(info))
        return None
    said = mended_whole(each.record.get("width")), mended_whole(each.record.get("height"))
    if None in said:
        reporter.mend(each.name, f"its size is missing: {info.width} x {info.height} now")
        return 1
    if any(type(each.record[side]) is not int for side in ("width", "height")):
        reporter.mend(each.name, f"its size is {said[0]} x {said[1]} in whole numbers now")
    if said == (info.width, info.height):
        keeps_size = info.orientation not in SIDEWAYS or info.width == info.height
        turned = as_stored and info.orientation > 1 and keeps_size
        if turned:
            reporter.mend(each.name, f"turned as EXIF orientation {info.orientation} says")
        return info.orientation if turned else 1
    if said == (info.height, info.width) and info.orientation in SIDEWAYS:
        reporter.mend(
            each.name, f"made on the stored pixels: turned upright (EXIF {info.orientation})"
        )
        return info.orientation
    reporter.refuse(
        each.name,
        f"the file says {said[0]} x {said[1]}, the upright image has "
        f"{info.width} x {info.height} pixels",
    )
    return None


def _export_ids(store: Store, found: dict[int, _Found], reporter: Reporter) -> dict[int, int]:
    """Give images the file's ids, unless another imported image has them already."""
    wanted = {image_id: _as_number(each) for image_id, each in found.items()}
    holders = store.imports.export_ids()
    current = {image_id: export_id for export_id, (image_id, _) in holders.items()}
    imported = {image_id for image_id, was_imported in holders.values() if was_imported}
    numbers = {image_id: number for image_id, number in wanted.items() if number is not None}
    spare = max([0, *holders, *numbers.values()]) + 1
    changes: dict[int, int] = {}
    for image_id, export_id in numbers.items():
        if image_id in imported or current[image_id] == export_id:
            continue
        holder = holders.get(export_id)
        if holder is None or not holder[1] or holder[0] == image_id:
            changes[image_id] = export_id
    taken = set(changes.values())
    for export_id in taken & holders.keys():
        image_id = holders[export_id][0]
        if image_id not in changes:
            changes[image_id], spare = spare, spare + 1
    store.imports.set_export_ids(changes)
    given = current | changes
    for image_id, each in found.items():
        if image_id not in imported and each.record["id"] is not given[image_id]:
            _tell_id(each, wanted[image_id], given[image_id], reporter)
    return given


def _as_number(each: _Found) -> int | None:
    """The file's id, where an export can write it."""
    number = each.file_id
    return number if isinstance(number, int) and abs(number) <= LARGEST_SAFE_ID else None


def _tell_id(each: _Found, wanted: int | None, given: int, reporter: Reporter) -> None:
    value = each.record["id"]
    if type(value) is int and value == given:
        return
    taken = wanted not in (None, given)
    why = "belongs to another image" if taken else "is no usual whole number"
    reporter.mend(f"{each.name}: image {shown(value)}", f"its id {why}: {given} now")
