"""A COCO file into a project: wholly, or not at all."""

import json
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from core.formats.coco import (
    CocoAnnotation,
    CocoDataset,
    CocoError,
    CocoImage,
    annotation_mask,
    read_coco,
)
from core.images import ImageReadError, read_info
from mrcnn_gui.project.annotation import ImageEntry, Instance, Provenance, ReviewStatus, Source
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.paths import stored_paths
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.progress import Count, ignore_count


@dataclass(frozen=True)
class ImportReport:
    """What an import brought.

    Attributes:
        images: Images of the file that are in the project now.
        instances: Instances that were added.
        categories: Categories that were added.
        problems: One line for everything that was left out.
    """

    images: int
    instances: int
    categories: int
    problems: tuple[str, ...]


def import_coco(
    folder: Path,
    instances_json: Path,
    images_folder: Path,
    status: ReviewStatus | None = None,
    *,
    on_progress: Count = ignore_count,
) -> ImportReport:
    """Bring the images, categories and annotations of a COCO file into a project.

    Categories match by name; a new one keeps its id where that is free. Every instance keeps its
    record, with the project's category id in it; one whose record is in the project already is
    not added again. Left out and reported: images that are missing, unreadable or (upright) of
    another size than the file says, and annotations without a usable mask.

    Args:
        folder: Project folder.
        instances_json: COCO file.
        images_folder: Where `file_name` starts from; nothing outside it is ever read.
        status: Given to every image; None puts to-do images that got instances in progress.
        on_progress: Called after every image.

    Raises:
        CocoError: The file is wrong; the project is as it was.
        ProjectError: The project cannot be written, or none of the images can be used.
    """
    dataset = read_coco(instances_json)
    paths = _image_paths(dataset, images_folder)
    problems: list[str] = []
    images = [image for image in dataset.images if _is_usable(image, paths[image.id], problems)]
    if not images:
        first = f": {problems[0]}" if problems else ""
        raise ProjectError(f"no image of {instances_json.name} can be used{first}")
    with Store.open(folder) as store, store.transaction():
        categories = len(store.categories())
        target = _Target(store, _match_categories(store, dataset), problems)
        entries = _add_images(store, [paths[image.id] for image in images])
        annotations = _by_image(dataset)
        for done, (image, entry) in enumerate(zip(images, entries, strict=True), start=1):
            target.add(image, entry, annotations.get(image.id, []))
            target.set_status(entry, status)
            on_progress(done, len(images))
        target.sum_up()
        categories = len(store.categories()) - categories
    return ImportReport(len(images), target.added, categories, tuple(problems))


@dataclass
class _Target:
    """Where the annotations go; `category_ids` leads from the file's ids to the project's."""

    store: Store
    category_ids: dict[int, int]
    problems: list[str]
    added: int = 0
    _repeated: int = 0
    _touched: set[int] = field(default_factory=set)

    def add(self, image: CocoImage, entry: ImageEntry, annotations: list[CocoAnnotation]) -> None:
        self.store.update_image(entry.id, width=image.width, height=image.height, problem="")
        present = {instance.original for instance in self.store.instances(entry.id)}
        made = [self._instance(image, annotation, present) for annotation in annotations]
        instances = [instance for instance in made if instance is not None]
        self.store.insert_instances(entry.id, instances)
        self.added += len(instances)
        if instances:
            self._touched.add(entry.id)

    def set_status(self, entry: ImageEntry, status: ReviewStatus | None) -> None:
        started = entry.status is ReviewStatus.TODO and entry.id in self._touched
        status = status or (ReviewStatus.IN_PROGRESS if started else entry.status)
        self.store.set_status(entry.id, status)

    def sum_up(self) -> None:
        """One line for all that was there before: the same file again would give thousands."""
        if self._repeated == 1:
            self.problems.append("1 annotation is in the project already")
        elif self._repeated:
            self.problems.append(f"{self._repeated:,} annotations are in the project already")

    def _instance(
        self, image: CocoImage, annotation: CocoAnnotation, present: set[str]
    ) -> Instance | None:
        category_id = self.category_ids[annotation.category_id]
        where = f"{image.file_name}: annotation {annotation.id}"
        try:
            mask = annotation_mask(annotation, image.height, image.width)
            original = canonical_record({**annotation.record, "category_id": category_id})
        except CocoError as error:
            self.problems.append(f"{image.file_name}: {error}")
            return None
        if original in present:
            self._repeated += 1
            return None
        if mask.is_empty:
            self.problems.append(f"{where}: its mask covers no pixel")
            return None
        attributes = annotation.record.get("attributes")
        return Instance(
            self.store.new_instance_id(),
            category_id,
            mask,
            Provenance(Source.IMPORTED),
            annotation.is_crowd,
            attributes if isinstance(attributes, dict) else {},
            original,
        )


def canonical_record(record: dict[str, object]) -> str:
    """A COCO record as JSON: sorted keys, no spaces, so that equal records are equal text.

    Raises:
        CocoError: A number is NaN or infinite, which JSON does not have.
    """
    try:
        return json.dumps(
            record, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        )
    except ValueError as error:
        where = f"annotation {record['id']}"
        raise CocoError(f"{where} has a number that JSON does not have: {error}") from error


def image_path(images_folder: Path, file_name: str) -> Path:
    """The file of a COCO image; both kinds of slashes separate folders.

    Raises:
        CocoError: The name leads out of the folder.
    """
    name = PureWindowsPath(file_name)
    if "://" in file_name:
        raise CocoError(f"file_name {file_name!r} is an address; expected a file in the folder")
    if name.drive or name.root or ".." in name.parts:
        raise CocoError(f"file_name {file_name!r} leads out of the images folder")
    return images_folder.joinpath(*name.parts)


def _image_paths(dataset: CocoDataset, images_folder: Path) -> dict[int, Path]:
    if not images_folder.is_dir():
        raise ProjectError(f"{images_folder} is not a folder")
    paths = {image.id: image_path(images_folder, image.file_name) for image in dataset.images}
    names: dict[Path, int] = {}
    for image_id, path in paths.items():
        if names.setdefault(path, image_id) != image_id:
            raise CocoError(f"images {names[path]} and {image_id} have one file_name: {path.name}")
    return paths


def _is_usable(image: CocoImage, path: Path, problems: list[str]) -> bool:
    try:
        info = read_info(path)
    except ImageReadError as error:
        problems.append(str(error))
        return False
    if (info.width, info.height) == (image.width, image.height):
        return True
    problems.append(
        f"{image.file_name}: the file says {image.width} x {image.height}, "
        f"the upright image has {info.width} x {info.height} pixels"
    )
    return False


def _match_categories(store: Store, dataset: CocoDataset) -> dict[int, int]:
    """The project's category ids by the file's; those that are missing are added."""
    ids = {category.name: category.id for category in store.categories()}
    taken = set(ids.values())
    matched = {}
    for category in dataset.categories:
        name = category.name.strip()
        if name not in ids:
            wanted = category.id if category.id not in taken else None
            ids[name] = _add_category(store, name, wanted)
            taken.add(ids[name])
        matched[category.id] = ids[name]
    return matched


def _add_category(store: Store, name: str, category_id: int | None) -> int:
    try:
        return store.add_category(name, category_id=category_id).id
    except ValueError as error:
        raise CocoError(f"category {name!r}: {error}") from error


def _add_images(store: Store, paths: list[Path]) -> list[ImageEntry]:
    """The entries of these files, in the same order; those that are missing are added."""
    store.add_images(paths)
    entries = {entry.path: entry for entry in store.images()}
    return [entries[stored] for stored in stored_paths(paths, store.folder)]


def _by_image(dataset: CocoDataset) -> dict[int, list[CocoAnnotation]]:
    grouped: dict[int, list[CocoAnnotation]] = {}
    for annotation in dataset.annotations:
        grouped.setdefault(annotation.image_id, []).append(annotation)
    return grouped
