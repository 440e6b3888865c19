"""Groups of images that stay on one side of the split."""

from pathlib import Path, PurePosixPath

from mrcnn_gui.project.store import Store


def group_by_folder(project: Path, *, groups: bool = True) -> int:
    """Make the images of each folder a group: frames of a film, images of a patient.

    Sides that are decided stay; what would be on both sides is not trained on.

    Args:
        project: Project folder.
        groups: False takes the groups back, so that each image is by itself.

    Returns:
        How many groups there are now.

    Raises:
        ProjectError: The project cannot be written.
    """
    with Store.open(project) as store, store.transaction():
        names = set()
        for entry in store.images():
            name = str(PurePosixPath(entry.path).parent) if groups else ""
            names.add(name)
            if name != entry.group:
                store.set_group(entry.id, name)
    return len(names - {""})
