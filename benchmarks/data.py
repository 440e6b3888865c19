"""Where benchmarks find the real photos."""

import json
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).resolve().parents[1]


def shared_data(name: str) -> Path:
    """The folder of one real data set, beside the checkout.

    Raises:
        SystemExit: If it is not there; the message says where it was looked for.
    """
    folder = _REPOSITORY.parent / "shared" / "data" / name
    if not folder.is_dir():
        raise SystemExit(f"this benchmark reads the data set {name!r}, looked for in {folder}")
    return folder


def held_out(folder: Path, ids: list[int]) -> dict[str, Any]:
    """The part of a data set that a model's card says it did not see."""
    content = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    images = [image for image in content["images"] if image["id"] in set(ids)]
    annotations = [a for a in content["annotations"] if a["image_id"] in set(ids)]
    return {**content, "images": images, "annotations": annotations}
