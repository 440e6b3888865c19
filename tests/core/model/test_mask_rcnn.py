from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from core.masks import Mask
from core.model.config import MaskRCNNConfig
from core.model.mask_rcnn import MaskRCNN, Prediction, Selection, Target
from core.ops.paste import paste_mask
from core.ops.roi_align import Sampling, pyramid_roi_align
from tests.core.model.tiny import HEIGHT, TINY, WIDTH, overfitted, scene, target_of, to_tensor

LOSSES = {"rpn_objectness", "rpn_box", "box_class", "box_regression", "mask"}


def losses_of(targets: list[Target], *, model: MaskRCNN | None = None) -> dict[str, torch.Tensor]:
    """Train one step on scenes of two sizes; fails unless all is finite."""
    model = (model or MaskRCNN(TINY)).train()
    images = [to_tensor(scene(i)[0])[:, : HEIGHT - 10 * i] for i in range(len(targets))]
    losses: dict[str, torch.Tensor] = model(images, targets, torch.Generator().manual_seed(0))
    torch.autograd.backward(torch.stack(list(losses.values())).sum())
    assert set(losses) == LOSSES
    assert all(value.isfinite() for value in losses.values())
    for parameter in model.parameters():
        assert parameter.grad is None or parameter.grad.isfinite().all()
    return losses


def masks_of(prediction: Prediction) -> list[Mask]:
    return [
        paste_mask(prob, (box[0], box[1], box[2], box[3]), HEIGHT, WIDTH)
        for box, prob in zip(
            prediction.boxes_xyxy.tolist(), prediction.mask_probs.numpy(), strict=True
        )
    ]


def test_the_model_learns_two_images_by_heart() -> None:
    model = overfitted()
    for seed in (0, 1):
        image, truth = scene(seed)
        with torch.inference_mode():
            prediction = model([to_tensor(image)])[0]
        confident = int((prediction.scores > 0.8).sum())
        assert confident == len(truth)
        masks = masks_of(prediction)[:confident]
        for true in truth:
            assert max(mask.iou(true) for mask in masks) > 0.8


def test_masks_for_true_boxes_are_the_true_masks() -> None:
    model = overfitted()
    image, truth = scene(1)
    target = target_of(truth)
    with torch.inference_mode():
        features = model.features([to_tensor(image)])
        probs = model.masks_for_boxes(features, [target["boxes_xyxy"]], [target["labels"]])[0]
    for prob, box, true in zip(probs, target["boxes_xyxy"].tolist(), truth, strict=True):
        mask = paste_mask(prob.numpy(), (box[0], box[1], box[2], box[3]), HEIGHT, WIDTH)
        assert mask.iou(true) > 0.85


def test_a_batch_of_two_sizes_predicts_like_each_image_alone() -> None:
    """Padding reaches only the norms: boxes and scores stay close, and inside their image."""
    model = overfitted()
    images = [to_tensor(scene(0)[0]), to_tensor(scene(1)[0])[:, :80, :100]]
    with torch.inference_mode():
        together = model(images)
    for prediction, image in zip(together, images, strict=True):
        assert len(prediction.scores) == len(prediction.labels) == len(prediction.mask_probs)
        assert prediction.boxes_xyxy[:, 2].max() <= image.shape[2]
        assert prediction.boxes_xyxy[:, 3].max() <= image.shape[1]


def test_losses_are_finite_on_objects() -> None:
    losses = losses_of([target_of(scene(0)[1]), target_of(scene(1)[1])])
    assert 0.5 < losses["mask"].item() < 1.0


def test_a_batch_of_negatives_trains_a8() -> None:
    losses = losses_of([target_of([]), target_of([])])
    assert losses["mask"].item() == losses["rpn_box"].item() == losses["box_regression"].item() == 0
    assert losses["box_class"].item() > 0
    assert losses["rpn_objectness"].item() > 0


def test_an_image_that_is_all_crowd_trains() -> None:
    target = target_of([])
    target["ignore_xyxy"] = torch.tensor([[-500.0, -500.0, 900.0, 900.0]])
    losses = losses_of([target])
    assert all(value.item() == 0 for value in losses.values())


def test_degenerate_objects_are_dropped_with_a_warning_and_small_ones_kept_b11(
    expected_logs: list[str],
) -> None:
    expected_logs.append("1 true boxes are left out: not finite, or with a side below one pixel")
    pixel = Mask.from_bitmap(np.ones((1, 1), np.bool_), 30, 30)
    target = target_of([pixel, scene(0)[1][0], pixel])
    target["boxes_xyxy"][2] = torch.tensor([30.0, 30.0, 30.0, 30.5])
    losses_of([target])


def test_boxes_that_are_not_finite_are_dropped_too(expected_logs: list[str]) -> None:
    expected_logs.append("2 true boxes are left out: not finite, or with a side below one pixel")
    target = target_of([scene(0)[1][0]] * 3)
    target["boxes_xyxy"][0, 2], target["boxes_xyxy"][1, 1] = torch.inf, torch.nan
    assert losses_of([target])["box_regression"] > 0


@pytest.mark.parametrize("label", [-1, 0, 2])
def test_a_label_that_has_no_row_is_refused(label: int) -> None:
    with pytest.raises(ValueError, match=rf"labels: expected 1\.\.1, got \[{label}\]"):
        losses_of([target_of(scene(0)[1], [label, label])])


def test_equal_seeds_give_equal_weights_and_losses() -> None:
    def run(seed: int) -> tuple[float, torch.Tensor]:
        torch.rand(seed + 1)  # the global generator does not matter
        model = MaskRCNN(TINY, seed=4)
        losses = losses_of([target_of(scene(0)[1])], model=model)
        return torch.stack(list(losses.values())).sum().item(), model.fpn.laterals[0][0].weight  # type: ignore[index]

    first, second = run(0), run(7)
    assert first[0] == second[0]
    assert torch.equal(first[1], second[1])


def test_categories_have_rows_of_their_own_when_asked() -> None:
    config = replace(
        TINY, categories=("a", "b", "c"), class_agnostic_box=False, class_agnostic_mask=False
    )
    model = MaskRCNN(config)
    assert model.box_head.deltas.out_features == 12
    assert model.mask_head.logits.out_channels == 3
    losses_of([target_of(scene(0)[1], [3, 1])], model=model)


OPTIONS: dict[str, dict[str, Any]] = {
    "resnet with learning norms": {"backbone": "resnet18", "backbone_norm": "group"},
    "resnet with frozen norms": {"backbone": "resnet50", "fpn_norm": "frozen_batch"},
    "batch norms everywhere": {"backbone_norm": "batch", "fpn_norm": "batch", "head_norm": "batch"},
    "full convolutions": {"separable_convs": False, "rpn_convs": 2, "fpn_norm": "none"},
    "deep box head": {"box_convs": 4, "box_fcs": 1, "head_norm": "group"},
    "focal losses": {"rpn_loss": "focal", "focal_gamma": 2.0},
    "cross-entropy": {"focal_gamma": 0.0, "smooth_l1_beta": 0.0},
    "giou and dice": {"box_loss": "giou", "mask_dice": 1.0},
    "drawn boxes": {"mask_drawn_boxes": 5},
    "bicubic": {"roi_interpolation": "bicubic"},
    "unaligned, adaptive": {"roi_aligned": False, "roi_samples": 0},
    "fine masks": {"mask_pool": 28, "mask_targets": "pooled"},
    "by category": {
        "categories": ("a", "b"),
        "class_agnostic_box": False,
        "class_agnostic_mask": False,
        "class_agnostic_nms": True,
    },
    "torchvision's anchors": {"anchor_style": "torchvision", "rpn_candidates_train": 50},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("half", [False, True], ids=["fp32", "bf16"])
def test_every_option_trains_and_predicts(options: dict[str, Any], half: bool) -> None:
    model = MaskRCNN(replace(TINY, **options))
    with torch.autocast("cpu", torch.bfloat16, enabled=half):
        losses_of([target_of(scene(0)[1]), target_of(scene(1)[1])], model=model)
        without = [n for n, p in model.named_parameters() if p.grad is None]
        assert not without
        with torch.inference_mode():
            [prediction] = model.eval()([to_tensor(scene(0)[0])])
    grid = 2 * model.config.mask_pool
    assert prediction.mask_probs.shape == (len(prediction.scores), grid, grid)
    assert prediction.boxes_xyxy.isfinite().all()


@pytest.mark.parametrize(
    "settings", [(True, 2, "bicubic"), (False, 1, "bilinear"), (True, 0, "bicubic")]
)
def test_boxes_are_pooled_as_the_config_says(settings: tuple[bool, int, str]) -> None:
    aligned, samples, interpolation = settings
    config = replace(
        TINY, roi_aligned=aligned, roi_samples=samples, roi_interpolation=interpolation
    )
    model, boxes = MaskRCNN(config).eval(), [torch.tensor([[9.3, 8.1, 90.4, 77.7]])]
    with torch.inference_mode():
        features = model.features([to_tensor(scene(0)[0])])
        expected = pyramid_roi_align(features.levels[:4], boxes, 7, Sampling(*settings))
        usual = pyramid_roi_align(features.levels[:4], boxes, 7)
        torch.testing.assert_close(model._pool(features, boxes, 7), expected)
    assert not torch.allclose(expected, usual, atol=1e-4)


def test_a_second_look_is_the_mean_with_the_finer_level() -> None:
    model = overfitted()
    with torch.inference_mode():
        features = model.features([to_tensor(scene(0)[0]).repeat(1, 2, 2)])
        large, small = torch.tensor([[5.0, 5.0, 170.0, 150.0]]), torch.tensor([[9.0, 9.0, 50, 60]])
        label = torch.tensor([1])

        def masks(box: torch.Tensor, *, twice: bool) -> torch.Tensor:
            return model.masks_for_boxes(features, [box], [label], twice=twice)[0]

        assert torch.equal(masks(small, twice=True), masks(small, twice=False))  # P2 is the finest
        first, both = masks(large, twice=False), masks(large, twice=True)
        finer = pyramid_roi_align(features.levels[:4], [large], 14, Sampling(finer=1))
        second = model.mask_head(finer, label).sigmoid()
    assert not torch.equal(first, second)
    torch.testing.assert_close(both, (first + second) / 2)


def test_what_is_kept_is_what_the_config_says() -> None:
    limits = {"score_threshold": 0.2, "nms_threshold": 0.4, "detections_per_image": 7}
    model = MaskRCNN(replace(TINY, class_agnostic_nms=True, **limits))  # type: ignore[arg-type]
    assert model.selection == Selection(0.2, 0.4, class_agnostic_nms=True, limit=7)


def test_an_image_without_detections_gives_empty_tensors_a7() -> None:
    model = MaskRCNN(replace(TINY, score_threshold=1.0)).eval()
    with torch.inference_mode():
        prediction = model([torch.zeros(3, 40, 50)])[0]
    assert prediction.boxes_xyxy.shape == (0, 4)
    assert prediction.mask_probs.shape == (0, 28, 28)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (33, 31)])
def test_images_of_any_size_are_predicted(size: tuple[int, int]) -> None:
    model = MaskRCNN(TINY).eval()
    with torch.inference_mode():
        assert len(model([torch.rand(3, *size)])) == 1


def test_the_default_model_is_small_enough_to_ship() -> None:
    state = MaskRCNN(MaskRCNNConfig()).state_dict()
    assert sum(value.numel() * 4 for value in state.values()) < 25e6


def test_the_second_look_is_for_boxes_that_have_a_finer_level() -> None:
    model = MaskRCNN(TINY, seed=1).eval()
    images = [torch.rand(3, 224, 256, generator=torch.Generator().manual_seed(i)) for i in (0, 1)]
    small, large = [10.0, 10.0, 40.0, 40.0], [0.0, 5.0, 200.0, 205.0]
    boxes = [torch.tensor([small, large]), torch.tensor([small])]
    labels = [torch.ones(len(each), dtype=torch.int64) for each in boxes]
    seen: list[int] = []
    with torch.inference_mode():
        features = model.features(images)
        looks = [model._pool(features, boxes, TINY.mask_pool, finer) for finer in (0, 1)]
        all_labels = torch.cat(labels)
        expected = sum(model.mask_head(each, all_labels).sigmoid() for each in looks) / 2
        model.mask_head.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
        once = model.masks_for_boxes(features, boxes, labels)
        assert seen == [3]
        found = model.masks_for_boxes(features, boxes, labels, twice=True)
        assert seen == [3, 3, 1]
        model.masks_for_boxes(features, boxes[1:], labels[1:], twice=True)
        assert seen == [3, 3, 1, 1]
    torch.testing.assert_close(torch.cat(found), expected)
    assert torch.equal(found[0][0], once[0][0])
    assert torch.equal(found[1], once[1])
    assert not torch.allclose(found[0][1], once[0][1], atol=1e-4)
