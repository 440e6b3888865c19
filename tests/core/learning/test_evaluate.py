import contextlib
import io
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from core.formats.coco import annotation_mask, read_coco
from core.images import ImageReadError
from core.learning.evaluate import evaluate, predict_results
from core.masks import Mask, decode_rle, encode_rle
from core.predictor import Detection
from tests.helpers.coco_records import annotation_record
from tests.helpers.data import shared_data

HEIGHT, WIDTH = 60, 80


def box_mask(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_bitmap(np.ones((height, width), dtype=np.bool_), x, y)


def truth_of(*objects: tuple[int, int, Mask], first_id: int = 1) -> dict[str, Any]:
    """Objects are (image id, category id, mask); images 1 to 3 exist, categories 5 and 9."""
    annotations = [
        annotation_record(
            id=number,
            image_id=image,
            category_id=category,
            mask=mask,
            height=HEIGHT,
            width=WIDTH,
        )
        for number, (image, category, mask) in enumerate(objects, start=1)
    ]
    for annotation in annotations:
        annotation["id"] += first_id - 1
    images = [
        {"id": i, "file_name": f"{i}.png", "width": WIDTH, "height": HEIGHT} for i in (1, 2, 3)
    ]
    categories = [{"id": 5, "name": "cup"}, {"id": 9, "name": "egg"}]
    return {"images": images, "annotations": annotations, "categories": categories}


def result_of(image: int, category: int, mask: Mask, score: float = 0.9) -> dict[str, Any]:
    return {
        "image_id": image,
        "category_id": category,
        "bbox": list(mask.bbox_xywh),
        "segmentation": encode_rle(mask, HEIGHT, WIDTH),
        "score": score,
    }


CUP, EGG, OTHER = box_mask(5, 5, 30, 20), box_mask(40, 10, 20, 40), box_mask(2, 40, 10, 10)


@pytest.mark.parametrize("first_id", [0, 1, 77])
def test_perfect_results_score_one_whatever_the_annotation_ids(first_id: int) -> None:
    objects = ((1, 5, CUP), (1, 9, EGG), (2, 5, OTHER))
    metrics = evaluate(truth_of(*objects, first_id=first_id), [result_of(*o) for o in objects])
    assert metrics.box_ap == metrics.mask_ap == metrics.mask_ap75 == pytest.approx(1)
    assert metrics.ar100 == metrics.mean_mask_iou == pytest.approx(1)
    assert metrics.per_category == pytest.approx({"cup": 1.0, "egg": 1.0})
    assert (metrics.images, metrics.instances) == (3, 3)


def test_no_results_score_zero() -> None:
    metrics = evaluate(truth_of((1, 5, CUP)), [])
    assert metrics.box_ap == metrics.mask_ap == metrics.ar100 == metrics.mean_mask_iou == 0
    assert metrics.instances == 1


def test_no_truth_scores_zero() -> None:
    metrics = evaluate(truth_of(), [result_of(1, 5, CUP)])
    assert (metrics.mask_ap, metrics.instances, metrics.per_category) == (0, 0, {})


def test_false_detections_on_an_empty_image_count() -> None:
    truth = truth_of((1, 5, CUP))
    good, wrong = result_of(1, 5, CUP, 0.5), result_of(3, 5, EGG, 0.9)
    assert evaluate(truth, [good, wrong]).mask_ap == pytest.approx(0.5)


def test_categories_matter_unless_class_agnostic() -> None:
    truth, results = truth_of((1, 5, CUP)), [result_of(1, 9, CUP)]
    assert evaluate(truth, results).mask_ap == 0
    agnostic = evaluate(truth, results, class_agnostic=True)
    assert agnostic.mask_ap == pytest.approx(1)
    assert agnostic.per_category == pytest.approx({"object": 1.0})


def test_ids_unknown_to_the_file_are_fine_when_class_agnostic() -> None:
    results = [result_of(1, 1, CUP)]
    assert evaluate(truth_of((1, 5, CUP)), results, class_agnostic=True).mask_ap == pytest.approx(1)


def test_mean_mask_iou_is_of_the_best_detection_of_each_instance() -> None:
    half = box_mask(5, 5, 15, 20)
    truth = truth_of((1, 5, CUP), (2, 5, OTHER))
    results = [result_of(1, 5, half), result_of(1, 5, EGG), result_of(3, 5, EGG)]
    assert evaluate(truth, results).mean_mask_iou == pytest.approx((0.5 + 0) / 2)


def test_a_crowd_is_no_instance_and_forgives_detections_inside() -> None:
    truth = truth_of((1, 5, CUP), (1, 5, EGG))
    truth["annotations"][1]["iscrowd"] = 1
    truth["annotations"][1]["segmentation"] = encode_rle(EGG, HEIGHT, WIDTH)
    inside = box_mask(42, 12, 9, 9)
    metrics = evaluate(truth, [result_of(1, 5, CUP, 0.5), result_of(1, 5, inside, 0.9)])
    assert metrics.mask_ap == pytest.approx(1)
    assert metrics.instances == 1
    assert metrics.mean_mask_iou == pytest.approx(1)


def test_area_and_box_are_derived_where_the_file_leaves_them_out() -> None:
    truth = truth_of((1, 5, CUP))
    del truth["annotations"][0]["area"], truth["annotations"][0]["bbox"]
    metrics = evaluate(truth, [result_of(1, 5, CUP)])
    assert metrics.mask_ap == metrics.box_ap == pytest.approx(1)
    assert "area" not in truth["annotations"][0]  # the caller's records stay as they are


def test_an_annotation_without_a_mask_is_refused() -> None:
    truth = truth_of((2, 5, CUP))
    truth["annotations"][0]["segmentation"] = []
    with pytest.raises(ValueError, match="image 2 has no segmentation"):
        evaluate(truth, [])


def test_agrees_with_pycocotools_own_summary_on_real_photos(tmp_path: Path) -> None:
    truth_path, results = _shifted_truth(tmp_path)
    metrics = evaluate(truth_path, results)
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO(str(truth_path))
        for kind, ap, ap50 in (
            ("segm", metrics.mask_ap, metrics.mask_ap50),
            ("bbox", metrics.box_ap, metrics.box_ap50),
        ):
            kept = [{k: r[k] for k in r if k != "bbox" or kind == "bbox"} for r in results]
            evaluation = COCOeval(reference, reference.loadRes(kept), kind)
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
            assert (ap, ap50) == pytest.approx(tuple(evaluation.stats[:2]))
            if kind == "segm":
                assert metrics.ar100 == pytest.approx(evaluation.stats[8])
    assert 0.05 < metrics.mask_ap < 0.95


def _shifted_truth(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """A part of coco_mini, and its masks moved by a few pixels as results."""
    content = json.loads((shared_data("coco_mini") / "instances.json").read_text())
    content["images"] = content["images"][:20]
    ids = {image["id"] for image in content["images"]}
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] in ids]
    path = folder / "truth.json"
    path.write_text(json.dumps(content))
    dataset = read_coco(path)
    sizes = {image.id: (image.height, image.width) for image in dataset.images}
    generator = np.random.default_rng(0)
    results = []
    for annotation in dataset.annotations:
        height, width = sizes[annotation.image_id]
        moved = annotation_mask(annotation, height, width).shift(
            int(generator.integers(0, 6)), int(generator.integers(0, 6))
        )
        moved = moved.clip(width, height)
        results.append(
            {
                "image_id": annotation.image_id,
                "category_id": annotation.category_id,
                "bbox": list(moved.bbox_xywh),
                "segmentation": encode_rle(moved, height, width),
                "score": float(generator.random()),
            }
        )
    return path, results


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    evaluate(truth_of((1, 5, CUP)), [result_of(1, 5, CUP)])
    assert capfd.readouterr() == ("", "")


class FixedPredictor:
    """Finds the same cup and the same saucer on every image."""

    categories = ("cup", "saucer")

    def predict(
        self, image: NDArray[np.uint8], *, min_score: float = 0.05, max_detections: int = 100
    ) -> list[Detection]:
        assert image.shape == (HEIGHT, WIDTH, 3)
        cup = Detection("cup", 0.8, (5.2, 5.0, 35.0, 24.5), CUP)
        return [cup, Detection("saucer", 0.3, (40.0, 10.0, 60.0, 50.0), EGG)]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        image = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / f"{number}.png"), image)
    return tmp_path


def predicted(truth: dict[str, Any], photos: Path, **options: Any) -> list[dict[str, Any]]:
    return predict_results(FixedPredictor(), truth, photos, **options)  # type: ignore[arg-type]


def test_results_carry_the_files_ids_and_the_mask_exactly(photos: Path) -> None:
    truth = truth_of((1, 5, CUP), (2, 5, CUP), (3, 5, CUP))
    results = predicted(truth, photos)
    assert [(r["image_id"], r["category_id"]) for r in results] == [(1, 5), (2, 5), (3, 5)]
    assert results[0]["bbox"] == pytest.approx([5.2, 5.0, 29.8, 19.5])
    assert decode_rle(results[0]["segmentation"]) == CUP
    assert evaluate(truth, results).mask_ap == pytest.approx(1)
    json.dumps(results)


def test_category_ids_can_be_given(photos: Path) -> None:
    results = predicted(truth_of(), photos, category_ids={"cup": 1, "saucer": 1})
    assert [r["category_id"] for r in results] == [1] * 6
    assert predicted(truth_of(), photos, category_ids={}) == []


def test_an_unreadable_image_is_told_and_left_out_or_ends_it(photos: Path) -> None:
    (photos / "2.png").write_bytes((photos / "2.png").read_bytes()[:60])
    problems: list[str] = []
    told: list[tuple[int, int]] = []
    results = predicted(
        truth_of(),
        photos,
        category_ids={"cup": 1},
        on_problem=problems.append,
        on_progress=lambda *count: told.append(count),
    )
    assert [r["image_id"] for r in results] == [1, 3]
    assert told == [(1, 3), (2, 3), (3, 3)]
    (problem,) = problems
    assert "2.png" in problem
    with pytest.raises(ImageReadError, match=r"2\.png"):
        predicted(truth_of(), photos)


def test_prediction_tells_its_progress_and_stops_when_told(photos: Path) -> None:
    told: list[tuple[int, int]] = []
    results = predicted(
        truth_of(),
        photos,
        on_progress=lambda done, total: told.append((done, total)),
        should_stop=lambda: len(told) == 2,
    )
    assert told == [(1, 3), (2, 3)]
    assert [r["image_id"] for r in results] == [1, 2]
