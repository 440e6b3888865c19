"""A real run reads no pixel, to learn from, of an image that judges or is kept for test."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.images import read_rgb
from mrcnn_gui.project.annotation import ReviewStatus, Side
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.finetune import finetune
from mrcnn_gui.workflows.finetune_options import FinetuneOptions
from tests.workflows.conftest import human, rectangle


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """The names of the files that were read, to learn from and to judge."""
    names: dict[str, set[str]] = {"dataset": set(), "evaluate": set()}

    def spy(purpose: str, path: Path, **options: int) -> NDArray[np.uint8]:
        names[purpose].add(path.name)
        return read_rgb(path, **options)

    for purpose in names:

        def reader(path: Path, purpose: str = purpose, **options: int) -> NDArray[np.uint8]:
            return spy(purpose, path, **options)

        monkeypatch.setattr(f"core.learning.{purpose}.read_rgb", reader)
    return names


def test_only_images_for_training_are_learned_from(
    reviewed: Path, starter: Path, read: dict[str, set[str]]
) -> None:
    with Store.open(reviewed) as store:  # 1 and 2 teach, 3 judges
        store.insert_instances(4, [human(store, rectangle(10, 10, 30, 20))])
        store.set_status(4, ReviewStatus.DONE)
        store.set_side(4, Side.TEST)
        for image_id in (2, 4):  # a copy of what is kept for test
            store.update_image(image_id, content_hash="cd" * 16)
    result = finetune(reviewed, FinetuneOptions(epochs=2, device="cpu"))
    assert result.version == "v1"
    assert read == {"dataset": {"0.png"}, "evaluate": {"2.png"}}
    assert result.problems == ("1.png: the same image as 3.png, which is kept for test",)
