"""Where images are: relative to the project folder, so that both can be moved together."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath


def stored_paths(paths: Iterable[Path], folder: Path) -> Iterator[str]:
    """The paths that a project keeps for images.

    Args:
        paths: The images.
        folder: The project folder, absolute and without links.

    Yields:
        Posix; relative to the folder (may begin with ../), or absolute where the image is on
        another drive. Links on the way to an image are followed; a linked file keeps its name.
    """
    real: dict[Path, Path] = {}  # thousands of images share few folders
    for path in paths:
        if path.parent not in real:
            real[path.parent] = path.parent.resolve()
        yield _relative(real[path.parent] / path.name, folder)


def full_path(stored: str, folder: Path) -> Path:
    """Where the image of a stored path is."""
    return Path(os.path.normpath(folder / PurePosixPath(stored)))


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive
        return path.as_posix()
