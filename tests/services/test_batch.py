from collections.abc import Iterator

import pytest

from mrcnn_gui.services.batch import Batch
from mrcnn_gui.workflows.presegment import Presegmented


def ticking(*times: float) -> Iterator[float]:
    yield from times


def never() -> bool:
    return False


def test_nothing_waits_twice_and_what_goes_alone_does_not_wait() -> None:
    batch = Batch()
    batch.add([1, 2, 3])
    batch.add([2, 4])
    assert batch.total == 4
    batch.add_alone(3)
    assert batch.total == 4
    batch.add_alone(5)
    assert batch.total == 5
    assert list(batch.take(never)) == [1, 2, 4]


def test_what_comes_while_images_are_taken_is_taken_too() -> None:
    batch = Batch()
    batch.add([1, 2])
    taken = batch.take(never)
    assert next(taken) == 1
    batch.add([3])
    assert list(taken) == [2, 3]


def test_taking_ends_when_it_is_over_and_the_rest_still_waits() -> None:
    batch = Batch()
    batch.add([1, 2, 3])
    answers = iter([False, True])
    assert list(batch.take(lambda: next(answers))) == [1]
    assert batch.is_waiting
    assert list(batch.take(never)) == [2, 3]


def test_speed_leaves_out_the_loading_of_the_model() -> None:
    clock = ticking(0.0, 10.0, 10.5, 11.0)
    batch = Batch(lambda: next(clock))
    batch.add([1, 2, 3, 4, 5])
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
    batch.add([1, 2])
    batch.count()
    batch.count(failed=True)
    assert batch.summary == "1 image pre-segmented, 1 could not be read."
    batch.add([3])
    taken = batch.take(never)
    assert [next(taken), next(taken)] == [1, 2]
    batch.drop_waiting()
    assert batch.summary == "Cancelled after 2 of 3 images, 1 could not be read."


def test_summary_counts_an_image_that_was_begun_and_not_finished_as_left_out() -> None:
    batch = Batch()
    batch.add([1, 2])
    assert list(batch.take(never)) == [1, 2]
    batch.count()
    batch.drop_waiting()
    assert batch.summary == "Cancelled after 1 of 2 images."
