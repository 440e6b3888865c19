"""Work on some of many things at once, and take the results in order."""

import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_MOST_WORKERS = 4  # each holds the features of an image


def work_ahead(
    items: Iterable[T], work: Callable[[T], R], workers: int, *, begin: Callable[[], None]
) -> Generator[R, None, None]:
    """Yield what `work` makes of each item, in order; close the iterator to leave out the rest.

    Args:
        items: Taken on the caller's thread, one more than there are workers ahead of the results.
        work: Called on the workers' threads; what it raises is raised here.
        workers: How many work at once; 0: all is done on the caller's thread.
        begin: Called once on every worker's thread.
    """
    if workers == 0:
        yield from map(work, items)
        return
    rest = iter(items)
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(workers, "ahead", begin) as pool:
        try:
            waiting.extend(pool.submit(work, item) for item in islice(rest, workers + 1))
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(rest, 1))
                yield result
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def torch_threads(count: int) -> Iterator[Callable[[], None]]:
    """Give what lets a worker's torch use `count` threads; the caller's own number is kept.

    The number belongs to the process and to each thread, so it is put back at the end.
    """
    if "torch" not in sys.modules:  # a stand-in for the model: nothing to divide
        yield lambda: None
        return
    import torch

    before = torch.get_num_threads()
    try:
        yield partial(torch.set_num_threads, count)
    finally:
        torch.set_num_threads(before)


def side_by_side(device: str, spare_cores: int = 0) -> tuple[int, int]:
    """Return how many images to work on at once, and with how many of torch's threads each.

    On a processor that takes all cores but the spare ones, at least one.

    Two images on one core each are done sooner than one after the other on two: much of the work
    around the network (reading, choosing boxes, masks) uses one core.
    """
    if device != "cpu":
        return 2, 1  # one is read while the GPU looks at the other
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    free = max(1, (cores or 1) - spare_cores)
    workers = min(_MOST_WORKERS, free)
    return workers, max(1, free // workers)
