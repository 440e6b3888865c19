"""True boxes as people draw them, for the mask head alone."""

from dataclasses import replace

import torch

from core.model.drawn_boxes import draw_boxes
from core.model.mask_rcnn import MaskRCNN
from core.model.roi_inputs import RoiInputs
from core.ops.boxes import box_iou
from tests.core.model.tiny import HEIGHT, TINY, WIDTH, scene, target_of, to_tensor

SIZE = (HEIGHT, WIDTH)


def test_every_object_is_drawn_twice_near_its_place_with_its_own_mask() -> None:
    masks = scene(0)[1]
    for seed in range(20):
        sample = draw_boxes(
            target_of(masks, [1, 2]), SIZE, 100, torch.Generator().manual_seed(seed)
        )
        assert sorted(sample.labels.tolist()) == [1, 1, 2, 2]
        pairs = zip(sample.masks, sample.labels.tolist(), strict=True)
        assert all(mask is masks[label - 1] for mask, label in pairs)
        own = torch.tensor([masks[i - 1].box_xyxy for i in sample.labels.tolist()]).float()
        assert torch.equal(sample.true_boxes, own)
        overlaps = box_iou(sample.boxes_xyxy, own).diagonal()
        assert (overlaps > 0.3).all()
        assert (overlaps < 1).all()


def test_the_limit_and_the_image_are_kept() -> None:
    target = target_of(scene(0)[1])
    sample = draw_boxes(target, (60, 110), 3, torch.Generator().manual_seed(1))
    assert len(sample.boxes_xyxy) == len(sample.masks) == len(sample.labels) == 3
    assert (sample.boxes_xyxy >= 0).all()
    assert (sample.boxes_xyxy <= torch.tensor([110, 60, 110, 60])).all()


def test_no_objects_give_no_boxes() -> None:
    sample = draw_boxes(target_of([]), SIZE, 16, None)
    assert sample.boxes_xyxy.shape == (0, 4)
    assert sample.masks == []


def test_the_mask_head_learns_from_them_and_the_box_head_as_before() -> None:
    model = MaskRCNN(TINY).train()
    image, target = to_tensor(scene(0)[0]), target_of(scene(0)[1])

    def inputs(count: int) -> RoiInputs:
        model.config = replace(TINY, mask_drawn_boxes=count)
        return model.roi_inputs([image], [target], torch.Generator().manual_seed(0))

    before, after = inputs(0), inputs(3)
    assert torch.equal(before.boxes_xyxy, after.boxes_xyxy)
    assert torch.equal(before.box_pooled, after.box_pooled)
    assert len(before.mask_targets) == int((before.labels > 0).sum())
    assert len(after.mask_targets) == len(after.mask_pooled) == len(after.mask_labels) == 3
    losses = model.roi_losses(after)
    assert torch.isfinite(torch.stack(list(losses.values()))).all()
