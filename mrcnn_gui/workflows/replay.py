"""Old knowledge: what a run goes through once more of the images that its parent learned from."""

import json
import random
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.files import write_atomically
from core.formats.coco_fields import canonical
from mrcnn_gui.workflows.models import project_models
from mrcnn_gui.workflows.run_folder import ProjectRun
from mrcnn_gui.workflows.snapshot import TRAIN_FILE, Snapshot

Record = dict[str, Any]

OLD_PER_NEW = 3
LEAST_OLD = 60
"""So many old images are gone through at least, and so many for each new or changed one."""


def earlier_snapshots(project: Path, version: str) -> list[Path]:
    """What a version, and those that it came of, learned from here; the nearest first."""
    runs = (card.get("run") for card in project_models(project).lineage(version))
    paths = [ProjectRun(project, str(run)).path / TRAIN_FILE for run in runs if run]
    return [path for path in paths if path.is_file()]


def choose_images(train: Record, earlier: Iterable[Record], seed: int = 0) -> set[int]:
    """Ids of the images to learn from: all that are new or changed, and a share of the others.

    A parent has learned from its own images already: going through all of them again would let a
    project with thousands wait hours for what a few new ones teach. A random share of them keeps
    what it knows.

    Args:
        train: COCO content of the images that could be learned from.
        earlier: Those of the runs that made the parent and its parents, the nearest first: each
            went through a share of what those before it had learned.
        seed: Of the share.
    """
    before: dict[int, str] = {}
    for content in earlier:
        before = _signatures(content) | before
    signatures = _signatures(train)
    old = sorted(image_id for image_id, it in signatures.items() if before.get(image_id) == it)
    new = signatures.keys() - old
    share = max(LEAST_OLD, OLD_PER_NEW * len(new))
    if not new or len(old) <= share:
        return set(signatures)
    return new.union(random.Random(seed).sample(old, share))


def replay_share(snapshot: Snapshot, earlier: Iterable[Path], seed: int) -> Snapshot:
    """Leave in the snapshot's `train.json` what `choose_images` chooses.

    Args:
        snapshot: Just frozen.
        earlier: The `train.json` of the runs that made the parent and its parents, the nearest
            first.
        seed: Of the share.
    """
    train = _read(snapshot.train_json)
    if train is None:
        return snapshot
    chosen = choose_images(train, filter(None, map(_read, earlier)), seed)
    if len(chosen) == len(train["images"]):
        return snapshot
    kept = subset(train, chosen)
    write_atomically(snapshot.train_json, json.dumps(kept, ensure_ascii=False))
    return replace(snapshot, train_images=len(chosen))


def _read(path: Path) -> Record | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def subset(content: Record, ids: set[int]) -> Record:
    """The images with these ids, and what is on them."""
    images = [image for image in content["images"] if image["id"] in ids]
    annotations = [it for it in content["annotations"] if it["image_id"] in ids]
    return {**content, "images": images, "annotations": annotations}


def _signatures(content: Record) -> dict[int, str]:
    """What each image shows and what is labelled on it, by its id."""
    names = {category["id"]: category["name"] for category in content["categories"]}
    labels: dict[int, list[str]] = {image["id"]: [] for image in content["images"]}
    for annotation in content["annotations"]:
        shape = canonical({"": annotation["segmentation"]}, "a segmentation")
        labels[annotation["image_id"]].append(f"{names[annotation['category_id']]} {shape}")
    return {
        image["id"]: json.dumps((image, sorted(labels[image["id"]])), sort_keys=True)
        for image in content["images"]
    }
