from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from core.learning.config import TrainConfig
from tests.core.learning.scenes import write_scenes, write_tiny_model


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small compute faster on one thread, above all on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    """Two epochs of two steps, with validation on the training images."""
    photos = tmp_path / "photos"
    photos.mkdir()
    scenes = write_scenes(photos, 4)
    return TrainConfig(
        train_json=scenes,
        train_images=photos,
        val_json=scenes,
        val_images=photos,
        initial=write_tiny_model(tmp_path / "initial"),
        output=tmp_path / "run",
        epochs=2,
        batch_size=2,
        image_size=96,
        warmup_steps=2,
        device="cpu",
    )
