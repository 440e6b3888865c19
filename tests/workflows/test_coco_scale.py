"""Imports and exports hold few records at a time, however many there are."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.formats import coco_verification
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.export_options import ExportOptions
from tests.workflows.conftest import HEIGHT, WIDTH, import_coco

_IMAGES, _IN_EACH = 100, 80
_RECORDS = _IMAGES * _IN_EACH
_VERTICES = 20
_MOST = 8_000_000  # bytes; the parsed records alone take 18 million


def write_many(path: Path) -> None:
    """Records in the order of their images; each is the same polygon with another number."""
    angles = np.linspace(0, 2 * np.pi, _VERTICES, endpoint=False)
    points = np.stack([30 + 10.5 * np.cos(angles), 30 + 10.5 * np.sin(angles)], axis=1).round(3)
    box = [*points.min(axis=0).tolist(), 21, 21]
    names = [f"{number}.png" for number in range(_IMAGES)]
    images = [
        {"id": number, "file_name": name, "width": WIDTH, "height": HEIGHT}
        for number, name in enumerate(names)
    ]
    with path.open("w") as file:
        header = {"images": images, "categories": [{"id": 1, "name": "a"}]}
        file.write(json.dumps(header)[:-1] + ',"annotations":[')
        for number in range(_RECORDS):
            record = {
                "id": number + 1,
                "image_id": number // _IN_EACH,
                "category_id": 1,
                "segmentation": [points.reshape(-1).tolist()],
                "area": 340,
                "bbox": box,
                "iscrowd": 0,
            }
            file.write("," * bool(number) + json.dumps(record))
        file.write("]}")


def peak(work: Callable[[], object]) -> int:
    """The most bytes that Python's objects took at a time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_thousands_of_records_pass_through_little_memory(
    project: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coco_verification, "LOADED_WHOLE", 0)
    for number in range(4, _IMAGES):
        (photos / f"{number}.png").hardlink_to(photos / "0.png")
    write_many(tmp_path / "many.json")
    assert peak(lambda: import_coco(project, tmp_path / "many.json", photos)) < _MOST
    with Store.open(project, read_only=True) as store:
        assert sum(store.instance_counts().values()) == _RECORDS
    everything = ExportOptions(all_images=True)
    assert peak(lambda: export_coco(project, tmp_path / "out.json", everything)) < _MOST
