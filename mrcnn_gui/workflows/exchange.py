"""A project's annotations as COCO files: export, and the snapshot of a training run."""

from dataclasses import dataclass
from pathlib import Path

from core.files import atomic_path
from core.formats.coco import verify_coco, write_coco
from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_dataset import ProjectDataset, absolute_name, relative_name
from mrcnn_gui.workflows.progress import Count, ShouldStop, ignore_count, never_stop

__all__ = [
    "ExportReport",
    "Snapshot",
    "export_coco",
    "freeze_snapshot",
]


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        images: Images in the file.
        instances: Annotations in the file.
        path: The file.
        problems: One line for every image that was left out.
        cancelled: Whether it was stopped; the file is then as it was before.
    """

    images: int
    instances: int
    path: Path
    problems: tuple[str, ...] = ()
    cancelled: bool = False


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


def export_coco(
    folder: Path,
    out: Path,
    *,
    all_images: bool = False,
    on_progress: Count = ignore_count,
    should_stop: ShouldStop = never_stop,
) -> ExportReport:
    """Write the annotations of done images, or of all, as a COCO file.

    Imported annotations whose mask, category and attributes are still those of their record are
    written from that record, unknown fields included; only its `id`, `image_id` and `category_id`
    are the project's. All others are made from their mask: one exact polygon, or an RLE where it
    has holes or parts. Suggestions and empty masks are not exported; an imported file's image
    fields and top-level keys are not kept. `file_name` starts from the folder
    that the images came from, else from the deepest one that holds them all.

    The file is written beside `out`, loaded with pycocotools, every mask compared, and only then
    put in the place of the old one.

    Raises:
        ProjectError: The project cannot be read, or the file cannot be written.
        CocoError: What was written does not read back as it should; the old file stays.
    """
    with Store.open(folder, read_only=True) as store, store.snapshot():
        entries = [e for e in store.images() if all_images or e.status is ReviewStatus.DONE]
        dataset = ProjectDataset(store, relative_name(store))
        for done, entry in enumerate(entries, start=1):
            if should_stop():
                return ExportReport(0, 0, out, cancelled=True)
            dataset.add(entry)
            on_progress(done, len(entries))
        record = dataset.record()
    ids = [annotation["id"] for annotation in dataset.annotations]
    try:
        with atomic_path(out) as temporary:
            write_coco(temporary, record)
            verify_coco(temporary, zip(ids, dataset.masks, strict=True))
    except OSError as error:
        raise ProjectError(f"cannot write {out}: {error.strerror or error}") from error
    return ExportReport(len(dataset.images), len(ids), out, tuple(dataset.problems))


def freeze_snapshot(
    folder: Path, run_folder: Path, *, should_stop: ShouldStop = never_stop
) -> Snapshot:
    """Write the done images that can be read as `train.json` and `val.json` into a folder.

    `should_stop` is asked before each image; when it says yes, the rest is left out.

    Raises:
        ProjectError: The project cannot be read.
        OSError: The files cannot be written.
    """
    with Store.open(folder, read_only=True) as store, store.snapshot():
        train, val = (ProjectDataset(store, absolute_name(store)) for _ in range(2))
        for entry in store.images():
            if should_stop():
                break
            if entry.status is ReviewStatus.DONE:
                dataset = val if entry.side is Side.VALIDATION else train
                dataset.add(entry, must_exist=True)
        records = train.record(), val.record()
    paths = run_folder / "train.json", run_folder / "val.json"
    for path, record in zip(paths, records, strict=True):
        write_coco(path, record)
    instances = sum(not record.get("iscrowd", 0) for record in val.annotations)
    problems = (*train.problems, *val.problems)
    names = tuple(category["name"] for category in records[0]["categories"])
    return Snapshot(*paths, len(train.images), len(val.images), instances, problems, names)
