"""What every flow is told while it runs, and how it hears that it shall end."""

from collections.abc import Callable
from typing import TypeAlias

Count: TypeAlias = Callable[[int, int], None]
"""Called with how many are done, and how many there are."""

ShouldStop: TypeAlias = Callable[[], bool]
"""Asked between two images."""


def ignore_count(done: int, total: int) -> None:
    """Report to nobody."""


def never_stop() -> bool:
    """Nobody stops the flow."""
    return False
