"""COCO results into a project: what any model found becomes suggestions, wholly or not at all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.formats.coco_fields import CocoError, canonical, file_id, numbers, shown
from core.formats.json_stream import JsonStreamError, elements, first_character
from core.images import ImageReadError, read_info
from core.masks import Mask, decode_rle
from mrcnn_gui.project.annotation import ImageEntry, Suggestion
from mrcnn_gui.project.content import read_content
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.coco_header import file_size
from mrcnn_gui.workflows.coco_segmentations import pixels_of
from mrcnn_gui.workflows.import_report import Fates, OnLine, Reporter
from mrcnn_gui.workflows.progress import (
    Count,
    ShouldStop,
    StoppedError,
    ignore_count,
    never_stop,
    stoppable,
)

_KIB = 1024
_ASKED = 500  # results between two questions whether to stop


@dataclass(frozen=True)
class ResultsOptions:
    """How COCO results are taken.

    Attributes:
        model: What the model is called; "" for the name of the file.
        boxes: Whether results that have a box and no segmentation become the mask of the box.
            They are refused otherwise: a box is not what the object looks like, and a model that
            learns from accepted boxes draws boxes.
    """

    model: str = ""
    boxes: bool = False


@dataclass(frozen=True)
class ResultsImport(Fates):
    """What an import of results brought.

    Attributes:
        results: Suggestions that are stored now.
        images: On how many images.
    """

    results: int
    images: int


def import_results(
    store: Store,
    results_json: Path,
    options: ResultsOptions | None = None,
    *,
    on_progress: Count = ignore_count,
    should_stop: ShouldStop = never_stop,
    on_line: OnLine | None = None,
) -> ResultsImport:
    """Make the results of a COCO results file pending suggestions of the project.

    Ids of images and categories are those of an export of the project. The results replace the
    pending suggestions of the images that they are about, as a run of the model does; annotations
    and decisions stay as they are. Results are never exported or trained on until somebody
    accepts them.

    Args:
        store: Open for writing: sizes and content hashes that were not known yet are noted.
        results_json: A JSON list of `image_id`, `category_id`, `score`, and `segmentation` (run
            lengths or polygons) or `bbox`.
        options: How to take it.
        on_progress: Called with the kibibytes that were read, and those of the file.
        should_stop: Asked now and then; then nothing has changed.
        on_line: Gets every line of the report as it is found.

    Raises:
        CocoError: The file is wrong as a whole; nothing has changed.
        ProjectError: The project or its suggestions cannot be written.
    """
    options = options or ResultsOptions()
    size = file_size(results_json) // _KIB
    reporter = Reporter(on_line)
    version = options.model.strip() or results_json.name
    reader = _ResultReader(store, version, reporter, options.boxes)
    records = _records(results_json, lambda done: on_progress(min(done // _KIB, size), size))
    try:
        with store.transaction(), SuggestionStore(store.folder) as suggestions:
            suggestions.replace_all(version, reader.read(stoppable(records, should_stop, _ASKED)))
    except StoppedError:
        return ResultsImport(0, 0, cancelled=True)
    lines, totals = tuple(reporter.lines), dict(reporter.totals)
    return ResultsImport(reader.results, len(reader.images), lines=lines, totals=totals)


def _records(path: Path, on_read: Callable[[int], None]) -> Iterator[Any]:
    try:
        if first_character(path) == "{":
            raise CocoError(
                f"{path.name} holds an object (a COCO dataset?), expected a list of results"
            )
        yield from elements(path, on_read)
    except OSError as error:
        raise CocoError(f"cannot read {path}: {error.strerror or error}") from error
    except JsonStreamError as error:
        raise CocoError(f"{error}; expected a list of COCO results") from error


@dataclass(frozen=True)
class _Target:
    """An image that results are about."""

    content_hash: str
    height: int
    width: int


class _ResultReader:
    """Turns results into suggestions; tells about all that are not simply taken."""

    def __init__(self, store: Store, version: str, reporter: Reporter, boxes: bool) -> None:
        self.results = 0
        self.images: set[str] = set()
        self._store, self._version, self._reporter = store, version, reporter
        self._boxes = boxes
        self._entries = {entry.export_id: entry for entry in store.images()}
        self._names = {category.id: category.name for category in store.categories()}
        self._targets: dict[int, _Target | str] = {}
        self._keys: set[tuple[str, str]] = set()

    def read(self, records: Iterator[Any]) -> Iterator[tuple[str, Suggestion]]:
        """Yield the suggestions that shall be stored, with their image's content hash."""
        for place, record in enumerate(records):
            where = f"results[{place}]"
            try:
                target, suggestion = self._suggestion(record, where)
            except CocoError as error:
                self._reporter.refuse(where, str(error).removeprefix(f"{where}: "))
                continue
            key = target.content_hash, suggestion.key
            if key in self._keys:
                self._reporter.refuse(where, "there is one of the same pixels before it")
                continue
            self._keys.add(key)
            self.results += 1
            self.images.add(target.content_hash)
            yield target.content_hash, suggestion

    def _suggestion(self, record: Any, where: str) -> tuple[_Target, Suggestion]:
        if not isinstance(record, dict):
            raise CocoError(f"expected an object, got {shown(record)}")
        canonical(record, where)  # refuses what JSON has not
        score = _score(record)
        name = self._names.get(_whole(record, "category_id"))
        if name is None:
            raise CocoError(f"there is no category {shown(record.get('category_id'))}")
        target = self._target(_whole(record, "image_id"))
        mask = self._mask(record, target)
        return target, Suggestion.of(name, score, mask, self._version)

    def _target(self, export_id: int) -> _Target:
        found = self._targets.get(export_id)
        if found is None:
            found = self._targets[export_id] = self._find(export_id)
        if isinstance(found, str):
            raise CocoError(found)
        return found

    def _find(self, export_id: int) -> _Target | str:
        """The image with this id; or why results on it cannot be kept."""
        entry = self._entries.get(export_id)
        if entry is None:
            return f"the project has no image {export_id}"
        if not (entry.content_hash and entry.width and entry.height):
            try:
                entry = self._measured(entry)
            except (ImageReadError, OSError) as error:
                return str(error)
        return _Target(entry.content_hash, entry.height, entry.width)

    def _measured(self, entry: ImageEntry) -> ImageEntry:
        path = self._store.image_path(entry)
        info = read_info(path)
        return self._store.update_image(
            entry.id, width=info.width, height=info.height, **read_content(path)._asdict()
        )

    def _mask(self, record: dict[str, Any], target: _Target) -> Mask:
        segmentation = record.get("segmentation")
        if not segmentation:
            segmentation = self._box(record)
        height, width = target.height, target.width
        rle = pixels_of(segmentation, height, width).rle
        mask = decode_rle({"size": [height, width], "counts": rle["counts"]})
        if mask.is_empty:
            raise CocoError("its mask covers no pixel of the image")
        return mask

    def _box(self, record: dict[str, Any]) -> list[list[float]]:
        """A box as a polygon, where that was asked for."""
        box = numbers(record.get("bbox"), 4)
        if box is None:
            raise CocoError("it has neither a segmentation nor a bbox of four numbers")
        if not self._boxes:
            raise CocoError("it has a box and no mask: boxes are taken on demand only (--boxes)")
        x, y, width, height = box
        return [[x, y, x + width, y, x + width, y + height, x, y + height]]


def _score(record: dict[str, Any]) -> float:
    value: Any = record.get("score")
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise CocoError(f"its score must be a number from 0 to 1, got {shown(value)}")
    return float(value)


def _whole(record: dict[str, Any], key: str) -> int:
    value = file_id(record.get(key))
    if not isinstance(value, int):
        raise CocoError(f"its {key} must be a whole number, got {shown(record.get(key))}")
    return value
