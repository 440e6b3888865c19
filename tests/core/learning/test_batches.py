import math
import multiprocessing
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.learning.batches import BatchKey, epoch_batches, make_batch, prefetched
from core.learning.config import TrainConfig
from core.learning.dataset import CocoDetectionDataset
from tests.core.learning.scenes import write_scenes


def test_every_image_is_in_exactly_one_batch() -> None:
    batches = epoch_batches([True] * 7 + [False] * 6, 4, (0, 0))
    assert sorted(i for batch in batches for i in batch) == list(range(13))
    assert sorted(map(len, batches)) == [1, 4, 4, 4]


def test_at_most_one_batch_mixes_orientations() -> None:
    landscape = [i % 3 == 0 for i in range(50)]
    batches = epoch_batches(landscape, 4, (0, 0))
    assert sum(len({landscape[i] for i in batch}) > 1 for batch in batches) <= 1


def test_order_repeats_with_the_seed_and_differs_between_epochs() -> None:
    first = epoch_batches([True] * 20, 4, (5, 0))
    assert epoch_batches([True] * 20, 4, (5, 0)) == first
    assert epoch_batches([True] * 20, 4, (5, 1)) != first
    assert epoch_batches([True] * 20, 4, (6, 0)) != first


def test_values_come_in_order_and_one_is_made_ahead() -> None:
    made: list[int] = []
    ahead = threading.Event()

    def make(key: int) -> int:
        made.append(key)
        if key == 2:
            ahead.set()
        return key * 10

    with prefetched(make, [1, 2, 3]) as values:
        assert next(values) == 10
        assert ahead.wait(10)  # 2 is made although nobody has asked for it yet
        assert 3 not in made
        assert list(values) == [20, 30]


def test_a_batch_has_one_random_scale_and_its_views_are_changed_as_asked(tmp_path: Path) -> None:
    scenes = write_scenes(tmp_path, 6)
    data = CocoDetectionDataset(scenes, tmp_path)
    run = TrainConfig(scenes, tmp_path, tmp_path, scale_jitter=(0.5, 2.0), crop=0.0)

    def views(run: TrainConfig) -> list[tuple[set[tuple[int, ...]], int]]:
        """Of every batch, the sizes of its images and the number of instances."""
        made = [make_batch(data, run, BatchKey((0, 1, 2), step, 96)) for step in range(8)]
        return [
            (
                {tuple(image.shape[1:]) for image in it.images},
                sum(len(t["masks"]) for t in it.targets),
            )
            for it in made
        ]

    plain = views(run)
    sides = [max(max(size) for size in sizes) for sizes, _ in plain]
    assert all(len(sizes) == 1 and count == 3 for sizes, count in plain)
    assert min(sides) < 80
    assert max(sides) > 120
    assert views(run) == plain
    assert any(len(sizes) > 1 for sizes, _ in views(replace(run, crop=1.0)))
    assert max(count for _, count in views(replace(run, copy_paste=1.0))) > 3


def test_no_keys_give_no_values() -> None:
    with prefetched(str, []) as values:
        assert list(values) == []


def test_an_error_is_raised_where_its_value_is_asked_for() -> None:
    def make(key: int) -> int:
        return 1 // key

    with prefetched(make, [1, 0]) as values:
        assert next(values) == 1
        with pytest.raises(ZeroDivisionError):
            next(values)


def test_the_thread_has_ended_after_leaving_early() -> None:
    before = threading.active_count()
    with prefetched(str, list(range(100))) as values:
        assert next(values) == "0"
    assert threading.active_count() == before


def test_processes_give_the_values_in_order_and_end_when_left() -> None:
    before = multiprocessing.active_children()
    with prefetched(math.factorial, iter(range(1000)), processes=2) as values:
        assert [next(values) for _ in range(5)] == [1, 1, 2, 6, 24]
    assert multiprocessing.active_children() == before


def test_an_error_in_a_process_is_raised_where_its_value_is_asked_for() -> None:
    with prefetched(math.factorial, [3, -1], processes=2) as values:
        assert next(values) == 6
        with pytest.raises(ValueError, match="negative"):
            next(values)
