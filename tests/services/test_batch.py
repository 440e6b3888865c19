from collections.abc import Iterator

import pytest

from mrcnn_gui.services.batch import Batch
from mrcnn_gui.workflows.presegment import Presegmented


def ticking(*times: float) -> Iterator[float]:
    yield from times


def drained(batch: Batch) -> list[int]:
    order = []
    while batch.is_waiting:
        order.append(batch.next())
    return order


def test_a_prompt_goes_first_and_nothing_waits_twice() -> None:
    batch = Batch()
    batch.add([1, 2, 3], first=False)
    batch.add([3], first=True)
    batch.add([2, 4], first=False)
    batch.add([5], first=True)
    assert batch.total == 5
    assert drained(batch) == [5, 3, 1, 2, 4]


def test_speed_leaves_out_the_loading_of_the_model() -> None:
    clock = ticking(0.0, 10.0, 10.5, 11.0)
    batch = Batch(lambda: next(clock))
    batch.add([1, 2, 3, 4, 5], first=False)
    assert batch.seconds_left is None
    batch.count()
    assert batch.images_per_second == pytest.approx(0.1)
    batch.count()
    batch.count()
    last = Presegmented(3, "photo_3.png")
    progress = batch.progress(last)
    assert (progress.done, progress.total, progress.last) == (3, 5, last)
    assert progress.images_per_second == pytest.approx(2.0)
    assert progress.seconds_left == pytest.approx(1.0)


def test_summary_says_what_was_left_out() -> None:
    batch = Batch()
    batch.add([1, 2, 3], first=False)
    batch.count()
    batch.count(failed=True)
    assert batch.summary == "1 image pre-segmented, 1 could not be read."
    batch.next()
    batch.next()
    batch.drop_waiting()
    assert batch.summary == "Cancelled after 2 of 3 images, 1 could not be read."
