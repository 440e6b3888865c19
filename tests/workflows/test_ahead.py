import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from mrcnn_gui.workflows.ahead import side_by_side, torch_threads, work_ahead


def nothing() -> None:
    pass


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_order(workers: int) -> None:
    assert list(work_ahead(range(20), lambda n: n * n, workers, begin=nothing)) == [
        n * n for n in range(20)
    ]


def test_several_are_worked_on_at_once() -> None:
    meeting = threading.Barrier(2, timeout=10)

    def meet(number: int) -> int:
        meeting.wait()
        return number

    assert list(work_ahead(range(4), meet, 2, begin=nothing)) == [0, 1, 2, 3]


def test_few_are_taken_before_their_turn() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with closing(work_ahead(items(), str, 2, begin=nothing)) as results:
        assert next(results) == "0"
    assert len(taken) == 4


def test_what_an_item_raises_is_raised_in_its_turn() -> None:
    results = work_ahead([1, 0, 2], lambda n: 1 // n, 2, begin=nothing)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_torch_gets_its_threads_back() -> None:
    import torch

    before = torch.get_num_threads()
    with torch_threads(before + 1) as begin:
        list(work_ahead([1], abs, 1, begin=begin))
    assert torch.get_num_threads() == before


def test_a_gpu_looks_at_one_image_while_another_is_read() -> None:
    assert side_by_side("cuda")[0] == 2
    workers, threads = side_by_side("cpu")
    assert 1 <= workers <= 4
    assert threads >= 1


def test_spare_cores_are_left_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, expected in ((1, (1, 1)), (2, (1, 1)), (3, (2, 1)), (9, (4, 2))):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False)
        assert side_by_side("cpu", 1) == expected
