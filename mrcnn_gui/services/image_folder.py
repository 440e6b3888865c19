"""The folder that a project's images come from: what is in it, and a new project on it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mrcnn_gui.project.opening import DATABASE_FILE
from mrcnn_gui.project.paths import full_path, stored_paths
from mrcnn_gui.project.store import PROJECT_FOLDER, Store
from mrcnn_gui.services.jobs import Job

IMAGES_FOLDER = "images_folder"  # setting of the project: where to look for new images


def find_images(images_folder: Path, *, job: Job) -> list[Path]:
    """All images in a folder; a job."""
    from core.images import list_images  # loads libvips: not at start-up

    return [] if job.should_stop() else list_images(images_folder)


def find_new_images(
    folder: Path, images_folder: Path, known: frozenset[str], *, job: Job
) -> list[Path]:
    """The images in a folder that a project does not have yet; a job.

    Args:
        folder: The project's folder.
        images_folder: Where to look; a folder that is not there has no images.
        known: Stored paths of the images that the project has.
        job: Supplied by the runner.
    """
    if not images_folder.is_dir():
        return []
    paths = find_images(images_folder, job=job)
    stored = stored_paths(paths, folder)
    return [path for path, name in zip(paths, stored, strict=True) if name not in known]


def images_folder_of(store: Store) -> Path | None:
    """Where to look for new images of a project; None when it was never said."""
    name = store.setting(IMAGES_FOLDER)
    if name:
        return full_path(name, store.folder)
    return store.folder.parent if store.folder.name == PROJECT_FOLDER else None


def create_store(
    folder: Path, images_folder: Path, images: Iterable[Path], categories: Sequence[str]
) -> Store:
    """Make a project and fill it: wholly, or not at all.

    Raises:
        FileExistsError: There is a project in the folder already.
        ProjectError, ValueError: It cannot be written, or a category's name is no good.
    """
    store = Store.create(folder)
    try:
        with store.transaction():
            store.add_images(images)
            for name in categories:
                store.add_category(name)
            store.set_setting(IMAGES_FOLDER, next(stored_paths([images_folder], store.folder)))
    except BaseException:
        store.close()
        (store.folder / DATABASE_FILE).unlink(missing_ok=True)
        raise
    return store
