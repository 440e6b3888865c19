"""The done images as they are now: what a training run learns from."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.files import atomic_path
from core.formats.coco_fields import canonical
from core.formats.coco_verification import ExpectedDataset
from core.formats.coco_writing import write_dataset
from core.images import ImageReadError, read_info, read_rgb
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus, Side
from mrcnn_gui.project.export_rows import UntouchedRow
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.export_annotations import AnnotationWriter, ExportedImage
from mrcnn_gui.workflows.export_options import ExportOptions
from mrcnn_gui.workflows.export_records import category_texts
from mrcnn_gui.workflows.progress import ShouldStop, never_stop

TRAIN_FILE, VAL_FILE = "train.json", "val.json"


@dataclass(frozen=True)
class Snapshot:
    """The done images as two COCO files whose file names are absolute.

    Attributes:
        train_json: Images of the training side.
        val_json: Images of the validation side; may hold none.
        train_images: How many images `train_json` holds.
        val_images: How many images `val_json` holds.
        val_instances: How many instances (crowds not counted) `val_json` holds.
        problems: One line for every done image that was left out.
        categories: Names of the project's categories, as both files have them.
    """

    train_json: Path
    val_json: Path
    train_images: int
    val_images: int
    val_instances: int
    problems: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

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
        lists = {key: tuple(facts[key]) for key in ("problems", "categories")}
        return cls(run_folder / TRAIN_FILE, run_folder / VAL_FILE, **facts | lists)


def freeze_snapshot(
    folder: Path, run_folder: Path, *, should_stop: ShouldStop = never_stop
) -> Snapshot:
    """Write the done images that can be read as `train.json` and `val.json` into a folder.

    Images for tests are in neither, nor are instances without a pixel. `should_stop` is asked
    before each image; when it says yes, the rest is left out.

    Raises:
        ProjectError: The project cannot be read.
        OSError: The files cannot be written.
    """
    with Store.open(folder, read_only=True) as store, store.frozen():
        sides = {side: _Side(store) for side in (Side.TRAIN, Side.VALIDATION)}
        for entry in store.images():
            if should_stop():
                break
            if entry.status is ReviewStatus.DONE and entry.side is not Side.TEST:
                sides[entry.side or Side.TRAIN].add(entry)
        train, val = sides[Side.TRAIN], sides[Side.VALIDATION]
        paths = run_folder / TRAIN_FILE, run_folder / VAL_FILE
        for path, side in zip(paths, (train, val), strict=True):
            side.write(path)
        names = tuple(category.name for category in store.categories())
    problems = (*train.problems, *val.problems)
    return Snapshot(*paths, len(train.images), len(val.images), val.instances, problems, names)


class _Side:
    """The images of one side."""

    def __init__(self, store: Store) -> None:
        self.images: dict[int, tuple[ExportedImage, str]] = {}
        self.problems: list[str] = []
        self.instances = 0
        self._store = store

    def add(self, entry: ImageEntry) -> None:
        """Take an image if it can be read: the header of a file that is cut off says nothing."""
        path = self._store.image_path(entry)
        try:
            info = read_info(path)
            read_rgb(path, max_side=64)
            path.as_posix().encode()
        except ImageReadError as error:
            self.problems.append(str(error))
            return
        except UnicodeEncodeError:
            self.problems.append(f"{entry.path!a}: its name is not valid UTF-8: rename it")
            return
        image = ExportedImage(entry.export_id, path.as_posix(), info.height, info.width)
        self.images[entry.id] = image, canonical(_record(image), image.name)

    def write(self, path: Path) -> None:
        lists = {
            "categories": category_texts(self._store),
            "images": (text for _, text in self.images.values()),
            "annotations": self._annotations(),
        }
        with atomic_path(path) as temporary:
            write_dataset(temporary, {}, lists)

    def _annotations(self) -> Iterator[str]:
        writer, nobody = AnnotationWriter(ExportOptions()), ExpectedDataset()
        for image_id, (image, _) in self.images.items():
            for row in self._store.export_rows.of_image(image_id):
                empty = not row.counts if isinstance(row, UntouchedRow) else row.mask.is_empty
                text = None if empty else writer.text(row, image, nobody)
                if text is not None:
                    self.instances += not json.loads(text)["iscrowd"]
                    yield text


def _record(image: ExportedImage) -> dict[str, Any]:
    return {"id": image.id, "file_name": image.name, "width": image.width, "height": image.height}
