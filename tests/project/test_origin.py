import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import (
    Decision,
    Instance,
    Provenance,
    Source,
    Suggestion,
    Verdict,
)
from mrcnn_gui.project.origin import origin_of


def square(left: int) -> Mask:
    return Mask.from_bitmap(np.ones((10, 10), bool), left, 0)


def test_the_suggestion_of_an_instance_is_found_again() -> None:
    suggestions = [
        Suggestion.of("object", score, square(left), version)
        for score, left, version in ((0.9, 0, "v1"), (0.9, 50, "v1"), (0.8, 52, "v1"))
    ]
    decisions = [Decision(it, Verdict.ACCEPTED) for it in suggestions]
    made = Instance(1, 1, square(53), Provenance(Source.MODEL, "v1", 0.9))
    assert origin_of(made, decisions) == suggestions[1]
    assert origin_of(made, [Decision(suggestions[1], Verdict.REJECTED)]) is None
    assert origin_of(Instance(1, 1, square(50), Provenance(Source.HUMAN)), decisions) is None
