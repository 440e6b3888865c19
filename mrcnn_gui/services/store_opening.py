"""Opening a project for a window: to write where that can be, else to read, with the reason."""

from pathlib import Path

from mrcnn_gui.project.errors import NotWritableError
from mrcnn_gui.project.store import Store


def open_store(folder: Path) -> tuple[Store, str]:
    """Open the project in a folder.

    Returns:
        The store, and why it can only be read; "" when it can be changed.

    Raises:
        ProjectError: It cannot even be read.
    """
    try:
        return Store.open(folder), ""
    except NotWritableError as error:
        return Store.open(folder, read_only=True), str(error)
