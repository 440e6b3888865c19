"""Making a project on a folder of images, and saying how far its images are."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from core.images import list_images
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus
from mrcnn_gui.project.errors import CommitError, ProjectError
from mrcnn_gui.project.images_folder import note_images_folder
from mrcnn_gui.project.store import PROJECT_FOLDER, Store, find_project


@dataclass(frozen=True)
class NewProject:
    """A project that was just made, and how many images it has."""

    folder: Path
    images: int


@dataclass(frozen=True)
class StatusReport:
    """What a change of status came to; one line in `problems` for every image that kept its own."""

    images: int
    problems: tuple[str, ...]


def open_folder(path: Path) -> Path:
    """The project folder that a person means: the folder itself, or `.mrcnn` in it.

    Raises:
        ProjectError: There is no project.
    """
    folder = find_project(path)
    if folder is None:
        raise ProjectError(f"there is no project in {path}")
    return folder


def create_project(folder: Path, images_folder: Path, categories: Sequence[str]) -> NewProject:
    """Make a project on all images of a folder and its subfolders.

    Args:
        folder: The new project folder; where it is the images folder itself, `.mrcnn` in it.
        images_folder: Where to look for images.
        categories: Their names.

    Raises:
        ProjectError: There is a project already, there are no images, a category's name is no
            good, or the folder cannot be written.
    """
    if folder.resolve() == images_folder.resolve():
        folder = folder / PROJECT_FOLDER
    if find_project(folder) is not None:
        raise ProjectError(f"there is a project in {folder} already")
    try:
        images = list_images(images_folder)
    except OSError as error:
        raise ProjectError(str(error)) from error
    if not images:
        raise ProjectError(f"no images in {images_folder}: expected jpg, png, tif, bmp or webp")
    _check_names(categories)
    with Store.create(folder) as store, store.transaction():
        store.insert_images(images)
        for name in categories:
            store.add_category(name)
        note_images_folder(store, images_folder)
    return NewProject(folder, len(images))


def set_statuses(folder: Path, status: ReviewStatus, pattern: str = "*") -> StatusReport:
    """Give a status to all images whose stored path or file name matches a glob pattern.

    Raises:
        ProjectError: No image matches, or the project cannot be written.
    """
    problems: list[str] = []
    with Store.open(folder) as store:
        entries = [entry for entry in store.images() if matches(entry, pattern)]
        if not entries:
            raise ProjectError(f"no image matches {pattern!r}")
        for entry in entries:
            try:
                store.set_status(entry.id, status)
            except CommitError as error:  # its file cannot be read
                problems.append(str(error))
    return StatusReport(len(entries) - len(problems), tuple(problems))


def matches(entry: ImageEntry, pattern: str) -> bool:
    """Whether an image's stored path or file name matches a glob pattern."""
    names = entry.path, PurePosixPath(entry.path).name
    return any(fnmatchcase(name, pattern) for name in names)


def _check_names(names: Sequence[str]) -> None:
    stripped = [name.strip() for name in names]
    if not all(stripped) or len(set(stripped)) != len(stripped):
        raise ProjectError(f"expected different names of categories, got {', '.join(names)!r}")
