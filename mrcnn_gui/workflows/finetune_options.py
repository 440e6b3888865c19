"""What a person may choose of a fine-tune, and which run it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class FinetuneOptions:
    """What a person may choose.

    Attributes:
        epochs: Passes over the training images; None: more of them the fewer images there are.
        seed: Of everything that is drawn.
        device: "auto", "cpu" or "cuda".
        settings: Further settings of the training, by their names in `TrainConfig`, as JSON
            values; they go before everything else.
    """

    epochs: int | None = None
    seed: int = 0
    device: str = "auto"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class RunOrder:
    """A run to begin, or, where its folder holds a beginning, to go on with."""

    run_id: str
    options: FinetuneOptions
