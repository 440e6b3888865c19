"""Single COCO annotations as a project takes them: checked, mended where safe, or refused."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from core.formats.coco_fields import (
    LARGEST_SAFE_ID,
    CocoError,
    are_plain,
    canonical,
    file_id,
    is_number,
    mended_whole,
    numbers,
    shown,
)
from core.formats.coco_turning import turned
from core.images import LARGEST_DECODED
from core.masks import reaches_far
from mrcnn_gui.project.import_table import ImportedInstance, ImportTable
from mrcnn_gui.workflows.coco_images import TargetImage
from mrcnn_gui.workflows.coco_segmentations import (
    MeasuredMask,
    Pixels,
    check_rle_size,
    measured_masks,
    pixels_of,
)
from mrcnn_gui.workflows.import_report import Fate, Reporter, ReportLine

_BOX_SLACK, _AREA_SLACK = 3.0, 30.0  # pixels; published files round, and count edges differently
_SHARE = 0.15
_AT_ONCE = 100  # records; more no longer fit a core's own memory
_LONG = 1 << 20  # characters of records after which they are no longer gathered
_RECORD = "annotation"  # what errors begin with, until they get the record's name


class _Draft(NamedTuple):
    """All of an annotation but its free id, and what its mask's box and area tell."""

    place: int
    record: dict[str, Any]
    content: str
    image: TargetImage
    category_id: int
    crowd: bool
    pixels: Pixels
    remarks: list[str]


class AnnotationReader:
    """Turns the annotations of one file into rows; tells about all that are not simply taken.

    Args:
        images: By the file's ids: those that can be used.
        categories: The project's category ids by the file's.
        table: Knows which ids and records the project has.
        reporter: Gets the lines.
    """

    def __init__(
        self,
        images: Mapping[int | str, TargetImage],
        categories: Mapping[int | str, int],
        table: ImportTable,
        reporter: Reporter,
    ) -> None:
        self._images, self._categories, self._reporter = images, categories, reporter
        self._taken_below = table.highest_instance_id()
        self._ids: set[int] = set()
        self._present = {_digest(image_id, record) for image_id, record in table.records()}

    def read(self, records: Iterable[Any]) -> Iterator[list[ImportedInstance]]:
        """Yield the instances that shall be added, some at a time."""
        drafts: list[_Draft | ReportLine] = []
        size = 0
        for place, record in enumerate(records):
            draft = self._draft(record, place)
            drafts.append(draft)
            size += len(draft.content) if isinstance(draft, _Draft) else 0
            if len(drafts) == _AT_ONCE or size > _LONG:
                yield self._finished(drafts)
                drafts, size = [], 0
        yield self._finished(drafts)

    def _draft(self, record: Any, place: int) -> _Draft | ReportLine:
        try:
            return self._checked(record, place)
        except CocoError as error:
            why = str(error).removeprefix(f"{_RECORD}: ")
            return ReportLine(_name(record, place), Fate.REFUSED, why)

    def _checked(self, record: Any, place: int) -> _Draft | ReportLine:
        if not isinstance(record, dict):
            raise CocoError(f"expected an object, got {type(record).__name__}")
        remarks: list[str] = []
        image, category_id = self._image(record, remarks), self._category(record, remarks)
        record = _plain_numbers(record, remarks)
        crowd = _crowd(record)
        record = {**record, "category_id": category_id}
        if image.turn > 1:
            record = _turned(record, image)
        # Before the pixels: what JSON cannot hold must not reach pycocotools.
        content = canonical(record, _RECORD)
        if self._is_there(image.id, content):
            where = f"{image.name}: {_name(record, place)}"
            return ReportLine(where, Fate.DUPLICATE, "in the project already")
        segmentation = record.get("segmentation")
        pixels = pixels_of(segmentation, image.height, image.width)
        if pixels.reaches_out and reaches_far(segmentation, image.height, image.width):
            remarks.append("a polygon reaches far out of the image: exports leave that part out")
        return _Draft(place, record, content, image, category_id, crowd, pixels, remarks)

    def _finished(self, drafts: list[_Draft | ReportLine]) -> list[ImportedInstance]:
        rles = [draft.pixels.rle for draft in drafts if isinstance(draft, _Draft)]
        masks = measured_masks(rles)
        instances = []
        for draft in drafts:
            if isinstance(draft, _Draft):
                instances.append(self._instance(draft, next(masks)))
            else:
                self._reporter.tell(draft.record, draft.fate, draft.why)
        return instances

    def _instance(self, draft: _Draft, measured: MeasuredMask) -> ImportedInstance:
        record, image = draft.record, draft.image
        instance_id = self._free_id(record.get("id"), draft.remarks)
        doubts = _doubts(record, measured)
        if draft.remarks or doubts:
            where = f"{image.name}: {_name(record, draft.place)}"
            if draft.remarks:
                self._reporter.mend(where, "; ".join(draft.remarks))
            for doubt in doubts:
                self._reporter.tell(where, Fate.NOTED, doubt)
        attributes = record.get("attributes")
        return ImportedInstance(
            instance_id,
            image.id,
            draft.category_id,
            measured.mask,
            draft.crowd,
            json.dumps(attributes) if isinstance(attributes, dict) else "{}",
            draft.content,
            not draft.pixels.reaches_out and _is_complete(record, instance_id, image),
        )

    def _image(self, record: dict[str, Any], remarks: list[str]) -> TargetImage:
        found = _reference(record, "image_id", remarks)
        image = self._images.get(found) if found is not None else None
        if image is None:
            name = shown(record.get("image_id"))
            raise CocoError(f"its image {name} is not there or was left out")
        return image

    def _category(self, record: dict[str, Any], remarks: list[str]) -> int:
        found = _reference(record, "category_id", remarks)
        if found is None or found not in self._categories:
            raise CocoError(f"there is no category {shown(record.get('category_id'))}")
        return self._categories[found]

    def _is_there(self, image_id: int, content: str) -> bool:
        """Whether the project has this record; the same one twice in a file is there, too."""
        digest = _digest(image_id, content)
        if digest in self._present:
            return True
        self._present.add(digest)
        return False

    def _free_id(self, value: object, remarks: list[str]) -> int | None:
        wanted = mended_whole(value)
        if wanted is None or not 1 <= wanted <= LARGEST_SAFE_ID:
            remarks.append(f"its id {shown(value)} is no whole number from 1: it gets a new one")
            return None
        if wanted <= self._taken_below or wanted in self._ids:
            remarks.append(f"its id {wanted} is taken: it gets a new one")
            return None
        self._ids.add(wanted)
        if type(value) is not int:
            remarks.append(f"its id {shown(value)} is {wanted} now")
        return wanted


def _reference(record: dict[str, Any], key: str, remarks: list[str]) -> int | str | None:
    """What a record is about, by the file's id."""
    value = record.get(key)
    if type(value) is int:
        return value
    found = file_id(value)
    if found != value or type(found) is not type(value):
        remarks.append(f"its {key} {shown(value)} is {found} now")
    return found


def _digest(image_id: int, record: str) -> bytes:
    return blake2b(f"{image_id} {record}".encode(), digest_size=16).digest()


def _name(record: Any, place: int) -> str:
    number = record.get("id") if isinstance(record, dict) else None
    return (
        f"annotation {number}"
        if type(number) is int and abs(number) <= LARGEST_SAFE_ID
        else f"annotations[{place}]"
    )


def _plain_numbers(record: dict[str, Any], remarks: list[str]) -> dict[str, Any]:
    """Area and box as numbers, or left out: they can be computed."""
    area, bbox = record.get("area"), record.get("bbox")
    if type(bbox) is list and len(bbox) == 4 and are_plain(area, *bbox):
        return record
    for key, is_good in _COMPUTED.items():
        value = record.get(key)
        if value is not None and value != [] and not is_good(value):
            remarks.append(f"its {key} {shown(value)} is none: computed")
            record = {name: kept for name, kept in record.items() if name != key}
    return record


_COMPUTED: dict[str, Callable[[object], bool]] = {
    "area": lambda value: is_number(value) and not isinstance(value, bool),
    "bbox": lambda value: numbers(value, 4) is not None,
}


def _crowd(record: dict[str, Any]) -> bool:
    crowd = record.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise CocoError(f"iscrowd must be 0 or 1, got {shown(crowd)}")
    return bool(crowd)


def _turned(record: dict[str, Any], image: TargetImage) -> dict[str, Any]:
    sideways = image.turn > 4
    size = (image.height, image.width) if sideways else (image.width, image.height)
    segmentation = record.get("segmentation")
    if isinstance(segmentation, dict):  # before an absurd size takes all memory
        check_rle_size(segmentation, size[1], size[0])
    if image.width * image.height > LARGEST_DECODED:
        raise CocoError(
            f"its image has more than the {LARGEST_DECODED:,} pixels that can be turned"
        )
    try:
        return turned(record, image.turn, *size)
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise CocoError(f"cannot be turned upright: {error}") from error


def _doubts(record: dict[str, Any], measured: MeasuredMask) -> list[str]:
    """What the record says of itself that its pixels do not."""
    if not record.get("segmentation"):
        return ["it has no segmentation: kept without a mask"]
    found = measured.mask.bbox_xywh
    if not found[2]:
        return ["its mask covers no pixel: kept without a mask"]
    doubts = []
    box, area = record.get("bbox"), record.get("area")
    if box and not _is_about(box, found):
        doubts.append(f"its bbox {box} is not that of its mask, {list(found)}")
    if area and abs(area - measured.area) > max(_AREA_SLACK, _SHARE * measured.area):
        doubts.append(f"its area {area} is not that of its mask, {measured.area}")
    return doubts


def _is_about(box: list[float], found: tuple[int, int, int, int]) -> bool:
    x, y, width, height = found
    slack = max(_BOX_SLACK, _SHARE * min(width, height))
    return (
        abs(box[0] - x) <= slack
        and abs(box[1] - y) <= slack
        and abs(box[2] - width) <= slack
        and abs(box[3] - height) <= slack
    )


def _is_complete(record: dict[str, Any], instance_id: int | None, image: TargetImage) -> bool:
    """Whether an export may write the record as it stands: with the same ids, without gaps."""
    return (
        type(record.get("id")) is type(record.get("image_id")) is int
        and record["id"] == instance_id
        and record["image_id"] == image.export_id
        and None not in (record.get("area"), record.get("iscrowd"))
        and bool(record.get("bbox"))
    )
