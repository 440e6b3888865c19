"""A few validation images with what the model finds on them, for people to look at."""

from pathlib import Path
from typing import Any

from core.learning.progress import Preview, PreviewInstance
from core.masks import decode_rle

COUNT = 4
MIN_SCORE = 0.5
_MOST_INSTANCES = 50


def make_previews(
    truth: dict[str, Any], images: Path, results: list[dict[str, Any]]
) -> tuple[Preview, ...]:
    """What is found on the same few images, every time it is asked.

    Args:
        truth: Content of the COCO file of the validation images.
        images: Folder that relative file names start from.
        results: COCO results on them, with run lengths.

    Returns:
        At most `COUNT` previews, of images with an instance before others; instances from
        `MIN_SCORE` up, the best first.
    """
    names = {category["id"]: category["name"] for category in truth["categories"]}
    return tuple(_preview(record, images, results, names) for record in _chosen(truth))


def _chosen(truth: dict[str, Any]) -> list[dict[str, Any]]:
    annotated = {annotation["image_id"] for annotation in truth["annotations"]}
    records: list[dict[str, Any]] = truth["images"]
    return sorted(records, key=lambda record: record["id"] not in annotated)[:COUNT]


def _preview(
    record: dict[str, Any], images: Path, results: list[dict[str, Any]], names: dict[int, str]
) -> Preview:
    of_image = (result for result in results if result["image_id"] == record["id"])
    sure = (result for result in of_image if result["score"] >= MIN_SCORE)
    best = sorted(sure, key=lambda result: -result["score"])[:_MOST_INSTANCES]
    instances = (
        PreviewInstance(
            names.get(result["category_id"], "object"),
            result["score"],
            decode_rle(result["segmentation"]),
        )
        for result in best
    )
    return Preview(
        images / record["file_name"], (record["width"], record["height"]), tuple(instances)
    )
