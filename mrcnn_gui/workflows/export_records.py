"""What stands beside the annotations of an exported COCO file: names, images, categories, rest."""

import os
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from core.formats.coco_fields import canonical
from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.images_folder import images_folder_of
from mrcnn_gui.project.store import Store

Record = dict[str, Any]

_OWN = ("images", "annotations", "categories")


class FileNames:
    """What each image is called in the file: all names start from one folder.

    That is the folder that imported names started from, where there is one such folder and all
    images lie in it: imported names are then kept as they came. Otherwise it is the folder that
    the images came from, else the deepest that holds them all.
    """

    def __init__(self, store: Store, entries: Iterable[ImageEntry]) -> None:
        self._paths = {entry.id: _full_path(store, entry) for entry in entries}
        kept, root = self._imported(store)
        self._kept = kept
        self._root = root or self._common_root(store)

    def __call__(self, entry: ImageEntry) -> str:
        """The name of one image, with slashes; its whole path where no folder holds all."""
        if entry.id in self._kept:
            return self._kept[entry.id]
        return self._paths[entry.id][len(self._root) :]

    def _imported(self, store: Store) -> tuple[dict[int, str], str]:
        """Imported names that still end the images' paths, and the folder they start from."""
        kept, roots = {}, set()
        for image_id, record in store.export_rows.image_originals():
            name = record.get("file_name")
            root = _before(self._paths.get(image_id, ""), name)
            if root:
                kept[image_id] = str(name)
                roots.add(root)
        root = roots.pop() if len(roots) == 1 else ""
        fits = root and all(path.startswith(root) for path in self._paths.values())
        return (kept, root) if fits else ({}, "")

    def _common_root(self, store: Store) -> str:
        folder = images_folder_of(store)
        root = "" if folder is None else _as_root(folder.as_posix())
        if root and all(path.startswith(root) for path in self._paths.values()):
            return root
        try:
            parents = {os.path.dirname(path) for path in self._paths.values()}  # noqa: PTH120
            return _as_root(os.path.commonpath(parents).replace(os.sep, "/"))
        except ValueError:  # no images, or images on several drives
            return ""


def image_record(store: Store, entry: ImageEntry, name: str, size: tuple[int, int]) -> Record:
    """The record of an image: the imported one, with what the project knows better."""
    width, height = size
    own = {"id": entry.export_id, "file_name": name, "width": width, "height": height}
    return store.export_rows.image_original(entry.id) | own


def category_texts(store: Store) -> Iterator[str]:
    """All categories of the project, imported fields kept."""
    originals = store.export_rows.category_originals()
    for category in store.categories():
        record = originals.get(category.id, {}) | {"id": category.id, "name": category.name}
        if category.supercategory:
            record["supercategory"] = category.supercategory
        yield canonical(record, f"category {category.id}")


def other_keys(store: Store, problems: list[str]) -> Record:
    """The other top-level keys of all imported files: the first one wins, lists are joined.

    Lists whose elements have ids, as licenses, get those of later files whose id is free.
    """
    joined: Record = {}
    for name, rest in store.export_rows.imports():
        for key, value in rest.items():
            if key in _OWN:
                continue
            if key not in joined:
                joined[key] = value
            elif joined[key] != value:
                joined[key], lost = _join(joined[key], value)
                if lost:
                    problems.append(f"{key}: an earlier import says it otherwise than {name}")
    return joined


def _join(first: Any, second: Any) -> tuple[Any, bool]:
    """The first value with what can be added of the second; whether something is left out."""
    if not (_has_ids(first) and _has_ids(second)):
        return first, True
    ids = [each["id"] for each in first]
    new = [each for each in second if each["id"] not in ids]
    lost = any(each not in first and each["id"] in ids for each in second)
    return first + new, lost


def _has_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(e, dict) and "id" in e for e in value)


def _full_path(store: Store, entry: ImageEntry) -> str:
    return os.path.normpath(os.path.join(store.folder, entry.path)).replace(os.sep, "/")  # noqa: PTH118


def _before(path: str, name: object) -> str:
    """What stands before an imported name in a path, with the slash; "" where it does not fit."""
    if not path or not isinstance(name, str) or not name:
        return ""
    plain = PurePosixPath(*PureWindowsPath(name).parts).as_posix()
    return path[: -len(plain)] if path.endswith("/" + plain) else ""


def _as_root(folder: str) -> str:
    return folder.rstrip("/") + "/"
