"""Annotations as an export writes them: untouched ones as they came, others from their mask."""

import json
from dataclasses import dataclass
from typing import Any

import pycocotools.mask as coco_mask

from core.formats.coco_fields import canonical
from core.formats.coco_verification import ExpectedDataset
from core.masks import (
    Mask,
    Ring,
    decode_rle,
    encode_rle,
    mask_to_rings,
    polygons_to_counts,
    reaches_far,
)
from core.masks.keyhole import is_hole, keyhole_rings
from core.masks.simplify import simplify_ring
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.export_rows import UntouchedRow
from mrcnn_gui.workflows.export_options import ExportOptions, MaskForm, Simplification

Record = dict[str, Any]
Polygons = list[list[int]]

_MOST_PARTS = 1000  # pycocotools' time goes with the square of their number


@dataclass(frozen=True)
class ExportedImage:
    """An image as the file has it: its id there, its name and its size in pixels."""

    id: int
    name: str
    height: int
    width: int


class AnnotationWriter:
    """Makes the texts of annotations, and notes what each must read back as.

    Attributes:
        problems: One line for each mask that could not be written in the form asked for.
        empty: How many instances without a pixel were left out.
    """

    def __init__(self, options: ExportOptions) -> None:
        self.problems: list[str] = []
        self.empty = 0
        self._options = options
        self._ious = _Ious()

    @property
    def simplification(self) -> Simplification | None:
        """What simplified polygons cost; None where none was simplified."""
        return self._ious.summary()

    def text(
        self, row: UntouchedRow | Instance, image: ExportedImage, expected: ExpectedDataset
    ) -> str | None:
        """One annotation as JSON; None where it is left out."""
        if isinstance(row, Instance):
            return self._decoded(row, image, expected)
        if self._is_ready(row, image):
            expected.add(row.id, image.id, row.category_id, row.counts)
            return row.original
        return self._decoded(row.instance(), image, expected)

    def _is_ready(self, row: UntouchedRow, image: ExportedImage) -> bool:
        """Whether the imported text can be written as it is, without decoding it."""
        ids = f'"category_id":{row.category_id},"id":{row.id},"image_id":{image.id},'
        fits = ids in row.original and (not row.counts or row.size == (image.height, image.width))
        return fits and (not row.counts or self._keeps('"segmentation":{' in row.original))

    def _keeps(self, is_rle: bool) -> bool:
        """Whether an imported segmentation has the form that was asked for."""
        form = self._options.masks
        return form is MaskForm.AS_IS or is_rle == (form is MaskForm.RLE)

    def _decoded(
        self, instance: Instance, image: ExportedImage, expected: ExpectedDataset
    ) -> str | None:
        mask = instance.mask.clip(image.width, image.height)
        original: Record = json.loads(instance.original) if instance.original else {}
        unchanged = bool(original) and _says(original, mask, image)
        if mask.is_empty and not unchanged:
            self.empty += 1
            return None
        record, counts = dict(original), _counts(mask, image)
        is_rle = isinstance(record.get("segmentation"), dict)
        if not unchanged or not (mask.is_empty or self._keeps(is_rle)):
            exact = counts
            record["segmentation"], counts = self._written(instance, mask, image)
            if not unchanged or counts != exact:
                record |= {"area": 0, "bbox": []}
        _fill_gaps(record, counts, image)
        _say_what_the_project_says(record, instance, image)
        seen = b"" if mask.is_empty else counts
        expected.add(instance.id, image.id, instance.category_id, seen)
        return canonical(record, f"annotation {instance.id}")

    def _written(
        self, instance: Instance, mask: Mask, image: ExportedImage
    ) -> tuple[Polygons | Record, bytes]:
        """A mask in the form that was asked for, and the run lengths of what that says."""
        form, exact = self._options.masks, _counts(mask, image)
        rle = {"size": [image.height, image.width], "counts": exact.decode()}, exact
        if form is MaskForm.RLE or (instance.is_crowd and form is not MaskForm.KEYHOLE):
            return rle
        rings = keyhole_rings(mask) if form is MaskForm.KEYHOLE else mask_to_rings(mask)
        if len(rings) > 1 and form is MaskForm.AS_IS:
            return rle
        where = f"annotation {instance.id} ({image.name})"
        if len(rings) > _MOST_PARTS:
            self.problems.append(f"{where}: written as RLE, it has {len(rings):,} parts and holes")
            return rle
        if form in (MaskForm.POLYGONS, MaskForm.SIMPLIFIED) and any(map(is_hole, rings)):
            self.problems.append(f"{where}: written as RLE, it has holes")
            return rle
        polygons = [ring.reshape(-1).tolist() for ring in rings]
        if polygons_to_counts(polygons, image.height, image.width) != exact:
            self.problems.append(f"{where}: written as RLE, its polygons would not be exact")
            return rle
        if form is MaskForm.SIMPLIFIED:
            return self._simplified(rings, exact, image, where)
        return polygons, exact

    def _simplified(
        self, rings: list[Ring], exact: bytes, image: ExportedImage, where: str
    ) -> tuple[Polygons, bytes]:
        simple = [simplify_ring(ring, self._options.tolerance) for ring in rings]
        polygons: Polygons = [ring.reshape(-1).tolist() for ring in simple]
        counts = polygons_to_counts(polygons, image.height, image.width)
        size = [image.height, image.width]
        pair = [[{"size": size, "counts": each}] for each in (counts, exact)]
        self._ious.add(float(coco_mask.iou(*pair, [0])[0, 0]), where)
        return polygons, counts


class _Ious:
    """The mean, and the worst."""

    def __init__(self) -> None:
        self._count, self._sum = 0, 0.0
        self._worst, self._where = 2.0, ""

    def add(self, iou: float, where: str) -> None:
        self._count += 1
        self._sum += iou
        if iou < self._worst:
            self._worst, self._where = iou, where

    def summary(self) -> Simplification | None:
        if not self._count:
            return None
        return Simplification(self._count, self._sum / self._count, self._worst, self._where)


def _says(record: Record, mask: Mask, image: ExportedImage) -> bool:
    """Whether an imported record still says the mask, in a way that every reader survives."""
    segmentation = record.get("segmentation")
    if not segmentation:
        return mask.is_empty
    try:
        if isinstance(segmentation, list):
            if reaches_far(segmentation, image.height, image.width):
                return False
            counts = polygons_to_counts(segmentation, image.height, image.width)
            return counts == _counts(mask, image)
        if list(segmentation["size"]) != [image.height, image.width]:
            return False  # the image file has another size than when it was imported
        return decode_rle({"size": segmentation["size"], "counts": segmentation["counts"]}) == mask
    except (ValueError, LookupError, TypeError):
        return False


def _counts(mask: Mask, image: ExportedImage) -> bytes:
    return str(encode_rle(mask, image.height, image.width)["counts"]).encode()


def _fill_gaps(record: Record, counts: bytes, image: ExportedImage) -> None:
    """Add what pycocotools' evaluation cannot do without, where it is missing."""
    if record.get("area") and record.get("bbox"):
        return
    rle = {"size": [image.height, image.width], "counts": counts}
    area, bbox = int(coco_mask.area(rle)), coco_mask.toBbox(rle).astype(int).tolist()
    record["area"], record["bbox"] = record.get("area") or area, record.get("bbox") or bbox


def _say_what_the_project_says(record: Record, instance: Instance, image: ExportedImage) -> None:
    """Ids, crowd and attributes; the other fields of an imported record stay."""
    ids = {"id": instance.id, "image_id": image.id, "category_id": instance.category_id}
    record |= ids
    if record.get("iscrowd") is None or bool(record["iscrowd"]) != instance.is_crowd:
        record["iscrowd"] = int(instance.is_crowd)
    said = record.get("attributes")
    if (said if isinstance(said, dict) else {}) == instance.attributes:
        return
    if instance.attributes:
        record["attributes"] = dict(instance.attributes)
    else:
        del record["attributes"]
