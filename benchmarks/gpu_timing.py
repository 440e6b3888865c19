"""Timing work on a GPU: the clock stops when the device is done."""

import statistics
import sys
import time
from collections.abc import Callable

import torch

_ROUNDS = 9
_WARM_UP = 3


def has_gpu(what: str) -> bool:
    """Whether there is a CUDA device; if not, say that `what` is not measured."""
    if not torch.cuda.is_available():
        say(f"{what}: not measured, there is no CUDA device")
    return torch.cuda.is_available()


def alternated(*works: Callable[[], object], repeats: int = 1) -> list[float]:
    """Median milliseconds of each work; they take turns, so that all see the same machine.

    Args:
        works: what to time, warmed up here.
        repeats: how often each is started before the clock stops; the time of one is returned.
    """
    for work in works:
        for _ in range(_WARM_UP):
            work()
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(_ROUNDS):
        for own, work in zip(seconds, works, strict=True):
            torch.cuda.synchronize()
            start = time.perf_counter()
            for _ in range(repeats):
                work()
            torch.cuda.synchronize()
            own.append((time.perf_counter() - start) / repeats)
    return [statistics.median(own) * 1000 for own in seconds]


def say(text: str) -> None:
    """Print beside the rows."""
    print(text, file=sys.stderr, flush=True)


def check(what: str, good: object) -> None:
    """Say whether something holds; a benchmark goes on either way."""
    say(f"{'ok' if good else 'FAILED'}: {what}")
