"""The folder that a project's images come from: a new project on it, and new images in it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.paths import full_path, stored_paths
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
    folder: Path, images_folder: Path, known: Sequence[ImageEntry], *, job: Job
) -> list[Path]:
    """The images in a folder that a project does not have yet; a job.

    A file with the content of an image whose own file is gone is not new: that one was moved or
    renamed, and relinking finds it with its annotations.

    Args:
        folder: The project's folder.
        images_folder: Where to look; a folder that is gone has no images.
        known: The images that the project has.
        job: Supplied by the runner.
    """
    from core.images import list_images  # loads libvips: not at start-up

    if job.should_stop() or not images_folder.is_dir():
        return []
    paths = list_images(images_folder)
    files = dict(zip(stored_paths(paths, folder), paths, strict=True))
    stored = {entry.path for entry in known}
    new = [path for name, path in files.items() if name not in stored]
    if not new:
        return []
    moved = _Moved(
        entry
        for entry in known
        if entry.path not in files and not full_path(entry.path, folder).is_file()
    )
    fresh = [path for path in new if not job.should_stop() and not moved.holds(path)]
    return [] if job.should_stop() else fresh


class _Moved:
    """What images hold whose files are gone."""

    def __init__(self, gone: Iterable[ImageEntry]) -> None:
        sizes = {entry.content_hash: entry.file_size for entry in gone if entry.content_hash}
        self._hashes = sizes.keys()
        self._sizes = set(sizes.values())

    def holds(self, path: Path) -> bool:
        """Whether a file is one of them; its size often tells that it is not."""
        from core.images import content_hash

        try:
            fits = 0 in self._sizes or path.stat().st_size in self._sizes  # 0: not known
            return fits and content_hash(path) in self._hashes
        except OSError:
            return False
