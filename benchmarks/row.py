"""One measured figure."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """A figure, its unit, what it is compared with, and the bar it should meet.

    Attributes:
        name: Fixed by the issue that asks for the row.
        value: The measured figure, in `unit`.
        unit: "s", "ms", "MB", "0-1", ...
        peer: What `value` is compared with ("" for nothing).
        peer_value: The peer's figure in the same unit, measured in the same run.
        bar: What `value` should reach, or None where the figure is only reported.
        lower_is_better: True for times and sizes.
    """

    name: str
    value: float
    unit: str
    peer: str = ""
    peer_value: float | None = None
    bar: float | None = None
    lower_is_better: bool = True

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer; 1 means equal."""
        if self.peer_value is None or not self.value or not self.peer_value:
            return None
        better = self.peer_value / self.value
        return better if self.lower_is_better else 1 / better

    @property
    def met(self) -> bool | None:
        """Whether the bar is reached, or None where there is none."""
        if self.bar is None:
            return None
        return self.value <= self.bar if self.lower_is_better else self.value >= self.bar

    def to_json(self) -> str:
        """The row as one line of JSON."""
        fields = asdict(self)
        del fields["lower_is_better"]
        return json.dumps({**fields, "ratio": self.ratio, "met": self.met})

    def to_text(self) -> str:
        """The row as a person reads it."""
        bar = "" if self.bar is None else f"   bar {self.bar:g}: {'met' if self.met else 'MISSED'}"
        peer = (
            "" if self.ratio is None else f"   {self.peer} {self.peer_value:.4g}: {self.ratio:.2f}x"
        )
        return f"{self.name:34} {self.value:10.4g} {self.unit:4}{peer}{bar}"
