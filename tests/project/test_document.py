"""The document takes edits that fit, wholly, and says what became stale."""

import copy

import numpy as np
import pytest

from core.masks import Mask
from mrcnn_gui.project.annotation import (
    Decision,
    Instance,
    Provenance,
    ReviewStatus,
    Source,
    Suggestion,
    Verdict,
)
from mrcnn_gui.project.document import Change, EditError, ImageDocument
from mrcnn_gui.project.edits import (
    AcceptSuggestion,
    AddInstance,
    Batch,
    Edit,
    PaintMask,
    RejectSuggestion,
    RemoveInstance,
    SetAttributes,
    SetCategory,
    SetReviewStatus,
)

HUMAN = Provenance(Source.HUMAN)
TODO, DONE = ReviewStatus.TODO, ReviewStatus.DONE


def block(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_bitmap(np.ones((height, width), dtype=bool), x, y)


def instance(instance_id: int, mask: Mask) -> Instance:
    return Instance(instance_id, 1, mask, HUMAN)


SUGGESTION = Suggestion.of("object", 0.5, block(1, 2, 3, 4), "v1")


@pytest.fixture
def document() -> ImageDocument:
    document = ImageDocument(1, 100, 80)
    document.apply(AddInstance(instance(1, block(10, 10, 40, 40))))
    document.apply(AddInstance(instance(2, block(20, 20, 5, 5))))
    return document


def test_painting_flips_pixels_and_reports_the_rectangle(document: ImageDocument) -> None:
    change = document.apply(PaintMask(2, block(24, 20, 2, 1)))
    assert change == Change(frozenset({2}), (24, 20, 26, 21))
    assert not document.instances[2].mask.contains(24, 20)
    assert document.instances[2].mask.contains(25, 20)


def test_what_reaches_out_of_the_image_is_clipped(document: ImageDocument) -> None:
    change = document.apply(PaintMask(1, block(95, 70, 20, 20)))
    assert change.dirty == (95, 70, 100, 80)
    assert document.instances[1].mask.box_xyxy == (10, 10, 100, 80)
    far = AddInstance(instance(3, block(-5, -5, 10, 10)))
    assert document.apply(far).instance_ids == {3}
    assert document.instances[3].mask == block(0, 0, 5, 5)
    document.apply(far.inverse())
    assert 3 not in document.instances


def test_an_image_of_unknown_size_clips_nothing() -> None:
    document = ImageDocument(1, 0, 0)
    edit = AddInstance(instance(1, block(50, 60, 7, 7)))
    document.apply(edit)
    assert document.instances[1].mask == block(50, 60, 7, 7)
    document.apply(edit.inverse())
    assert document.instances == {}


def test_a_mask_painted_to_empty_stays_an_instance(document: ImageDocument) -> None:
    document.apply(PaintMask(2, block(20, 20, 5, 5)))
    assert document.instances[2].mask.is_empty
    assert document.instance_at(21, 21) == 1


def test_a_removed_instance_comes_back_in_its_place(document: ImageDocument) -> None:
    edit = RemoveInstance(document.instances[1])
    document.apply(edit)
    document.apply(edit.inverse())
    assert list(document.instances) == [1, 2]


def test_accepting_adds_an_instance_and_a_decision(document: ImageDocument) -> None:
    edit = AcceptSuggestion(SUGGESTION, instance(9, block(50, 50, 2, 2)))
    change = document.apply(edit)
    assert change == Change(frozenset({9}), (1, 2, 52, 52), decisions_changed=True)
    assert document.decisions == {SUGGESTION.key: Decision(SUGGESTION, Verdict.ACCEPTED)}
    document.apply(edit.inverse())
    assert document.decisions == {}
    assert list(document.instances) == [1, 2]


def test_rejecting_leaves_the_instances(document: ImageDocument) -> None:
    change = document.apply(RejectSuggestion(SUGGESTION))
    assert change.decisions_changed
    assert not change.instance_ids
    assert document.decisions[SUGGESTION.key].verdict is Verdict.REJECTED


def test_status_and_attributes(document: ImageDocument) -> None:
    assert document.apply(SetReviewStatus(TODO, DONE)) == Change(status_changed=True)
    assert document.status is DONE
    change = document.apply(SetAttributes(1, {}, {"seen": "twice"}))
    assert change == Change(frozenset({1}))
    assert document.instances[1].attributes == {"seen": "twice"}


@pytest.mark.parametrize(
    "edit",
    [
        AddInstance(instance(1, Mask.empty())),
        RemoveInstance(instance(7, Mask.empty())),
        RemoveInstance(instance(2, block(0, 0, 1, 1))),
        PaintMask(7, block(0, 0, 1, 1)),
        SetCategory(1, 4, 5),
        SetAttributes(1, {"a": 1}, {}),
        SetReviewStatus(DONE, TODO),
        RejectSuggestion(SUGGESTION, revoked=True),
        AcceptSuggestion(SUGGESTION, instance(2, Mask.empty())),
        AcceptSuggestion(SUGGESTION, instance(2, Mask.empty()), revoked=True),
        Batch((PaintMask(1, block(0, 0, 1, 1)), SetCategory(2, 1, 3), SetCategory(2, 1, 4)), "No"),
    ],
    ids=lambda edit: type(edit).__name__,
)
def test_an_edit_that_does_not_fit_changes_nothing(document: ImageDocument, edit: Edit) -> None:
    before = copy.deepcopy(document)
    with pytest.raises(EditError):
        document.apply(edit)
    assert document == before


def test_a_suggestion_is_decided_once(document: ImageDocument) -> None:
    document.apply(RejectSuggestion(SUGGESTION))
    with pytest.raises(EditError, match="already rejected"):
        document.apply(AcceptSuggestion(SUGGESTION, instance(3, SUGGESTION.mask)))
    assert 3 not in document.instances


def test_the_smallest_instance_at_a_pixel_wins_then_the_topmost(document: ImageDocument) -> None:
    assert document.instance_at(22, 22) == 2
    assert document.instance_at(12, 12) == 1
    assert document.instance_at(99, 79) is None
    document.apply(AddInstance(instance(3, block(21, 21, 5, 5))))
    assert document.instance_at(22, 22) == 3


def test_changes_merge() -> None:
    first = Change(frozenset({1}), (0, 5, 4, 9), status_changed=True)
    merged = first.merged(Change(frozenset({2}), (3, 1, 9, 6), decisions_changed=True))
    assert merged == Change(frozenset({1, 2}), (0, 1, 9, 9), True, True)
    assert first.merged(Change()) == first == Change().merged(first)
