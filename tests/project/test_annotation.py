"""The key of a suggestion follows its content."""

import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import Suggestion


def test_the_same_detection_has_the_same_key() -> None:
    mask = Mask.from_bitmap(np.ones((3, 4)), 5, 6)
    key = Suggestion.of("cat", 0.5, mask, "v1").key
    assert key == Suggestion.of("cat", 0.7, mask, "v1").key
    others = [("dog", mask, "v1"), ("cat", mask.shift(1, 0), "v1"), ("cat", mask, "v2")]
    assert key not in {Suggestion.of(name, 0.5, m, version).key for name, m, version in others}
    assert len(key) == 16
