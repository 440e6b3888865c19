"""Training the RoI heads on what was kept: the same losses, fewer passes through the model."""

import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.learning.batches import BatchKey
from core.learning.cached_views import View, ViewLoader, make_view_loader
from core.learning.config import TrainConfig
from core.learning.dataset import CocoDetectionDataset
from core.learning.feature_cache import FeatureCache
from core.learning.learner import Learner
from core.learning.train import fit
from core.model.checkpoint import load_model, with_categories
from core.model.mask_rcnn import MaskRCNN
from core.model.roi_inputs import RoiInputs
from tests.core.learning.scenes import write_scenes, write_tiny_model


def inputs(rois: int = 4, seed: int = 0) -> RoiInputs:
    torch.manual_seed(seed)
    return RoiInputs(
        boxes_xyxy=torch.rand(rois, 4),
        labels=torch.tensor([1] + [0] * (rois - 1)),
        true_boxes=torch.rand(1, 4),
        mask_labels=torch.tensor([1]),
        mask_targets=torch.rand(1, 28, 28) > 0.5,
        box_pooled=torch.randn(rois, 8, 7, 7),
        mask_pooled=torch.randn(1, 8, 14, 14),
    )


def test_what_is_put_can_be_got_with_features_in_half_precision(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "cache")
    assert cache.get("a") is None
    put = cache.put("a", inputs())
    got = FeatureCache(tmp_path / "cache").get("a")
    assert got is not None
    assert got.box_pooled.dtype is torch.bfloat16
    assert torch.allclose(got.box_pooled.float(), inputs().box_pooled, rtol=0.01)
    for name, value in got.tensors().items():
        assert torch.equal(value, put.tensors()[name]), name


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    FeatureCache(tmp_path / "one").put("a", inputs())
    size = (tmp_path / "one" / "a.safetensors").stat().st_size
    cache = FeatureCache(tmp_path / "many", limit=3 * size)
    for when, key in enumerate("abc", 1):
        cache.put(key, inputs())
        os.utime(tmp_path / "many" / f"{key}.safetensors", (when, when))
    assert cache.get("a") is not None  # used now
    cache.put("d", inputs())
    cache.put("e", inputs())
    assert sorted(path.stem for path in (tmp_path / "many").iterdir()) == ["a", "d", "e"]


def test_a_damaged_file_counts_as_none(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.put("a", inputs())
    path = tmp_path / "a.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert cache.get("a") is None
    cache.put("a", inputs())
    assert cache.get("a") is not None


@pytest.fixture
def config(tmp_path: Path) -> TrainConfig:
    photos = tmp_path / "photos"
    photos.mkdir()
    return TrainConfig(
        train_json=write_scenes(photos, 4),
        train_images=photos,
        initial=write_tiny_model(tmp_path / "initial"),
        output=tmp_path / "run",
        categories=("egg",),
        epochs=3,
        batch_size=2,
        image_size=96,
        warmup_steps=0,
        stages="roi_heads",
        device="cpu",
        feature_cache=tmp_path / "cache",
        cached_views=2,
    )


def loader_of(config: TrainConfig) -> tuple[ViewLoader, Learner]:
    assert config.initial is not None
    model = with_categories(load_model(config.initial)[0], ("egg",))
    learner = Learner(model, config, 10, "cpu")
    data = CocoDetectionDataset(config.train_json, config.train_images, config.categories)
    loader = make_view_loader(learner.model, data, config)
    assert loader is not None
    return loader, learner


def test_kept_inputs_give_the_losses_of_the_whole_model(config: TrainConfig) -> None:
    loader, learner = loader_of(config)
    batch = loader(BatchKey((0, 2), 0, 96))
    views = [it for it in batch.parts if isinstance(it, View)]
    assert len(views) == 2
    kept = loader.complete(batch, learner.roi_inputs)
    for view, it in zip(views, kept, strict=True):
        generator = torch.Generator().manual_seed(view.seed)
        whole = learner.model([view.image], [view.target], generator)
        head = learner.model.roi_losses(
            replace(it, box_pooled=it.box_pooled.float(), mask_pooled=it.mask_pooled.float())
        )
        assert {name: value.item() for name, value in head.items()} == pytest.approx(
            {name: whole[name].item() for name in head}, rel=0.01
        )


def test_the_second_time_nothing_is_computed(config: TrainConfig) -> None:
    loader, learner = loader_of(config)
    key = BatchKey((0, 1), 0, 96)
    first = loader.complete(loader(key), learner.roi_inputs)
    again = loader(key)
    assert all(isinstance(it, RoiInputs) for it in again.parts)
    second = loader.complete(again, lambda *_: pytest.fail("computed"))
    assert torch.equal(first[0].box_pooled, second[0].box_pooled)
    later = loader(BatchKey((0, 1), 2, 96))  # the second epoch shows another view
    assert all(isinstance(it, View) for it in later.parts)
    assert all(isinstance(it, RoiInputs) for it in loader(BatchKey((0, 1), 4, 96)).parts)


def test_other_processes_find_what_is_kept(config: TrainConfig) -> None:
    loader, learner = loader_of(config)
    key = BatchKey((0, 1), 0, 96)
    kept = loader.complete(loader(key), learner.roi_inputs)
    sent = pickle.loads(pickle.dumps(loader))
    parts = sent(key).parts
    assert all(isinstance(it, RoiInputs) for it in parts)
    assert torch.equal(parts[0].box_pooled, kept[0].box_pooled)
    assert sent.cache._limit == loader.cache._limit


def test_features_are_exact_whatever_the_heads_compute_in(config: TrainConfig) -> None:
    key = BatchKey((0,), 0, 96)
    kept = []
    for precision in ("fp32", "bf16"):
        settings = replace(config, precision=precision, feature_cache=config.output / precision)
        loader, learner = loader_of(settings)
        kept += loader.complete(loader(key), learner.roi_inputs)
        settings = replace(config, precision=precision)  # so one may use the other's
        loader, learner = loader_of(settings)
        assert isinstance(loader(key).parts[0], RoiInputs) == (precision == "bf16")
        loader.complete(loader(key), learner.roi_inputs)
    for name, value in kept[0].tensors().items():
        assert torch.equal(value, kept[1].tensors()[name]), name


def test_an_object_may_be_pasted_from_any_image_so_each_counts(config: TrainConfig) -> None:
    pasting = replace(config, copy_paste=0.5)
    loader, learner = loader_of(pasting)
    key = BatchKey((0,), 0, 96)
    loader.complete(loader(key), learner.roi_inputs)
    assert isinstance(loader_of(pasting)[0](key).parts[0], RoiInputs)
    content = json.loads(config.train_json.read_text())
    content["annotations"].pop()  # of the last image
    config.train_json.write_text(json.dumps(content))
    assert isinstance(loader_of(pasting)[0](key).parts[0], View)


def test_other_weights_sizes_or_annotations_are_computed_anew(config: TrainConfig) -> None:
    loader, learner = loader_of(config)
    key = BatchKey((0,), 0, 96)
    loader.complete(loader(key), learner.roi_inputs)

    def is_kept(other: ViewLoader, image_size: int = 96) -> bool:
        return isinstance(other(replace(key, image_size=image_size)).parts[0], RoiInputs)

    assert is_kept(loader_of(config)[0])
    assert not is_kept(loader, 64)
    assert not is_kept(loader_of(replace(config, scale_jitter=(1.0, 1.0)))[0])
    content = json.loads(config.train_json.read_text())
    content["annotations"][0]["category_id"] = 8
    content["categories"].append({"id": 8, "name": "cup"})
    config.train_json.write_text(json.dumps(content))
    assert not is_kept(loader_of(config)[0])
    loader, learner = loader_of(config)
    loader.complete(loader(key), learner.roi_inputs)
    torch.nn.init.ones_(learner.model.rpn.objectness.weight)
    changed = make_view_loader(learner.model, loader.data, config)
    assert changed is not None
    assert not is_kept(changed)


def test_a_run_sees_each_view_once_and_changes_the_heads_alone(
    config: TrainConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    features = MaskRCNN.features

    def count(self: MaskRCNN, images: list[torch.Tensor]) -> object:
        seen.append(len(images))
        return features(self, images)

    monkeypatch.setattr(MaskRCNN, "features", count)
    result = fit(config)
    assert sum(seen) == 4 * 2
    assert result.model_folder is not None
    assert config.initial is not None
    before, after = load_model(config.initial)[0], load_model(result.model_folder)[0]
    old, new = before.state_dict(), after.state_dict()
    changed = {name.split(".")[0] for name in new if not torch.equal(old[name], new[name])}
    assert changed == {"box_head", "mask_head"}
    fit(replace(config, output=config.output.with_name("again")))
    assert sum(seen) == 4 * 2


def test_where_more_than_the_heads_learns_nothing_is_kept(config: TrainConfig) -> None:
    fit(replace(config, stages="heads", epochs=1))
    assert config.feature_cache is not None
    assert not config.feature_cache.exists()
