"""The sample project: generated scenes to try the whole loop on, offline."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2

from core.files import publish_folder
from mrcnn_gui.project.annotation import Instance, Provenance, ReviewStatus, Side, Source
from mrcnn_gui.project.content import read_content
from mrcnn_gui.project.store import PROJECT_FOLDER, ProjectError, Store
from mrcnn_gui.workflows.progress import Count, ignore_count
from mrcnn_gui.workflows.scenes import CATEGORIES, HEIGHT, SCENES, WIDTH, SceneInstance, scene

TRAINING_SCENES = (0, 1, 3)
VALIDATION_SCENE = 4
"""Holds enough instances to tell two model versions apart."""

TEST_SCENES = (20, 21, 22, 23)
"""Never trained on, and no version is chosen by them: what a fine-tune gained is seen there."""

_JPEG_QUALITY = 92


def write_sample(folder: Path, *, on_progress: Count = ignore_count) -> Path:
    """Write the 24 scenes and a project on them: 16 to do, 8 done.

    Of the done ones three teach, one judges versions, four are for test.

    A run that is broken off leaves nothing behind.

    Args:
        folder: Where the images go; made when missing, else it must be empty.
        on_progress: Called after every scene.

    Returns:
        The project folder, `folder/.mrcnn`.

    Raises:
        ProjectError: The folder is not empty or cannot be written.
    """
    if folder.resolve() == Path.cwd():
        raise ProjectError("the sample needs a folder of its own, not the current one")
    try:
        if folder.exists() and any(folder.iterdir()):
            raise ProjectError(f"the sample needs an empty folder, but {folder} holds files")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".sample-") as temporary:
            staging = Path(temporary) / folder.name
            _write(staging, on_progress)
            if folder.exists():
                folder.rmdir()
            publish_folder(staging, folder)
    except OSError as error:
        raise ProjectError(f"cannot write the sample to {folder}: {error}") from error
    return folder / PROJECT_FOLDER


def _write(folder: Path, on_progress: Count) -> None:
    folder.mkdir()
    scenes = []
    with ThreadPoolExecutor(max_workers=2) as pool:  # numpy and cv2 work side by side
        for written in pool.map(partial(_write_scene, folder), range(SCENES)):
            scenes.append(written)
            on_progress(len(scenes), SCENES)
    with Store.create(folder / PROJECT_FOLDER) as store, store.transaction():
        _fill(store, [path for path, _ in scenes], [instances for _, instances in scenes])


def _write_scene(folder: Path, index: int) -> tuple[Path, tuple[SceneInstance, ...]]:
    rgb, instances = scene(index)
    path = folder / f"scene_{index + 1:02d}.jpg"
    quality = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), quality)
    path.write_bytes(data.tobytes())
    return path, instances


def _fill(store: Store, paths: list[Path], scenes: list[tuple[SceneInstance, ...]]) -> None:
    category_ids = {name: store.add_category(name).id for name in CATEGORIES}
    entries = store.add_images(paths)
    for entry, path in zip(entries, paths, strict=True):
        content = read_content(path)._asdict()
        store.update_image(entry.id, width=WIDTH, height=HEIGHT, **content)
    for index, side in _sides():
        image_id = entries[index].id
        instances = [
            Instance(
                store.new_instance_id(), category_ids[i.category], i.mask, Provenance(Source.HUMAN)
            )
            for i in scenes[index]
        ]
        store.insert_instances(image_id, instances)
        store.set_status(image_id, ReviewStatus.DONE)
        store.set_side(image_id, side)


def _sides() -> Iterator[tuple[int, Side]]:
    """The scenes that are done."""
    yield from ((index, Side.TRAIN) for index in TRAINING_SCENES)
    yield VALIDATION_SCENE, Side.VALIDATION
    yield from ((index, Side.TEST) for index in TEST_SCENES)
