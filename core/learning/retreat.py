"""The way back from a step whose loss was not finite: earlier weights, and a lower rate."""

import copy
from collections.abc import Callable
from typing import Any

_EVERY = 25  # steps between two states that are remembered
_LOWEST = 1 / 64  # of the learning rate

State = dict[str, Any]


class Retreat:
    """Remembers a good state of a learner now and then.

    Attributes:
        factor: Of the learning rate; halved by every retreat.
    """

    def __init__(self, state: Callable[[], State], restore: Callable[[State], None]) -> None:
        """Remember the state of now.

        Args:
            state: The learner's weights and all that belongs to them; tensors in use.
            restore: Its inverse.
        """
        self._state, self._restore = state, restore
        self.factor = 1.0
        self.remember(0)

    def follow(self, step: int) -> None:
        """Take note of a good step."""
        if step >= self._step + _EVERY:
            self.remember(step)

    def remember(self, step: int) -> None:
        """Keep a copy of the state of now, which is that before `step`."""
        self._step, self._good = step, copy.deepcopy(self._state())

    def go_back(self, step: int) -> str:
        """Put the remembered state in force and lower the rate; say so."""
        self._restore(copy.deepcopy(self._good))  # an optimizer goes on in what it is given
        self.factor = max(self.factor / 2, _LOWEST)
        return (
            f"Step {step + 1}: the loss was not finite. Went back to the weights before step "
            f"{self._step + 1}, and on with 1/{round(1 / self.factor)} of the learning rate."
        )
