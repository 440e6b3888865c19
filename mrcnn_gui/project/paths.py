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
    prefixes: dict[str, str] = {}  # thousands of images share few folders
    for path in paths:
        parent, name = os.path.split(path)  # a third of the time of `Path.parent`
        prefix = prefixes.get(parent)
        if prefix is None:
            prefix = prefixes[parent] = _prefix(path.parent.resolve(), folder)
        yield prefix + name


def full_path(stored: str, folder: Path) -> Path:
    """Where the image of a stored path is."""
    return Path(os.path.normpath(folder / PurePosixPath(stored)))


def shown_name(stored: str) -> str:
    """What people call the image of a stored path: the path below the folder of images."""
    path = stored
    while path.startswith("../"):
        path = path.removeprefix("../")
    return path.rpartition("/")[2] if path.startswith("/") else path


def _prefix(parent: Path, folder: Path) -> str:
    try:
        relative = Path(os.path.relpath(parent, folder)).as_posix()
    except ValueError:  # another drive
        relative = parent.as_posix()
    return "" if relative == "." else relative.removesuffix("/") + "/"
