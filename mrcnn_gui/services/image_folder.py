"""The folder that a project's images come from: what is in it, and a new project on it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from mrcnn_gui.project.opening import DATABASE_FILE
from mrcnn_gui.project.paths import full_path, stored_paths
from mrcnn_gui.project.store import PROJECT_FOLDER, ProjectError, Store, find_project
from mrcnn_gui.services.jobs import Job, JobRunner, Lane

IMAGES_FOLDER = "images_folder"  # setting of the project: where to look for new images


class FolderSearch:
    """Looks for images in a folder on the IO lane; one search at a time, the last one counts."""

    def __init__(self, jobs: JobRunner) -> None:
        self._jobs = jobs
        self._job: Job | None = None

    def start(
        self,
        images_folder: Path,
        *,
        on_done: Callable[[list[Path]], object],
        on_failed: Callable[[str], object] | None = None,
        project: tuple[Path, frozenset[str]] | None = None,
    ) -> None:
        """Begin a search.

        Args:
            images_folder: Where to look, subfolders included.
            on_done: Gets the images, sorted as a person would.
            on_failed: Gets a sentence for people.
            project: A project's folder and the stored paths of its images, which are left out.
        """
        self.stop()
        self._job = self._jobs.start(
            Lane.IO, find_images, images_folder, project, on_done=on_done, on_failed=on_failed
        )

    def stop(self) -> None:
        """Forget the search."""
        if self._job is not None:
            self._job.cancel()
            self._job = None


def find_images(
    images_folder: Path, project: tuple[Path, frozenset[str]] | None, *, job: Job
) -> list[Path]:
    """The images in a folder, less those that a project has already; a job.

    A project whose folder of images is gone has no new ones.
    """
    from core.images import list_images  # loads libvips: not at start-up

    if job.should_stop() or (project is not None and not images_folder.is_dir()):
        return []
    paths = list_images(images_folder)
    if project is None:
        return paths
    folder, known = project
    stored = stored_paths(paths, folder)
    return [path for path, name in zip(paths, stored, strict=True) if name not in known]


def locate_project(path: Path) -> Path | None:
    """The project at a path or in it; None when the path is a folder without one.

    Raises:
        ProjectError: The path is no folder.
    """
    project = find_project(path)
    if project is None and not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise ProjectError(f"{path} {what}.")
    return project


def images_folder_of(store: Store) -> Path | None:
    """Where to look for new images of a project; None when it was never said."""
    name = store.setting(IMAGES_FOLDER)
    if name:
        return full_path(name, store.folder)
    return store.folder.parent if store.folder.name == PROJECT_FOLDER else None


def create_store(
    folder: Path, images_folder: Path, images: Sequence[Path], categories: Sequence[str]
) -> Store:
    """Make a project and fill it: wholly, or not at all.

    Raises:
        ProjectError: There are no images, there is a project already, or it cannot be written.
        ValueError: A category's name is empty or there twice.
    """
    if not images:
        raise ProjectError(
            f"{images_folder} and its subfolders hold no images (jpg, png, tif, bmp, webp)."
        )
    if find_project(folder) == folder:
        raise ProjectError(f"There is a project in {folder} already.")
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
