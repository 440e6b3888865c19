"""The folder that a project's images come from, which may hold more of them one day."""

from pathlib import Path

from mrcnn_gui.project.paths import full_path, stored_paths
from mrcnn_gui.project.store import PROJECT_FOLDER, Store

_SETTING = "images_folder"


def images_folder_of(store: Store) -> Path | None:
    """Where the images come from: as noted, else around `.mrcnn`; None when it was never said."""
    stored = store.setting(_SETTING)
    if stored:
        return full_path(stored, store.folder)
    return store.folder.parent if store.folder.name == PROJECT_FOLDER else None


def note_images_folder(store: Store, folder: Path) -> None:
    """Keep the folder with the project, as its images' paths are kept."""
    store.set_setting(_SETTING, next(stored_paths([folder.resolve()], store.folder)))
