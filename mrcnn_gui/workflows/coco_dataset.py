"""Images of a project as one COCO dataset."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.formats.coco import CocoAnnotation, CocoError, annotation_mask, annotation_record
from core.images import ImageReadError, read_info, read_rgb
from core.masks import Mask, reaches_far
from mrcnn_gui.project.annotation import ImageEntry, Instance
from mrcnn_gui.project.images_folder import images_folder_of
from mrcnn_gui.project.store import Store

Record = dict[str, Any]


class ProjectDataset:
    """A COCO dataset that grows image by image.

    Attributes:
        images: COCO image records; ids are the project's.
        annotations: COCO annotation records; ids are the project's. Empty masks are left out.
        masks: What each annotation must read back as, in the same order.
        problems: One line for every image that was left out.
    """

    def __init__(self, store: Store, file_name: Callable[[ImageEntry], str]) -> None:
        self.images: list[Record] = []
        self.annotations: list[Record] = []
        self.masks: list[Mask] = []
        self.problems: list[str] = []
        self._store = store
        self._file_name = file_name

    def add(self, entry: ImageEntry, *, must_exist: bool = False) -> None:
        """Add an image with its instances.

        Args:
            entry: The image.
            must_exist: Read the file even if its size is known, and leave the image out with a
                problem if it cannot be read.
        """
        try:
            width, height = self._size(entry, must_exist=must_exist)
            name = self._file_name(entry)
            name.encode()
        except ImageReadError as error:
            self.problems.append(str(error))
            return
        except UnicodeEncodeError:
            self.problems.append(f"{entry.path!a}: its name is not valid UTF-8: rename it")
            return
        self.images.append({"id": entry.id, "file_name": name, "width": width, "height": height})
        for instance in self._store.instances(entry.id):
            mask = instance.mask.clip(width, height)
            if not mask.is_empty:
                self.annotations.append(_annotation(instance, entry.id, height, width))
                self.masks.append(mask)

    def record(self) -> Record:
        """The whole dataset, with all categories of the project."""
        categories = [{"id": c.id, "name": c.name} for c in self._store.categories()]
        return {
            "images": self.images,
            "annotations": self.annotations,
            "categories": categories,
        }

    def _size(self, entry: ImageEntry, *, must_exist: bool) -> tuple[int, int]:
        if entry.width and entry.height and not must_exist:
            return entry.width, entry.height
        path = self._store.image_path(entry)
        info = read_info(path)
        if must_exist:
            read_rgb(path, max_side=64)  # the header of a file that is cut off says nothing
        return info.width, info.height


def absolute_name(store: Store) -> Callable[[ImageEntry], str]:
    """Names images by their whole path."""
    return lambda entry: store.image_path(entry).as_posix()


def relative_name(store: Store) -> Callable[[ImageEntry], str]:
    """Names images from the folder they came from, else from the deepest that holds them all."""
    paths = {entry.id: store.image_path(entry) for entry in store.images()}
    root = images_folder_of(store)
    if root is None or not all(path.is_relative_to(root) for path in paths.values()):
        try:
            root = Path(os.path.commonpath([path.parent for path in paths.values()]))
        except ValueError:  # no images, or images on several drives
            return absolute_name(store)
    return lambda entry: paths[entry.id].relative_to(root).as_posix()


def _annotation(instance: Instance, image_id: int, height: int, width: int) -> Record:
    original = _untouched_record(instance, height, width)
    if original is not None:
        return original | {"id": instance.id, "image_id": image_id}
    record = annotation_record(
        id=instance.id,
        image_id=image_id,
        category_id=instance.category_id,
        mask=instance.mask,
        height=height,
        width=width,
        is_crowd=instance.is_crowd,
    )
    if instance.attributes:
        record["attributes"] = dict(instance.attributes)
    return record


def _untouched_record(instance: Instance, height: int, width: int) -> Record | None:
    """The imported record, if it still says all that the instance says."""
    if not instance.original:
        return None
    record: Record = json.loads(instance.original)
    attributes, segmentation = record.get("attributes"), record["segmentation"]
    if isinstance(segmentation, list) and reaches_far(segmentation, height, width):
        return None  # who loads the file with pycocotools would crash
    same = (
        record["category_id"] == instance.category_id
        and bool(record.get("iscrowd", 0)) == instance.is_crowd
        and (attributes if isinstance(attributes, dict) else {}) == instance.attributes
        and _record_mask(record, height, width) == instance.mask
    )
    return _without_gaps(record, instance.mask) if same else None


def _without_gaps(record: Record, mask: Mask) -> Record:
    """With the fields that pycocotools' evaluation cannot do without."""
    derived = {"area": mask.area, "bbox": list(mask.bbox_xywh)}
    missing = {key: value for key, value in derived.items() if not record.get(key)}
    return {"iscrowd": 0} | record | missing


def _record_mask(record: Record, height: int, width: int) -> Mask | None:
    annotation = CocoAnnotation(
        record["id"],
        record["image_id"],
        record["category_id"],
        record.get("segmentation"),
        None,
        is_crowd=False,
        record=record,
    )
    try:
        return annotation_mask(annotation, height, width)
    except CocoError:  # the image file has another size than when it was imported
        return None
