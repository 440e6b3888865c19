"""Train the starter model: class-agnostic, from photos with published masks.

`python scripts/starter.py prepare` writes the lists of images, the first weights and run.json;
`python -m core.learning.train WORK/run.json` trains; `python scripts/starter.py publish` judges the
result on the photos that were held out and writes resources/starter.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from core.images import content_hash
from core.learning.config import TrainConfig

REPOSITORY = Path(__file__).resolve().parents[1]
# For each set: how often an epoch shows an image, and the share that is held out. COCO's photos
# teach what an object is; those of animals show one or two large ones each.
REPEATS = {"coco_mini": 4, "animals": 1, "household": 4}
HELD_OUT = {"coco_mini": 64 / 464, "animals": 0.1, "household": 0.1}
LIVE_VALIDATION = 48  # images, a part of those held out

Coco = dict[str, Any]


def prepare(data: Path, work: Path, steps: int) -> None:
    """Write train.json, holdout.json, val.json, the first weights and run.json."""
    work.mkdir(parents=True, exist_ok=True)
    train, held_out = _empty(), _empty()
    for name, repeats in REPEATS.items():
        training, rest = _split(data / name, HELD_OUT[name])
        for _ in range(repeats):
            _append(train, training, name)
        _append(held_out, rest, name)
    live = _thinned(held_out, LIVE_VALIDATION)
    for file, content in (("train", train), ("holdout", held_out), ("val", live)):
        (work / f"{file}.json").write_text(json.dumps(content), encoding="utf-8")
    _write_first_weights(work / "initial")
    config = _config(work, steps)
    (work / "run.json").write_text(json.dumps(config.to_dict(), indent=1), encoding="utf-8")


def _config(work: Path, steps: int) -> TrainConfig:
    return TrainConfig(
        train_json=work / "train.json",
        train_images=work,
        val_json=work / "val.json",
        val_images=work,
        initial=work / "initial",
        output=work / "run",
        epochs=1000,
        max_steps=steps,
        batch_size=4,
        image_size=512,
        scale_jitter=(0.7, 1.2),
        optimizer="adamw",
        learning_rate=5e-4,
        backbone_rate_factor=0.3,
        weight_decay=0.02,
        warmup_steps=100,
        clip_norm=5.0,
        ema_decay=0.997,
        frozen_modules=("backbone.stem", "backbone.stages.0", "backbone.stages.1"),
        device="cpu",
        checkpoint_seconds=240,
    )


def _write_first_weights(folder: Path) -> None:
    from core.model.checkpoint import save_model
    from core.model.config import MaskRCNNConfig
    from core.model.mask_rcnn import MaskRCNN
    from core.model.pretrained import load_efficientnet_lite0, read_imagenet_lite0

    model = MaskRCNN(MaskRCNNConfig(image_size=640))
    load_efficientnet_lite0(model.backbone, read_imagenet_lite0())
    save_model(folder, model, {})


def _empty() -> Coco:
    return {"images": [], "annotations": [], "categories": [{"id": 1, "name": "object"}]}


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


def _thinned(content: Coco, count: int) -> Coco:
    """Evenly spaced images, so that every set has its share."""
    images = content["images"]
    return _part(content, [images[i * len(images) // count] for i in range(count)])


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=["prepare"])
    parser.add_argument("--data", type=Path, default=REPOSITORY.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "build" / "starter")
    parser.add_argument("--steps", type=int, default=1800)
    arguments = parser.parse_args()
    prepare(arguments.data, arguments.work, arguments.steps)


if __name__ == "__main__":
    main()
