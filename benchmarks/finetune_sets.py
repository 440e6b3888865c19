"""Fine-tune from the starter on a few photos of a set, and let the peer do the same.

The photos are chosen by the last digits of their content hash; the others judge (at most 60, as
the peer is judged after every epoch). Both train on the CPU, one after the other.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.data import shared_data
from benchmarks.finetune_peer import make_peer, peer_results, train_peer
from benchmarks.row import Row
from core.images import content_hash
from core.learning.evaluate import evaluate
from core.model.checkpoint import load_model
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.model_versions import STARTER_VERSION
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco
from mrcnn_gui.workflows.evaluate import evaluate_model
from mrcnn_gui.workflows.finetune import FinetuneOptions, finetune
from mrcnn_gui.workflows.models import Compute, resolve_model
from mrcnn_gui.workflows.projects import create_project

_EPOCHS = 10  # of the peer: more do not help it
_MOST_JUDGES = 60
_BAR_TIME = 4.0
_RUN = "r1"


def rows(name: str, done: int, label: str, work: Path) -> Iterator[Row]:
    """AP before and after, the peer's best, and how many times as long that took the peer.

    A run that was interrupted is gone on with.

    Args:
        name: Of the set.
        done: How many of its photos are done.
        label: Of the rows.
        work: Folder of this measurement.
    """
    images = shared_data(name) / "images"
    train, judge = split(work, images, done)
    project = _project(work, train, images, name)
    before = _mask_ap(project, STARTER_VERSION, judge, images)
    version, seconds = _finetune(project)
    after = _mask_ap(project, version, judge, images)
    peer_ap, peer_seconds = _peer(work, project, train, judge, images)
    common = {"unit": "0-1", "lower_is_better": False}
    yield Row(f"finetune_{label}_ap_before", before, **common)  # type: ignore[arg-type]
    yield Row(f"finetune_{label}_ap_after", after, peer="torchvision", peer_value=peer_ap, **common)  # type: ignore[arg-type]
    yield Row(f"finetune_{label}_peer_ap", peer_ap, **common)  # type: ignore[arg-type]
    # The whole of our run counts, its validations included; 0: it never got there.
    ratio = peer_seconds / seconds if after >= peer_ap else 0.0
    yield Row(f"finetune_{label}_time_ratio", ratio, "x", bar=_BAR_TIME, lower_is_better=False)


def split(work: Path, images: Path, done: int) -> tuple[Path, Path]:
    """Write the COCO files of the photos that are done and of those that judge."""
    work.mkdir(parents=True, exist_ok=True)
    dataset = json.loads((images.parent / "instances.json").read_text(encoding="utf-8"))
    order = sorted(
        dataset["images"], key=lambda image: content_hash(images / image["file_name"])[::-1]
    )
    paths = work / "done.json", work / "judge.json"
    parts = order[:done], order[done : done + _MOST_JUDGES]
    for path, part in zip(paths, parts, strict=True):
        path.write_text(json.dumps(_subset(dataset, part)), encoding="utf-8")
    return paths


def _subset(dataset: dict[str, Any], images: list[dict[str, Any]]) -> dict[str, Any]:
    ids = {image["id"] for image in images}
    annotations = [a for a in dataset["annotations"] if a["image_id"] in ids]
    return {**dataset, "images": images, "annotations": annotations}


def _project(work: Path, train: Path, images: Path, name: str) -> Path:
    folder = work / "project"
    if not (folder / "project.db").exists():
        create_project(folder, images, (name,))
        with Store.open(folder) as store:
            import_coco(store, train, images, ImportOptions(ReviewStatus.DONE))
    return folder.resolve()


def _finetune(project: Path) -> tuple[str, float]:
    """The version, and the seconds of the run from snapshot to verdict."""
    kept = project.parent / "ours.json"
    if not kept.exists():
        begun = time.perf_counter()
        result = finetune(project, FinetuneOptions(device="cpu"), run_id=_RUN)
        if result.version is None:
            raise SystemExit(f"the run failed: {result.reason}")
        kept.write_text(json.dumps([result.version, time.perf_counter() - begun]))
    version, seconds = json.loads(kept.read_text())
    return str(version), float(seconds)


def _mask_ap(project: Path, version: str, judge: Path, images: Path) -> float:
    _, model = resolve_model(project, version)
    return evaluate_model(judge, images, model, Compute("cpu"), class_agnostic=True).mask_ap


def _peer(work: Path, project: Path, train: Path, judge: Path, images: Path) -> tuple[float, float]:
    """The peer's best AP, and its seconds of training until then, evaluations not counted."""
    kept = work / "peer.json"
    if not kept.exists():
        _, starter = resolve_model(project, STARTER_VERSION)
        peer = make_peer(load_model(starter)[0])
        truth = json.loads(judge.read_text(encoding="utf-8"))
        curve = []
        for seconds in train_peer(peer, train, images, _EPOCHS):
            results = peer_results(peer, truth, images)
            curve.append([evaluate(truth, results, class_agnostic=True).mask_ap, seconds])
        kept.write_text(json.dumps(curve))
    best, seconds = max(json.loads(kept.read_text()), key=lambda pair: pair[0])
    return float(best), float(seconds)
