"""Fine-tune from the starter on a few photos of a set, and let the peer do the same.

The photos are chosen by the last digits of their content hash; the others judge (at most 60, as
the peer is judged after every epoch). Both train on the CPU, one after the other. What ours has
after each of its own validations is judged too, once it has ended: that says after how many
seconds it had reached what the peer comes to.
"""

import copy
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.data import shared_data
from benchmarks.finetune_peer import make_peer, peer_results, train_peer
from benchmarks.row import Row
from core.images import content_hash
from core.learning.evaluate import evaluate, predict_results
from core.learning.progress import Progress
from core.model.checkpoint import load_model
from core.model.mask_rcnn import MaskRCNN
from core.predictor import Predictor
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.model_versions import STARTER_VERSION
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_import import ImportOptions, import_coco
from mrcnn_gui.workflows.evaluate import evaluate_model
from mrcnn_gui.workflows.finetune import FinetuneOptions, finetune
from mrcnn_gui.workflows.models import Compute, resolve_model
from mrcnn_gui.workflows.projects import create_project
from mrcnn_gui.workflows.run_folder import ProjectRun
from mrcnn_gui.workflows.training_plan import plan_training

_EPOCHS = 10  # of the peer: more do not help it
_MOST_JUDGES = 60
_BAR_TIME = 4.0
_AIMS = {"balloon20": 0.55, "pennfudan20": 0.55, "nuclei20": 0.35}
_RUN = "r1"
_UNFINISHED = "unfinished"


def rows(name: str, done: int, label: str, work: Path) -> Iterator[Row]:
    """AP before and after, the peer's best, how many times as long that took the peer, and more.

    The estimate's ratio is of the seconds that the plan foretells to those that it took.

    A run that was interrupted is gone on with. Our seconds are those of the whole click: reading,
    the parent's figures and the validations are in them. The peer's are of its steps alone.

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
    planned, version, seconds = _finetune(project)
    after = _mask_ap(project, version, judge, images)
    peer_ap, peer_seconds = _peer(work, project, train, judge, images)
    reached = _seconds_to(peer_ap, project, judge, images)
    common: dict[str, Any] = {"unit": "0-1", "lower_is_better": False}
    yield Row(f"finetune_{label}_ap_before", before, **common)
    against: dict[str, Any] = {
        "peer": "torchvision",
        "peer_value": peer_ap,
        "bar": _AIMS.get(label),
    }
    yield Row(f"finetune_{label}_ap_after", after, **common, **against)
    yield Row(f"finetune_{label}_peer_ap", peer_ap, **common)
    yield Row(f"finetune_{label}_seconds", seconds, "s", "torchvision", peer_seconds)
    yield Row(f"finetune_{label}_estimate_ratio", planned / seconds, "x")
    ratio = peer_seconds / reached if reached else 0.0  # 0: it never got there
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


def _finetune(project: Path) -> tuple[float, str, float]:
    """The seconds that were foretold, the version, and the seconds from snapshot to verdict."""
    kept = project.parent / "ours.json"
    if not kept.exists():
        options = FinetuneOptions(device="cpu")
        planned = plan_training(project, options).seconds
        curve = _Curve(project)
        result = finetune(project, options, run_id=_RUN, on_progress=curve.note)
        if result.version is None:
            raise SystemExit(f"the run failed: {result.reason}")
        kept.write_text(json.dumps([planned, result.version, curve.seconds()]))
    planned, version, seconds = json.loads(kept.read_text())
    return float(planned), str(version), float(seconds)


class _Curve:
    """Copies of what a run would keep, were it stopped after each of its validations."""

    def __init__(self, project: Path) -> None:
        self._folder = project.parent / "curve"
        self._model = ProjectRun(project, _RUN).output / "model"
        self._folder.mkdir(exist_ok=True)
        shutil.rmtree(self._folder / _UNFINISHED, ignore_errors=True)
        earlier = max((float(it.name) for it in self._folder.iterdir()), default=0.0)
        self._begun = time.perf_counter() - earlier

    def note(self, progress: Progress) -> None:
        """Copy the model after a validation; the time that this takes does not count.

        A copy has its name once it is complete: the program may end at any moment.
        """
        if progress.phase != "validate" or progress.metrics is None:
            return
        began = time.perf_counter()
        name, copied = f"{self.seconds():07.1f}", self._folder / _UNFINISHED
        shutil.copytree(self._model, copied)
        copied.rename(self._folder / name)
        self._begun += time.perf_counter() - began

    def seconds(self) -> float:
        """Since the run began; of one that was interrupted, what led to a copy counts."""
        return time.perf_counter() - self._begun


def _seconds_to(wanted: float, project: Path, judge: Path, images: Path) -> float | None:
    """After how many seconds our run had a model as good as this; None: never."""
    for folder in sorted((project.parent / "curve").iterdir()):
        found = evaluate_model(judge, images, folder, Compute("cpu"), class_agnostic=True)
        if found.mask_ap >= wanted:
            return float(folder.name)
    return None


def _mask_ap(project: Path, version: str, judge: Path, images: Path) -> float:
    _, model = resolve_model(project, version)
    return evaluate_model(judge, images, model, Compute("cpu"), class_agnostic=True).mask_ap


def _peer(work: Path, project: Path, train: Path, judge: Path, images: Path) -> tuple[float, float]:
    """The peer's best AP, and its seconds of training until then, evaluations not counted.

    Which of its epochs was the best is found with our inference, several times as fast, as its
    parts are those of a model of ours; what it came to then, with its own.
    """
    kept = work / "peer.json"
    if not kept.exists():
        _, starter = resolve_model(project, STARTER_VERSION)
        model = load_model(starter)[0]
        peer = make_peer(model)
        truth = json.loads(judge.read_text(encoding="utf-8"))
        best, seconds_to_best, weights = -1.0, 0.0, peer.state_dict()
        for seconds in train_peer(peer, train, images, _EPOCHS):
            found = _agnostic_ap(model, truth, images)
            if found > best:
                best, seconds_to_best = found, seconds
                weights = copy.deepcopy(peer.state_dict())
        peer.load_state_dict(weights)
        results = peer_results(peer, truth, images)
        ap = evaluate(truth, results, class_agnostic=True).mask_ap
        kept.write_text(json.dumps([ap, seconds_to_best]))
    ap, seconds = json.loads(kept.read_text())
    return float(ap), float(seconds)


def _agnostic_ap(model: MaskRCNN, truth: dict[str, Any], images: Path) -> float:
    predictor = Predictor(model, device="cpu", precision="fp32")
    ids = dict.fromkeys(predictor.categories, 1)
    results = predict_results(predictor, truth, images, category_ids=ids)
    return evaluate(truth, results, class_agnostic=True).mask_ap
