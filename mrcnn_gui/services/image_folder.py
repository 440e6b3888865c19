"""The folder that a project's images come from: a new project on it, and new images in it."""

from pathlib import Path

from mrcnn_gui.project.paths import stored_paths
from mrcnn_gui.project.store import ProjectError, find_project
from mrcnn_gui.services.jobs import Job


def locate_project(path: Path) -> Path | None:
    """The project at a path or in it; None when the path is a folder without one.

    Raises:
        ProjectError: The path is no folder.
    """
    project = find_project(path)
    if project is None and not path.is_dir():
        what = "is not a folder" if path.exists() else "does not exist"
        raise ProjectError(f"{path} {what}")
    return project


def make_project(
    folder: Path, images_folder: Path, categories: tuple[str, ...], *, job: Job
) -> Path:
    """Make a project on the images of a folder; a job.

    It is not stopped halfway: what is made is whole, whether somebody still waits for it or not.

    Returns:
        The project's folder.
    """
    from mrcnn_gui.workflows.projects import create_project  # loads libvips: not at start-up

    return create_project(folder, images_folder, categories).folder


def find_new_images(
    folder: Path, images_folder: Path, known: frozenset[str], *, job: Job
) -> list[Path]:
    """The images in a folder that a project does not have yet; a job.

    Args:
        folder: The project's folder.
        images_folder: Where to look; a folder that is gone has no images.
        known: Stored paths of the images that the project has.
        job: Supplied by the runner.
    """
    from core.images import list_images  # loads libvips: not at start-up

    if job.should_stop() or not images_folder.is_dir():
        return []
    paths = list_images(images_folder)
    stored = stored_paths(paths, folder)
    return [path for path, name in zip(paths, stored, strict=True) if name not in known]
