"""Fine-tune from the starter on 20 balloon photos while somebody paints in the window.

20 photos, chosen by the last digits of their content hash, are done; the other 41 judge. (The first
digits decide which of the 20 the run keeps for its own validation.) The window is the real one
(offscreen unless QT_QPA_PLATFORM says otherwise): a brush stroke goes on without end while the
background thread trains, and the event loop's delays are recorded.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import shared_data
from benchmarks.row import Row
from benchmarks.window import Delays, Stroke, open_window, run_until
from core.images import content_hash
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.model_versions import STARTER_VERSION
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco
from mrcnn_gui.workflows.evaluate import evaluate_model
from mrcnn_gui.workflows.finetune import FinetuneResult
from mrcnn_gui.workflows.models import resolve_model
from mrcnn_gui.workflows.projects import create_project

_DONE = 20
_BAR_DELAY_MS = 50.0


def rows() -> Iterator[Row]:
    """AP on the judging photos before and after, the run's seconds, and the window's delay."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        images = shared_data("balloon") / "images"
        done, judge = _split(work, images)
        project = create_project(work / "project", images, ("balloon",)).folder
        with Store.open(project) as store:
            import_coco(store, done, images, ImportOptions(ReviewStatus.DONE))
        before = _mask_ap(project, STARTER_VERSION, judge, images)
        version, seconds, delays = _train_in_window(project)
        after = _mask_ap(project, version, judge, images)
    yield Row("finetune_balloon20_ap_before", before, "0-1", lower_is_better=False)
    yield Row(
        "finetune_balloon20_ap_after",
        after,
        "0-1",
        peer="before",
        peer_value=before,
        lower_is_better=False,
    )
    yield Row("finetune_balloon20_seconds", seconds, "s")
    delay = float(np.percentile(delays, 99))
    yield Row("finetune_gui_delay_p99", delay, "ms", bar=_BAR_DELAY_MS)


def _split(work: Path, images: Path) -> tuple[Path, Path]:
    """Write the COCO files of the photos that are done and of those that judge."""
    dataset = json.loads((images.parent / "instances.json").read_text(encoding="utf-8"))
    order = sorted(
        dataset["images"], key=lambda image: content_hash(images / image["file_name"])[::-1]
    )
    paths = work / "done.json", work / "judge.json"
    for path, part in zip(paths, (order[:_DONE], order[_DONE:]), strict=True):
        path.write_text(json.dumps(_subset(dataset, part)), encoding="utf-8")
    return paths


def _subset(dataset: dict[str, Any], images: list[dict[str, Any]]) -> dict[str, Any]:
    ids = {image["id"] for image in images}
    annotations = [a for a in dataset["annotations"] if a["image_id"] in ids]
    return {**dataset, "images": images, "annotations": annotations}


def _mask_ap(project: Path, version: str, judge: Path, images: Path) -> float:
    _, model = resolve_model(project, version)
    return evaluate_model(judge, images, model, class_agnostic=True).mask_ap


def _train_in_window(project: Path) -> tuple[str, float, list[float]]:
    """Click Fine-tune and paint until it ends: version, seconds, and the window's delays in ms."""
    with open_window(project) as (window, services):
        run_until(lambda: "on " in services.segmenter.model_label)
        results: list[FinetuneResult] = []
        failures: list[str] = []
        services.trainer.finished.connect(results.append)
        services.trainer.failed.connect(failures.append)
        start = time.perf_counter()
        services.trainer.start()
        with Delays() as delays, Stroke(window.canvas):
            run_until(lambda: bool(results or failures))
        seconds = time.perf_counter() - start
    if failures or not results[0].version:
        raise SystemExit(f"the run failed: {failures[0] if failures else results[0].reason}")
    return results[0].version, seconds, delays.milliseconds
