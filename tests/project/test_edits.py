"""Edits are written down exactly, and their inverses undo them."""

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.edits import SetReviewStatus, decode_edit, encode_edit
from tests.project.strategies import edit_sequences, empty_document


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_every_edit_survives_encoding(data: st.DataObject) -> None:
    for edit in data.draw(edit_sequences(empty_document())):
        again = decode_edit(encode_edit(edit))
        assert again == edit
        assert type(again) is type(edit)
        assert encode_edit(again) == encode_edit(edit)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_undoing_all_gives_the_document_before(data: st.DataObject) -> None:
    document = empty_document()
    states = []
    sequence = data.draw(edit_sequences(empty_document()))
    for edit in sequence:
        states.append(copy.deepcopy(document))
        document.apply(edit)
    for edit, state in zip(reversed(sequence), reversed(states), strict=True):
        document.apply(edit.inverse())
        assert document == state
        assert list(document.instances) == sorted(document.instances)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_the_inverse_of_the_inverse_is_the_edit(data: st.DataObject) -> None:
    for edit in data.draw(edit_sequences(empty_document())):
        assert edit.inverse().inverse() == edit


def test_decoding_keeps_the_enum() -> None:
    edit = SetReviewStatus(ReviewStatus.TODO, ReviewStatus.DONE)
    again = decode_edit(encode_edit(edit))
    assert isinstance(again, SetReviewStatus)
    assert again.after is ReviewStatus.DONE
    assert again.title == "Mark as done"


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"kind":"sing"}', '{"kind":"paint_mask"}', '{"kind":"batch"']
)
def test_what_is_no_edit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an edit"):
        decode_edit(text)
