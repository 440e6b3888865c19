"""Small projects on generated pictures, and a tiny model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from core.masks import Mask
from core.model.checkpoint import save_model
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN
from mrcnn_gui.project.annotation import Instance, Provenance, ReviewStatus, Side, Source
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows import coco_import
from mrcnn_gui.workflows.coco_import import ImportOptions
from mrcnn_gui.workflows.import_report import ImportReport

WIDTH, HEIGHT = 96, 64


def write_picture(path: Path, seed: int = 0, *, width: int = WIDTH, height: int = HEIGHT) -> Path:
    """A grey picture with a bright rectangle in it."""
    pixels = np.random.default_rng(seed).integers(90, 120, (height, width, 3), dtype=np.uint8)
    pixels[height // 4 : height // 2, width // 4 : width // 2] = (200, 60, 240)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())
    return path


def rectangle(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_bitmap(np.ones((height, width), dtype=np.bool_), x, y)


def ring(x: int, y: int, size: int) -> Mask:
    bitmap = np.ones((size, size), dtype=np.bool_)
    bitmap[size // 3 : 2 * size // 3, size // 3 : 2 * size // 3] = False
    return Mask.from_bitmap(bitmap, x, y)


def human(store: Store, mask: Mask, category_id: int = 1) -> Instance:
    return Instance(store.new_instance_id(), category_id, mask, Provenance(Source.HUMAN))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of four pictures."""
    for number in range(4):
        write_picture(tmp_path / "photos" / f"{number}.png", number)
    return tmp_path / "photos"


@pytest.fixture
def project(photos: Path) -> Path:
    """A project on the pictures, with two categories and nothing annotated."""
    with Store.create(photos / ".mrcnn") as store:
        store.add_category("a")
        store.add_category("b")
        for entry in store.add_images(sorted(photos.glob("*.png"))):
            store.update_image(entry.id, width=WIDTH, height=HEIGHT)
    return photos / ".mrcnn"


@pytest.fixture
def reviewed(project: Path) -> Path:
    """The same project with three done images: two to train on, one to validate on."""
    with Store.open(project) as store:
        for entry in store.images()[:3]:
            box = human(store, rectangle(WIDTH // 4, HEIGHT // 4, WIDTH // 4, HEIGHT // 4))
            store.insert_instances(entry.id, [box])
            store.set_status(entry.id, ReviewStatus.DONE)
            store.set_side(entry.id, Side.VALIDATION if entry.id == 3 else Side.TRAIN)
    return project


TINY = MaskRCNNConfig(
    backbone_width=0.25,
    image_size=64,
    fpn_channels=16,
    anchor_sizes=(8.0, 16.0, 24.0, 32.0, 48.0),
    rpn_samples=32,
    rpn_candidates=50,
    rpn_proposals_train=32,
    rpn_proposals_test=16,
    box_channels=16,
    box_samples=16,
    mask_channels=8,
    mask_convs=1,
    score_threshold=0.0,
)


def save_tiny(folder: Path, *categories: str) -> Path:
    """An untrained model: what it finds is noise, but it finds something."""
    config = replace(TINY, categories=categories or ("object",))
    save_model(folder, MaskRCNN(config, seed=1), {"name": "tiny"})
    return folder


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class-agnostic model."""
    return save_tiny(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def starter(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts the tiny model in the place of the starter."""
    monkeypatch.setattr("mrcnn_gui.workflows.models.resource", lambda _: tiny_model)
    return tiny_model


def import_coco(
    folder: Path,
    instances_json: Path,
    images_folder: Path,
    status: ReviewStatus | None = None,
    **options: Any,
) -> ImportReport:
    """Import into the project in a folder."""
    as_stored = options.pop("as_stored", False)
    with Store.open(folder) as store:
        return coco_import.import_coco(
            store, instances_json, images_folder, ImportOptions(status, as_stored), **options
        )
