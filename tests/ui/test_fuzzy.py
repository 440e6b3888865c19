import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrcnn_gui.ui.fuzzy import fuzzy_score


@pytest.mark.parametrize(
    ("wanted", "better", "worse"),
    [
        ("br", "Brush", "Smaller brush"),
        ("sb", "Smaller brush", "Subtract"),
        ("fit", "Fit image", "First item"),
        ("done", "Image is done", "Do no edit"),
    ],
)
def test_starts_of_words_and_runs_of_letters_count_more(
    wanted: str, better: str, worse: str
) -> None:
    first, second = fuzzy_score(wanted, better), fuzzy_score(wanted, worse)
    assert first is not None
    assert second is None or first > second


@given(st.text("abc ", max_size=6), st.text("abc", max_size=9))
def test_it_fits_where_the_letters_come_in_order(wanted: str, text: str) -> None:
    rest = iter(text)
    in_order = all(letter in rest for letter in wanted.replace(" ", ""))
    assert (fuzzy_score(wanted, text) is not None) == in_order
