import pytest

from mrcnn_gui.ui.wording import duration, plural


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (8.4, "8 s"), (59, "59 s"), (61, "1 min"), (260, "4 min"), (4800, "1 h 20 min")],
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_plural() -> None:
    assert [plural(count, "image") for count in (0, 1, 2)] == ["0 images", "1 image", "2 images"]
