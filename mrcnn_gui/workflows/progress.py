"""What every flow is told while it runs, and how it hears that it shall end."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Count: TypeAlias = Callable[[int, int], None]
"""Called with how many are done, and how many there are."""

ShouldStop: TypeAlias = Callable[[], bool]
"""Asked between two images, or two parts of one."""


def ignore_count(done: int, total: int) -> None:
    """Report to nobody."""


def never_stop() -> bool:
    """Nobody stops the flow."""
    return False


class StoppedError(Exception):
    """Somebody stopped the flow: leaves its transaction, and never the flow."""


def stoppable(values: Iterable[T], should_stop: ShouldStop, every: int) -> Iterator[T]:
    """Yield values, and ask before each so-manieth, the first included, whether to stop.

    Raises:
        StoppedError: It shall stop.
    """
    for place, value in enumerate(values):
        if place % every == 0 and should_stop():
            raise StoppedError
        yield value
