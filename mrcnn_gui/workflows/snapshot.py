"""The labelled images as they are now: what a training run learns from."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.files import atomic_path
from core.formats.coco_fields import canonical
from core.formats.coco_verification import ExpectedDataset
from core.formats.coco_writing import write_dataset
from core.formats.json_stream import JsonStreamError, members
from core.images import ImageReadError, content_hash, read_info, read_rgb
from core.masks import encode_rle
from mrcnn_gui.project.annotation import ImageEntry, Region, RegionKind, ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.export_rows import UntouchedRow
from mrcnn_gui.project.sides import decided_side
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.export_annotations import AnnotationWriter, ExportedImage
from mrcnn_gui.workflows.export_options import ExportOptions
from mrcnn_gui.workflows.export_records import category_texts
from mrcnn_gui.workflows.leaks import Look, find_leaks, thumbnail
from mrcnn_gui.workflows.progress import ShouldStop, never_stop
from mrcnn_gui.workflows.run_folder import RUNS_FOLDER

TRAIN_FILE, VAL_FILE = "train.json", "val.json"


@dataclass(frozen=True)
class Snapshot:
    """The labelled images as two COCO files whose file names are absolute.

    Attributes:
        train_json: Images of the training side; those in progress say what of them is known
            (`core.learning.dataset`).
        val_json: Done images of the validation side; may hold none.
        train_images: How many images `train_json` holds.
        val_images: How many images `val_json` holds.
        val_instances: How many instances (crowds not counted) `val_json` holds.
        problems: One line for every image that was left out because it cannot be read.
        categories: Names of the project's categories, as both files have them.
        partial_images: How many of the images in `train_json` are in progress.
        leaks: One line for every image that was left out because it resembles one that is kept for
            validation.
        warning: Why the metrics are optimistic; "" when they are not known to be.
    """

    train_json: Path
    val_json: Path
    train_images: int
    val_images: int
    val_instances: int
    problems: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    partial_images: int = 0
    leaks: tuple[str, ...] = ()
    warning: str = ""

    @property
    def hash(self) -> str:
        """SHA-256 of both files, in hexadecimal digits."""
        whole = hashlib.sha256()
        for path in (self.train_json, self.val_json):
            whole.update(path.read_bytes())
        return whole.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """The counts and names as JSON values, without the paths."""
        paths = {"train_json", "val_json"}
        return {key: value for key, value in asdict(self).items() if key not in paths}

    @classmethod
    def in_folder(cls, run_folder: Path, facts: dict[str, Any]) -> "Snapshot":
        """A snapshot that was frozen before, from what `to_dict` gave."""
        lists = {key: tuple(facts[key]) for key in ("problems", "categories", "leaks")}
        return cls(run_folder / TRAIN_FILE, run_folder / VAL_FILE, **facts | lists)


def freeze_snapshot(
    folder: Path, run_folder: Path, *, should_stop: ShouldStop = never_stop
) -> Snapshot:
    """Write the labelled images that can be read as `train.json` and `val.json` into a folder.

    Images in progress teach with what is labelled on them, if their side will be that of training.
    Images for tests are in neither file, nor are instances without a pixel. `should_stop` is asked
    before each image; when it says yes, the rest is left out.

    Raises:
        ProjectError: The project cannot be read.
        OSError: The files cannot be written.
    """
    with Store.open(folder, read_only=True) as store, store.frozen():
        sides = {side: _Side(store) for side in Side}
        train, val = sides[Side.TRAIN], sides[Side.VALIDATION]
        for entry in store.images():
            if should_stop():
                break
            side = _side_of(store, entry)
            if side is not None:
                sides[side].add(entry)
        held_out = [*val.looks.values(), *sides[Side.TEST].looks.values()]
        leaks = find_leaks(list(train.looks.values()), held_out)
        train.leave_out(leaks.reasons)
        paths = run_folder / TRAIN_FILE, run_folder / VAL_FILE
        train.write(paths[0])
        val.write(paths[1])
        names = tuple(category.name for category in store.categories())
    return Snapshot(
        *paths,
        len(train.images),
        len(val.images),
        val.instances,
        (*train.problems, *val.problems),
        names,
        train.partial,
        tuple(leaks.reasons.values()),
        leaks.warning,
    )


def images_in_runs(project: Path) -> set[int | str]:
    """The COCO ids and the paths of all images that a run has learned from or was judged by.

    Raises:
        ProjectError: A snapshot cannot be read.
    """
    found: set[int | str] = set()
    for name in (TRAIN_FILE, VAL_FILE):
        for path in (project / RUNS_FOLDER).glob(f"*/{name}"):
            found.update(_images_in(path))
    return found


def _images_in(path: Path) -> Iterator[int | str]:
    try:
        for key, record in members(path, ("categories", "images", "annotations")):
            if key == "annotations":  # the images stand before them
                break
            if key == "images":
                yield from (record["id"], record["file_name"])
    except (JsonStreamError, OSError) as error:
        raise ProjectError(
            f"{path} tells what a version knows, and cannot be read: {error}"
        ) from error


def _side_of(store: Store, entry: ImageEntry) -> Side | None:
    """Where an image teaches, judges, or is looked at for copies alone; None for nowhere."""
    if entry.side is Side.TEST:
        return Side.TEST
    if entry.status is ReviewStatus.DONE:
        return entry.side or Side.TRAIN
    if entry.status is not ReviewStatus.IN_PROGRESS or not _teaches(store, entry):
        return None
    # Training on what will judge once it is done would give that away.
    side = entry.side or _future_side(store, entry)
    return Side.TRAIN if side is Side.TRAIN else None


def _teaches(store: Store, entry: ImageEntry) -> bool:
    return store.has_instances(entry.id) or any(
        region.kind is RegionKind.FINISHED for region in store.regions(entry.id)
    )


def _future_side(store: Store, entry: ImageEntry) -> Side | None:
    try:
        return decided_side(entry, entry.content_hash or content_hash(store.image_path(entry)))
    except OSError:
        return None


class _Side:
    """The images of one side."""

    def __init__(self, store: Store) -> None:
        self.images: dict[int, tuple[ExportedImage, bool]] = {}
        self.looks: dict[int, Look] = {}
        self.problems: list[str] = []
        self.instances = 0
        self._store = store

    @property
    def partial(self) -> int:
        """How many images are not done."""
        return sum(not done for _, done in self.images.values())

    def add(self, entry: ImageEntry) -> None:
        """Take an image if it can be read: the header of a file that is cut off says nothing."""
        path = self._store.image_path(entry)
        try:
            info = read_info(path)
            small = read_rgb(path, max_side=64)
            path.as_posix().encode()
        except ImageReadError as error:
            self.problems.append(str(error))
            return
        except UnicodeEncodeError:
            self.problems.append(f"{entry.path!a}: its name is not valid UTF-8: rename it")
            return
        image = ExportedImage(entry.export_id, path.as_posix(), info.height, info.width)
        self.images[entry.id] = image, entry.status is ReviewStatus.DONE
        purpose = "test" if entry.side is Side.TEST else "validation"
        look = path.name, entry.content_hash, entry.group, thumbnail(small), purpose
        self.looks[entry.id] = Look(*look)

    def leave_out(self, places: Iterable[int]) -> None:
        """Drop images by their position."""
        ids = list(self.images)
        for place in places:
            del self.images[ids[place]], self.looks[ids[place]]

    def write(self, path: Path) -> None:
        """Write the images, with their regions, and what is on them."""
        records = map(self._record, self.images)
        lists = {
            "categories": category_texts(self._store),
            "images": (canonical(record, record["file_name"]) for record in records),
            "annotations": self._annotations(),
        }
        with atomic_path(path) as temporary:
            write_dataset(temporary, {}, lists)

    def _record(self, image_id: int) -> dict[str, Any]:
        image, done = self.images[image_id]
        size = {"width": image.width, "height": image.height}
        record: dict[str, Any] = {"id": image.id, "file_name": image.name, **size}
        regions = [it for it in self._store.regions(image_id) if not it.mask.is_empty]
        if not done:
            record["finished"] = _segmentations(regions, RegionKind.FINISHED, image)
        if ignored := _segmentations(regions, RegionKind.IGNORE, image):
            record["ignore"] = ignored
        return record

    def _annotations(self) -> Iterator[str]:
        writer, nobody = AnnotationWriter(ExportOptions()), ExpectedDataset()
        for image_id, (image, _) in self.images.items():
            for row in self._store.export_rows.of_image(image_id):
                empty = not row.counts if isinstance(row, UntouchedRow) else row.mask.is_empty
                text = None if empty else writer.text(row, image, nobody)
                if text is not None:
                    self.instances += not json.loads(text)["iscrowd"]
                    yield text


def _segmentations(
    regions: Iterable[Region], kind: RegionKind, image: ExportedImage
) -> list[dict[str, Any]]:
    masks = (it.mask.clip(image.width, image.height) for it in regions if it.kind is kind)
    return [dict(encode_rle(mask, image.height, image.width)) for mask in masks]
