"""Each error of the project that this core descends from in purpose, as a test that it is not here.

The seed is https://github.com/wannabeOG/Mask-RCNN. Its errors are numbered as in its review: A can
not run at all, B gives wrong results. Most have further tests where their subject is tested.
"""

import ast
import inspect
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from core.images import read_rgb
from core.learning.config import STAGES, TrainConfig
from core.learning.dataset import CocoDetectionDataset
from core.learning.evaluate import evaluate
from core.learning.optimizer import freeze
from core.learning.transforms import resize_image, resize_mask
from core.learning.validation import validate
from core.masks import Mask, encode_rle
from core.model.box_head import BoxHead, RoiSample
from core.model.checkpoint import ModelFileError, load_model, save_model
from core.model.config import MaskRCNNConfig
from core.model.losses import focal_objectness_loss, softmax_focal_loss
from core.model.mask_head import MaskHead
from core.model.mask_rcnn import MaskRCNN, Selection
from core.model.matcher import match_boxes
from core.model.rpn import AnchorScores, RegionProposals
from core.model.structures import Features
from core.ops.boxes import box_iou, encode_boxes
from core.ops.mask_sampling import sample_masks
from core.ops.nms import nms
from core.ops.paste import paste_mask
from core.ops.roi_align import pyramid_levels, pyramid_roi_align
from core.predictor import Detection, Predictor
from tests.core.learning.scenes import write_scenes
from tests.core.model.tiny import TINY, scene, target_of, to_tensor
from tests.helpers.data import REPOSITORY

CORE = REPOSITORY / "core"
BOX = torch.tensor([[10.0, 10.0, 40.0, 40.0]])


def backward(losses: dict[str, torch.Tensor]) -> None:
    torch.autograd.backward(torch.stack(list(losses.values())).sum())


def square(x: int, y: int, side: int) -> Mask:
    return Mask.from_bitmap(np.ones((side, side), np.bool_), x, y)


def test_a1_training_and_inference_both_reach_the_mask_head() -> None:
    """A second `forward` in the mask head's class replaced the first."""
    model, image = MaskRCNN(TINY), to_tensor(scene(0)[0])
    losses = model.train()([image], [target_of(scene(0)[1])])
    assert losses["mask"] > 0
    with torch.inference_mode():
        [prediction] = model.eval()([image])
    assert prediction.mask_probs.shape[1:] == (28, 28)
    for module in (MaskHead, BoxHead, RegionProposals, MaskRCNN):
        source = ast.parse(inspect.getsource(module).lstrip())
        names = [
            node.name
            for node in source.body[0].body  # type: ignore[attr-defined]
            if isinstance(node, ast.FunctionDef) and not node.decorator_list
        ]
        assert len(names) == len(set(names))


def test_a2_the_rpn_has_its_class_loss() -> None:
    """It was indented into another class and called under a name that did not exist."""
    losses = MaskRCNN(TINY).train()([to_tensor(scene(0)[0])], [target_of(scene(0)[1])])
    assert losses["rpn_objectness"] > 0
    backward({"rpn": losses["rpn_objectness"]})


def test_a3_nothing_needs_a_compiler() -> None:
    """NMS and RoIAlign needed C and CUDA code, built with a module that torch has dropped."""
    files = [path for path in CORE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert {path.suffix for path in files} == {".py"}


def test_a4_inference_keeps_no_graph() -> None:
    """`volatile=True` has meant nothing since torch 0.4: memory grew with every image."""
    predictor = Predictor(MaskRCNN(TINY), device="cpu", precision="fp32")
    predictor.embed(scene(0)[0])
    assert predictor._embedded is not None
    assert all(not level.requires_grad for level in predictor._embedded.features.levels)


def test_a5_no_crowd_no_positive_and_no_object_are_noticed() -> None:
    """`if nonzero(x).size()` is true for empty results: their guards never held."""
    assert match_boxes(torch.zeros(0, 3), positive=0.7, negative=0.3).tolist() == [-1, -1, -1]
    assert match_boxes(torch.zeros(2, 0), positive=0.7, negative=0.3, keep_best=True).shape == (0,)
    target = target_of([])
    backward(MaskRCNN(TINY).train()([to_tensor(scene(0)[0])], [target]))


def test_a6_masks_are_bool_all_the_way() -> None:
    """Byte masks mixed with bool ones are errors since torch 1.2."""
    pixels = np.zeros((20, 20), np.uint8)
    pixels[5:9, 5:9] = 1
    assert Mask.from_bitmap(pixels) == square(5, 5, 4)
    assert Mask.from_bitmap(pixels).crop.dtype == np.bool_


def test_a7_an_image_without_a_detection_is_fine() -> None:
    """Nothing above the threshold left names unbound."""
    predictor = Predictor(MaskRCNN(replace(TINY, score_threshold=1.0)), device="cpu")
    assert predictor.predict_batch([np.zeros((40, 50, 3), np.uint8)]) == [[]]
    assert pyramid_roi_align([torch.rand(1, 2, 8, 8)], [torch.zeros(0, 4)], 7).shape[0] == 0


def test_a8_an_image_without_instances_is_a_sample(tmp_path: Path) -> None:
    """Such an image gave None, which no batch can hold."""
    data = CocoDetectionDataset(write_scenes(tmp_path, 2), tmp_path, image_size=96)
    image, target = data[len(data) - 1]
    assert target["boxes_xyxy"].shape == (0, 4)
    backward(MaskRCNN(TINY).train()([image], [target]))


def test_a9_no_function_that_scipy_has_removed_is_used() -> None:
    """`scipy.misc.imresize` is gone since SciPy 1.3."""
    for path in CORE.rglob("*.py"):
        assert "scipy" not in path.read_text(encoding="utf-8"), path


# A10 cannot exist here: the core has no table of COCO's years and downloads no data set, and its
# command reads typed settings from a file (wrong types: tests/core/learning/test_config.py).


def test_b1_stages_unfreeze_what_an_earlier_stage_froze() -> None:
    """Stages could only freeze: after "heads", "all" still trained the heads alone."""
    model = MaskRCNN(TINY)
    learning = []
    for stages in ("heads", "all", "roi_heads", "5+", "4+", "3+", "all"):
        assert stages in STAGES
        freeze(model, stages)
        learning.append(sum(p.requires_grad for p in model.parameters()))
    everything = len(list(model.parameters()))
    assert learning[1] == learning[-1] == everything
    assert learning[2] < learning[0] < learning[3] < learning[4] < learning[5] < everything


def test_b2_half_is_a_probability_and_full_masks_stay_full() -> None:
    """Masks were stretched to 0..255 by their own range before they were cut at one half."""
    weak = np.full((28, 28), 0.45, np.float32)
    weak[0, 0] = 0.0
    assert paste_mask(weak, (5.0, 5.0, 40.0, 40.0), 60, 80).is_empty
    box = torch.tensor([[10.0, 10.0, 40.0, 40.0]])
    assert (sample_masks([square(10, 10, 30)], box, 28) == 1).all()
    sample = RoiSample(BOX, torch.tensor([1]), BOX, [square(10, 10, 30)])
    sure = torch.full((1, 28, 28), 20.0)
    assert MaskHead(TINY).loss(sure, [sample], [(96, 128)]) < 1e-6


def test_b3_bins_are_sampled_at_their_centres_with_the_half_pixel_shift() -> None:
    """One sample per bin at the box's corners: rows 127.5..191.25 instead of 132.07..186.93."""
    rows = torch.arange(256.0)[:, None].expand(1, 1, 256, 256).contiguous()
    box = torch.tensor([[512.0, 512.0, 768.0, 768.0]])  # .5 to .75 of 1024 pixels
    pooled = pyramid_roi_align([rows], [box], 7)[0, 0, :, 3]
    torch.testing.assert_close(pooled, 127.5 + 64 / 7 * (torch.arange(7) + 0.5))
    assert pooled[0].item() == pytest.approx(132.07, abs=0.01)
    assert pooled[-1].item() == pytest.approx(186.93, abs=0.01)


def test_b4_accumulated_gradients_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    """The parts' gradients were summed, and clipped part by part."""
    from tests.core.learning.test_learner import Line, learn, learner

    whole, parts = Line(), Line()
    learn(learner(whole, clip_norm=1.0), 1.0, 2.0, 3.0, 6.0)
    learn(learner(parts, clip_norm=1.0, micro_batch=1), 1.0, 2.0, 3.0, 6.0)
    assert parts.seen == [1, 1, 1, 1]
    assert parts.weight.item() == pytest.approx(whole.weight.item())


def test_b5_background_is_learned_without_positives_and_true_boxes_are_proposals() -> None:
    """Negatives were drawn only beside positives, and true boxes were not among the proposals."""
    head = BoxHead(TINY)
    alone = head.sample(BOX, target_of([]), None)
    assert alone.labels.tolist() == [0]
    logits, deltas = torch.zeros(1, 2), torch.zeros(1, 1, 4)
    assert head.losses(logits, deltas, [alone])["box_class"] > 0
    added = head.sample(torch.zeros(0, 4), target_of([square(10, 10, 20)]), None)
    assert added.labels.tolist() == [1]


def test_b6_boxes_are_never_rounded_and_each_side_has_its_scale() -> None:
    """Boxes were cut to whole pixels twice, and one scale served both sides."""
    scored = torch.tensor([[0.0, 3.0]]), torch.zeros(1, 1, 4)
    usual = Selection(0.05, 0.5, class_agnostic_nms=False, limit=9)
    box = torch.tensor([[10.25, 10.5, 30.125, 30.75]])
    [found] = BoxHead(TINY).select(scored, [box], [(96, 128)], usual)
    torch.testing.assert_close(found.boxes_xyxy, box)
    predictor = Predictor(MaskRCNN(TINY), device="cpu", precision="fp32")
    predictor.embed(np.zeros((93, 245, 3), np.uint8))
    assert predictor._embedded is not None
    assert predictor._embedded.scales[0].tolist() == pytest.approx([245 / 128, 93 / 49] * 2)


def test_b7_a_roi_may_be_several_categories_and_limits_are_the_papers() -> None:
    """One label per RoI, scores from .7, NMS at .3: much recall was lost."""
    config = replace(TINY, categories=("a", "b"))
    usual = MaskRCNN(config).selection
    assert (usual.score_threshold, usual.nms_threshold) == (0.05, 0.5)
    scored = torch.tensor([[0.0, 1.0, 0.8]]), torch.zeros(1, 1, 4)
    [found] = BoxHead(config).select(scored, [BOX], [(96, 128)], usual)
    assert found.labels.tolist() == [1, 2]


def test_b8_every_level_proposes_and_suppresses_by_itself() -> None:
    """The best were taken of all levels together, and suppressed across levels."""
    rpn = RegionProposals(replace(TINY, rpn_candidates=1)).eval()
    scores = AnchorScores(
        [BOX] * 5, [torch.tensor([[float(n)]]) for n in range(5)], [torch.zeros(1, 1, 4)] * 5
    )
    [proposals] = rpn.propose(scores, Features([], [(96, 128)]))
    assert len(proposals) == 5  # the same box on five levels


def test_b9_levels_are_rounded_down_and_flat_boxes_have_one() -> None:
    """Levels were rounded to the nearest, and log2(0) made an integer of minus infinity."""
    sides = torch.tensor([[0.0, 0.0, 223.0, 223.0], [5.0, 5.0, 5.0, 60.0]])
    assert pyramid_levels(sides, 2, 5).tolist() == [3, 2]


def test_b10_unsorted_boxes_are_suppressed_rightly_and_no_pixel_is_added() -> None:
    """The GPU's way mixed sorted and unsorted boxes; areas had one pixel too many, only here."""
    boxes = torch.tensor([[50.0, 50.0, 60.0, 60.0], [0.0, 0.0, 10.0, 10.0], [1.0, 0.0, 11.0, 10.0]])
    assert nms(boxes, torch.tensor([0.1, 0.2, 0.9]), 0.5).tolist() == [2, 0]
    touching = torch.tensor([[0.0, 0.0, 10.0, 10.0], [10.0, 0.0, 20.0, 10.0]])
    assert box_iou(touching[:1], touching[1:]).item() == 0
    halves = torch.tensor([[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0]])
    assert len(nms(halves, torch.tensor([0.9, 0.8]), 0.5)) == 2  # at the threshold: kept


def test_b11_degenerate_boxes_give_no_infinity(expected_logs: list[str]) -> None:
    """log(0) and 0/0 of true boxes that resizing had erased."""
    expected_logs.append("true boxes are left out: not finite, or with a side below one pixel")
    target = target_of([square(30, 30, 1), square(50, 40, 20)])
    target["boxes_xyxy"][0, 2] = 30.0
    losses = MaskRCNN(TINY).train()([to_tensor(scene(0)[0])], [target])
    assert all(value.isfinite() for value in losses.values())
    flat = torch.tensor([[5.0, 5.0, 5.0, 9.0]])
    assert box_iou(flat, flat).item() == 0


def test_b12_box_losses_bend_at_a_ninth_divide_by_all_samples_and_have_their_own_weights() -> None:
    """Beta 1, the mean over positives alone, and the RPN's deviations in the box head."""
    sample = RoiSample(torch.cat((BOX, BOX + 50)), torch.tensor([1, 0]), BOX + 3, [square(1, 1, 9)])
    deltas = torch.zeros(2, 1, 4)
    loss = BoxHead(TINY).losses(torch.zeros(2, 2), deltas, [sample])["box_regression"]
    shift = 10 * 3 / 30  # of each side, in the box head's units
    assert loss.item() == pytest.approx(2 * (shift - 1 / 18) / 2)
    assert encode_boxes(BOX + 3, BOX, (1.0, 1.0, 1.0, 1.0))[0, 0].item() == pytest.approx(0.1)


def test_b13_weights_that_do_not_fit_are_an_error(tmp_path: Path) -> None:
    """Another backbone's weights were loaded, as far as names agreed: not at all, silently."""
    save_model(tmp_path, MaskRCNN(TINY), {})
    other = MaskRCNN(replace(TINY, backbone="resnet18"))
    other.config = TINY
    save_model(tmp_path, other, {})
    with pytest.raises(ModelFileError, match="do not fit"):
        load_model(tmp_path)
    with pytest.raises(ModelFileError, match="no such model file"):
        load_model(tmp_path / "missing")


def test_b14_only_the_backbones_norms_are_frozen() -> None:
    """All norms were frozen as they began, those of new heads too: heads without norms."""
    model = MaskRCNN(MaskRCNNConfig())
    frozen = {name.split(".")[0] for name, _ in model.named_buffers()}
    assert frozen == {"backbone"}
    norms = [m for m in model.fpn.modules() if isinstance(m, torch.nn.GroupNorm)]
    assert len(norms) == 8
    assert all(parameter.requires_grad for norm in norms for parameter in norm.parameters())


def test_b15_empty_images_count_and_areas_are_the_masks(tmp_path: Path) -> None:
    """Images without instances were not evaluated, and a mask's area was its box's."""
    path = write_scenes(tmp_path, 2)  # the last one is empty
    content = json.loads(path.read_text(encoding="utf-8"))
    [mask] = CocoDetectionDataset(path, tmp_path).sample(0, 96).masks
    right = {"image_id": content["images"][0]["id"], "category_id": 1, "score": 0.5}
    right |= {"segmentation": encode_rle(mask, 64, 96), "bbox": [0, 0, 96, 64]}
    false = {**right, "image_id": content["images"][-1]["id"], "score": 0.9}
    assert evaluate(content, [right], class_agnostic=True).mask_ap == pytest.approx(1)
    assert evaluate(content, [right, false], class_agnostic=True).mask_ap < 0.6
    assert evaluate(content, [], class_agnostic=True).images == 2


def test_b16_image_and_mask_are_resized_by_the_same_rule() -> None:
    """Different resize functions put masks up to a pixel beside their objects."""
    y, x = np.mgrid[:90, :120] + 0.5
    disc = (x - 50) ** 2 + (y - 40) ** 2 < 25**2
    image = np.repeat(disc[..., None], 3, axis=2).astype(np.uint8) * 255
    for long_side in (200, 77, 41):
        resized = resize_image(image, long_side)
        factors = resized.shape[1] / 120, resized.shape[0] / 90
        mask = resize_mask(Mask.from_bitmap(disc), factors)
        seen = Mask.from_bitmap(resized[..., 0] >= 128)
        assert mask.iou(seen) > 0.97
        centres = [np.argwhere(m.to_bitmap(*resized.shape[:2])).mean(axis=0) for m in (mask, seen)]
        assert np.abs(centres[0] - centres[1]).max() < 0.15


def test_b17_focal_loss_counts_from_background_runs_on_cpus_and_stays_finite() -> None:
    """One-hot was off by one, `.cuda()` fixed, log of 0 possible, and no prior or max(1, n)."""
    logits = torch.tensor([[300.0, -300.0, 0.0]] * 3, requires_grad=True)
    loss = softmax_focal_loss(logits, torch.tensor([0, 1, 2]), 2.0)
    torch.autograd.backward(loss)
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    right, wrong = (
        softmax_focal_loss(logits[:1].detach(), torch.tensor([label]), 2.0) for label in (0, 1)
    )
    assert right < 1e-6 < wrong
    extreme = torch.tensor([-300.0, 300.0])
    assert focal_objectness_loss(extreme, torch.ones(2), alpha=0.25, gamma=2.0).isfinite()
    model = MaskRCNN(replace(TINY, rpn_loss="focal")).train()
    assert model.rpn.objectness.bias is not None
    assert model.rpn.objectness.bias.sigmoid().tolist() == pytest.approx([0.01] * 3)
    empty = model([to_tensor(scene(0)[0])], [target_of([])])
    assert all(value.isfinite() for value in empty.values())


def test_b18_validation_sees_the_photos_as_they_are_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The validation set was augmented and shuffled."""
    seen: list[NDArray[np.uint8]] = []

    def look(_: Predictor, image: NDArray[np.uint8], **__: object) -> list[Detection]:
        seen.append(image)
        return []

    monkeypatch.setattr(Predictor, "predict", look)
    path, model = write_scenes(tmp_path, 3), MaskRCNN(TINY)
    run = TrainConfig(
        path, tmp_path, tmp_path / "run", val_json=path, val_images=tmp_path, crop=1, copy_paste=1
    )
    assert validate(model, model.state_dict(), run, "cpu", lambda: False)
    photos = [read_rgb(tmp_path / f"{number}.png") for number in (1, 2, 3)]
    assert len(seen) == len(photos)
    assert all(np.array_equal(*pair) for pair in zip(seen, photos, strict=True))
