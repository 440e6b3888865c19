"""Opening a project for a window: to write where that can be, else to read, with the reason."""

import logging
from pathlib import Path

from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.errors import NotWritableError, ProjectError
from mrcnn_gui.project.store import Store

log = logging.getLogger(__name__)

LAST_IMAGE = "last_image"  # setting of the project


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


def last_image(store: Store) -> int:
    """The id of the image that was open last; 0 when none was."""
    noted = store.setting(LAST_IMAGE)
    return int(noted) if noted.isdigit() else 0


def note_last_image(store: Store, document: ImageDocument | None) -> None:
    """Keep which image is open; a failure is noted and no more."""
    if document is None or store.read_only:
        return
    try:
        store.set_setting(LAST_IMAGE, str(document.image_id))
    except ProjectError as error:
        log.warning("Which image was open could not be noted: %s", error)
