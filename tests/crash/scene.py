"""What a process that is going to be killed does, and how its traces are judged."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeAlias

Tell: TypeAlias = Callable[[str], None]

END = "end"
"""Told when all is done."""


class Scene(Protocol):
    """Something that a process does to a project until it is killed.

    Attributes:
        endless: Whether it goes on until it is killed, or tells END.
    """

    endless: bool

    def prepare(self, folder: Path) -> None:
        """Make what it begins with: a project in the folder, and files beside its database."""

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Do it, in the process that is killed; what is told is acknowledged."""

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """What was lost or is half done after the kill; `template` is what it began with."""


def outcomes(steps: Iterator[None], state: Callable[[], Any], acknowledged: int) -> list[Any]:
    """The states after the acknowledged steps, and after one more that nobody heard of."""
    for _ in range(acknowledged):
        next(steps)
    states = [state()]
    next(steps)
    return [*states, state()]
