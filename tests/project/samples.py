"""Small values that the tests of the project share."""

from pathlib import Path

import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source, Suggestion
from mrcnn_gui.project.store import Store

WIDTH, HEIGHT = 20, 16
CATEGORY_IDS = (1, 2, 7)
HUMAN = Provenance(Source.HUMAN)


def block(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_bitmap(np.ones((height, width), dtype=bool), x, y)


def instance(instance_id: int, mask: Mask | None = None, category_id: int = 1) -> Instance:
    return Instance(instance_id, category_id, mask or block(1, 2, 3, 4), HUMAN)


def suggestion(x: int = 1, score: float = 0.5) -> Suggestion:
    return Suggestion.of("object", score, block(x, 2, 3, 4), "v1")


def fill(store: Store) -> int:
    """Put one image and the categories of the strategies into a project; returns the image id."""
    for number in CATEGORY_IDS:
        store.add_category(f"category {number}", category_id=number)
    [entry] = store.add_images([store.folder.parent / "a.jpg"])
    store.update_image(entry.id, width=WIDTH, height=HEIGHT, content_hash="ff" * 16)
    return entry.id


def new_project(parent: Path) -> Store:
    store = Store.create(parent / ".mrcnn")
    fill(store)
    return store
