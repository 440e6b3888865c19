"""Prediction of fixed sizes against the usual one; what is not there is padding."""

from dataclasses import replace

import pytest
import torch

from core.model.fixed_shape import predict_padded
from core.model.graphs import GraphedModel
from core.model.mask_rcnn import MaskRCNN
from core.model.preprocess import to_batch
from core.model.structures import Selection
from tests.core.model.torchvision_twins import twins

IMAGES = [
    torch.rand(3, height, width, generator=torch.Generator().manual_seed(height))
    for height, width in ((96, 128), (120, 96))
]
LOW = Selection(0.05, 0.5, class_agnostic_nms=False, limit=30)


def compare(model: MaskRCNN, selection: Selection) -> list[int]:
    """Check all that is found; return how much that is."""
    with torch.inference_mode():
        features = model.features(IMAGES)
        expected = model.predict(features, selection)
        batch, sizes = to_batch(IMAGES, model.config)
        found = predict_padded(model, batch, torch.tensor(sizes), selection)
    for i, boxes in enumerate(expected):
        count = int(found.counts[i])
        assert count == len(boxes.scores)
        torch.testing.assert_close(found.boxes_xyxy[i, :count], boxes.boxes_xyxy)
        torch.testing.assert_close(found.scores[i, :count], boxes.scores)
        assert torch.equal(found.labels[i, :count], boxes.labels)
        torch.testing.assert_close(found.mask_probs[i, :count], boxes.mask_probs)
        assert not found.boxes_xyxy[i, count:].any()
        assert not found.scores[i, count:].any()
    return found.counts.tolist()


def test_it_finds_what_the_model_finds() -> None:
    assert min(compare(twins(1)[1], LOW)) > 5


def test_categories_suppress_each_other_where_asked() -> None:
    apart = compare(twins(1)[1], LOW)
    together = compare(twins(1)[1], replace(LOW, class_agnostic_nms=True, nms_threshold=0.2))
    assert sum(together) < sum(apart)


def test_nothing_found_is_all_padding() -> None:
    assert compare(twins(1)[1], replace(LOW, score_threshold=1.0)) == [0, 0]


def test_scores_of_masks_count_where_asked() -> None:
    model = MaskRCNN(replace(twins(1)[1].config, mask_in_score=True)).eval()
    model.load_state_dict(twins(1)[1].state_dict())
    assert model.mask_head.logits.bias is not None
    model.mask_head.logits.bias.data += 1  # fresh weights make masks without a cell
    selection = replace(LOW, score_threshold=0.4)  # some fall below it when the mask counts
    assert 0 < sum(compare(model, selection)) < sum(compare(twins(1)[1], selection))


@pytest.mark.gpu
def test_a_replayed_graph_finds_the_same_in_every_batch() -> None:
    model = MaskRCNN(twins(1)[1].config)
    model.load_state_dict(twins(1)[1].state_dict())
    model = model.eval().cuda()
    graphed = GraphedModel(model, LOW)
    with torch.inference_mode():
        for images in (IMAGES, IMAGES[::-1], IMAGES):
            batch, sizes = to_batch([image.cuda() for image in images], model.config)
            limits = torch.tensor(sizes, device="cuda")
            expected = predict_padded(model, batch, limits, LOW)
            found = graphed(batch, limits)
            assert torch.equal(found.counts, expected.counts)
            torch.testing.assert_close(found.boxes_xyxy, expected.boxes_xyxy, atol=0.1, rtol=1e-3)
