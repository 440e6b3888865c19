import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from core.learning.dataset import CocoDetectionDataset, to_tensors
from core.learning.transforms import Augmentation, flip
from tests.core.learning.scenes import SIZE, write_scenes
from tests.helpers.data import shared_data


def rewrite(path: Path, change: dict[str, Any]) -> Path:
    content = json.loads(path.read_text()) | change
    path.write_text(json.dumps(content))
    return path


def test_samples_have_the_size_asked_for_and_boxes_around_their_masks(tmp_path: Path) -> None:
    dataset = CocoDetectionDataset(write_scenes(tmp_path, 3), tmp_path, image_size=48)
    image, target = dataset[0]
    assert image.shape == (3, 32, 48)
    assert image.dtype == torch.float32
    assert 0 <= image.min() < image.max() <= 1
    assert target["labels"].tolist() == [1]
    assert target["boxes_xyxy"].tolist() == [list(map(float, target["masks"][0].box_xyxy))]


def test_masks_lie_on_their_objects(tmp_path: Path) -> None:
    dataset = CocoDetectionDataset(write_scenes(tmp_path, 3), tmp_path)
    for long_side in (60, 96, 150):
        sample = dataset.sample(0, long_side)
        bright = sample.image.mean(axis=2) > 105
        bitmap = sample.masks[0].to_bitmap(*sample.image.shape[:2])
        assert (bright & bitmap).sum() / (bright | bitmap).sum() > 0.97


def test_an_image_without_instances_is_a_negative(tmp_path: Path) -> None:
    _, target = CocoDetectionDataset(write_scenes(tmp_path, 2), tmp_path)[1]
    assert target["boxes_xyxy"].shape == (0, 4)
    assert target["labels"].shape == (0,)
    assert target["masks"] == []
    assert target["ignore_xyxy"].shape == (0, 4)


def test_labels_follow_the_categories_asked_for(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    assert CocoDetectionDataset(path, tmp_path).categories == ("object",)
    _, target = CocoDetectionDataset(path, tmp_path, ("cup", "egg"))[0]
    assert target["labels"].tolist() == [2]
    _, target = CocoDetectionDataset(path, tmp_path, ("cup",))[0]
    assert target["labels"].tolist() == []


def test_a_crowd_is_ignored_and_not_an_instance(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    annotation = json.loads(path.read_text())["annotations"][0]
    _, before = CocoDetectionDataset(path, tmp_path, image_size=SIZE[0])[0]
    rewrite(path, {"annotations": [annotation | {"iscrowd": 1}]})
    _, target = CocoDetectionDataset(path, tmp_path, image_size=SIZE[0])[0]
    assert target["boxes_xyxy"].shape == (0, 4)
    assert target["ignore_xyxy"].tolist() == before["boxes_xyxy"].tolist()


def test_instances_that_vanish_are_dropped(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    content = json.loads(path.read_text())
    speck = content["annotations"][0] | {"id": 9, "segmentation": [[5, 5, 6, 5, 6, 6, 5, 6]]}
    rewrite(path, {"annotations": [speck, *content["annotations"]]})
    dataset = CocoDetectionDataset(path, tmp_path)
    assert len(dataset.sample(0, 96).masks) == 2
    assert len(dataset.sample(0, 24).masks) == 1


def test_an_annotation_without_a_pixel_is_left_out_with_a_warning(
    tmp_path: Path, expected_logs: list[str]
) -> None:
    expected_logs.append("1.png: an annotation without a pixel is left out")
    path = write_scenes(tmp_path, 2)
    content = json.loads(path.read_text())
    flat = content["annotations"][0] | {"id": 9, "segmentation": [[5, 5, 9, 5, 9, 5, 5, 5]]}
    rewrite(path, {"annotations": [flat, *content["annotations"]]})
    assert len(CocoDetectionDataset(path, tmp_path).sample(0, 96).masks) == 1


def test_views_may_be_parts_and_hold_objects_of_other_photos(tmp_path: Path) -> None:
    dataset = CocoDetectionDataset(write_scenes(tmp_path, 4), tmp_path)
    extras = Augmentation(crop=1.0, copy_paste=1.0)
    sizes, counts = set(), set()
    for seed in range(12):
        image, target = dataset.augmented(0, 96, np.random.default_rng(seed), extras)
        sizes.add(tuple(image.shape[1:]))
        counts.add(len(target["masks"]))
        again, _ = dataset.augmented(0, 96, np.random.default_rng(seed), extras)
        assert torch.equal(image, again)
    assert len(sizes) > 6
    assert max(counts) > 1


def test_objects_of_other_photos_come_mirrored_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = CocoDetectionDataset(write_scenes(tmp_path, 2), tmp_path)
    whole = dataset.sample(0, 96)
    monkeypatch.setattr("core.learning.dataset.augment", lambda sample, _: sample)
    draws = [np.random.default_rng(seed) for seed in range(40)]
    views = [dataset.augmented(1, 96, draw, Augmentation(copy_paste=1.0))[1] for draw in draws]
    places = {mask.box_xyxy for view in views for mask in view["masks"]}
    assert places == {whole.masks[0].box_xyxy, flip(whole).masks[0].box_xyxy}


def test_an_absolute_file_name_is_read_from_where_it_is(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    images = json.loads(path.read_text())["images"]
    for image in images:
        image["file_name"] = str(tmp_path / image["file_name"])
    dataset = CocoDetectionDataset(rewrite(path, {"images": images}), tmp_path / "elsewhere")
    assert dataset.sample(0, 96).image.shape == (64, 96, 3)


def test_an_image_of_another_shape_is_refused_by_name(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    cv2.imwrite(str(tmp_path / "1.png"), np.zeros((96, 64, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"1\.png: expected the shape 96x64 .* 43x64"):
        CocoDetectionDataset(path, tmp_path).sample(0, 64)


def test_augmented_views_repeat_with_their_generator(tmp_path: Path) -> None:
    dataset = CocoDetectionDataset(write_scenes(tmp_path, 2), tmp_path)
    first, _ = dataset.augmented(0, 96, np.random.default_rng(1))
    again, _ = dataset.augmented(0, 96, np.random.default_rng(1))
    other, _ = dataset.augmented(0, 96, np.random.default_rng(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_real_photos_with_polygons_and_crowds_load() -> None:
    folder = shared_data("coco_mini")
    dataset = CocoDetectionDataset(folder / "instances.json", folder / "images", image_size=320)
    crowds = instances = 0
    for index in range(0, len(dataset), 40):
        image, target = dataset[index]
        height, width = image.shape[1:]
        assert max(height, width) == 320
        for mask in target["masks"]:
            assert mask.clip(width, height) == mask
        crowds += len(target["ignore_xyxy"])
        instances += len(target["masks"])
    assert instances > 30


def known_of(path: Path, root: Path, **fields: Any) -> Any:
    content = json.loads(path.read_text())
    content["images"][0] |= fields
    path.write_text(json.dumps(content))
    sample = CocoDetectionDataset(path, root).sample(0, SIZE[0] // 2)
    return sample, to_tensors(sample)[1]["known"]


def test_without_regions_every_pixel_is_known(tmp_path: Path) -> None:
    sample, known = known_of(write_scenes(tmp_path, 2), tmp_path)
    assert sample.known is None
    assert known is None


def test_of_an_image_that_is_not_done_instances_and_finished_regions_are_known(
    tmp_path: Path,
) -> None:
    path = write_scenes(tmp_path, 2)
    sample, known = known_of(path, tmp_path, finished=[])
    assert sample.known == sample.masks[0]
    assert known.shape == (SIZE[1] // 2, SIZE[0] // 2)
    assert int(known.sum()) == sample.masks[0].area
    sample, known = known_of(path, tmp_path, finished=[[[0, 0, 96, 0, 96, 8, 0, 8]]])
    assert known[:4].all()
    assert int(known.sum()) == sample.masks[0].area + 4 * 48


def test_what_is_to_be_ignored_is_not_known(tmp_path: Path) -> None:
    path = write_scenes(tmp_path, 2)
    _, known = known_of(path, tmp_path, ignore=[[[0, 0, 96, 0, 96, 8, 0, 8]]])
    assert not known[:4].any()
    assert known[4:].all()
