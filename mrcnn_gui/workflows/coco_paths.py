"""Where the images of a COCO file are: in the chosen folder, and nowhere else."""

import os
import re
from pathlib import Path, PureWindowsPath

from core.formats.coco_fields import CocoError, shown

_DEVICES = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
)

_UNUSUAL = re.compile(r"^/|[:\\]|\.\.")  # of these names, pathlib has to look at the parts


def image_path(images_folder: Path, file_name: str, *, windows: bool = os.name == "nt") -> Path:
    """The file of a COCO image; both kinds of slashes separate folders.

    Args:
        images_folder: Where the name starts from.
        file_name: As the file has it.
        windows: Whether names of devices, and of streams behind a colon, mean what they mean there.

    Raises:
        CocoError: The name leads out of the folder, or to no file.
    """
    if not windows and not _UNUSUAL.search(file_name):
        return images_folder / file_name
    if "://" in file_name:
        raise CocoError(
            f"file_name {shown(file_name)} is an address; expected a file in the folder"
        )
    name = PureWindowsPath(file_name)
    if name.drive or name.root or ".." in name.parts:
        raise CocoError(f"file_name {shown(file_name)} leads out of the images folder")
    if windows and any(_is_device(part) for part in name.parts):
        raise CocoError(f"file_name {shown(file_name)} is the name of a device")
    return images_folder.joinpath(*name.parts)


def _is_device(part: str) -> bool:
    """Whether Windows opens something else than a file: NUL, also as nul.png, or a:stream."""
    return ":" in part or part.partition(".")[0].rstrip(" ").casefold() in _DEVICES


class LinkCheck:
    """Knows which files of a folder are elsewhere in truth."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._inside: dict[Path, bool] = {}  # thousands of images share few folders

    def leads_out(self, path: Path) -> bool:
        """Whether links on the way to a file of the folder lead out of it."""
        try:
            if path.is_symlink():
                return not self._holds(path)
        except OSError:  # a name that is too long: opening it will say so
            return False
        parent = path.parent
        if parent not in self._inside:
            self._inside[parent] = self._holds(parent)
        return not self._inside[parent]

    def _holds(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._folder)
        except (OSError, RuntimeError):  # links in a circle
            return False
