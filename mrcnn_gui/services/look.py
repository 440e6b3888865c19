"""How the person wants to see image and masks: values, none of which changes any data."""

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from mrcnn_gui.project.annotation import Instance, Source

Table: TypeAlias = NDArray[np.uint8]

WHITE = 255
NARROWEST = 0.001  # between black and white
MIN_GAMMA, MAX_GAMMA = 0.2, 5.0


class MaskForm(StrEnum):
    """What is drawn of a mask."""

    BOTH = "both"
    FILL = "fill"
    OUTLINE = "outline"


class ColorBy(StrEnum):
    """What the colour of a mask tells."""

    CATEGORY = "category"
    INSTANCE = "instance"
    SOURCE = "source"


@dataclass(frozen=True)
class Look:
    """How masks look.

    Attributes:
        opacity: Of the insides, 0..1.
        form: What is drawn.
        color_by: What the colours tell.
    """

    opacity: float = 0.35
    form: MaskForm = MaskForm.BOTH
    color_by: ColorBy = ColorBy.CATEGORY

    def in_range(self) -> "Look":
        """The same with an opacity that there is."""
        return replace(self, opacity=min(max(self.opacity, 0.0), 1.0))


@dataclass(frozen=True)
class Tone:
    """How the pixels of the image look.

    Attributes:
        brightness: Added to every value, -1..1 of the whole range.
        contrast: Around the middle, -1 (all grey) .. 1 (black and white); 0 changes nothing.
        gamma: Above 1 the dark parts become lighter.
        black: What is shown black, before all else, as a share of the image's range of values.
        white: What is shown white, above `black`, up to 1.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 1.0
    black: float = 0.0
    white: float = 1.0

    def in_range(self) -> "Tone":
        """The same with values that there are."""
        black = min(max(self.black, 0.0), 1.0 - NARROWEST)
        return Tone(
            min(max(self.brightness, -1.0), 1.0),
            min(max(self.contrast, -1.0), 1.0),
            min(max(self.gamma, MIN_GAMMA), MAX_GAMMA),
            black,
            min(max(self.white, black + NARROWEST), 1.0),
        )

    def table(self, depth: int = WHITE + 1) -> Table | None:
        """What each of so many values is shown as, uint8 [depth]; None when that is itself."""
        if self == Tone():
            return None
        values = np.arange(depth) / (depth - 1)
        values = (values - self.black) / max(self.white - self.black, NARROWEST)
        values = values.clip(0, 1) ** (1 / self.gamma)
        slope = np.tan((self.contrast + 1) * np.pi / 4)
        values = (values - 0.5) * slope + 0.5 + self.brightness
        table: Table = np.rint(values.clip(0, 1) * WHITE).astype(np.uint8)
        return table


@dataclass(frozen=True)
class Guides:
    """What is drawn over image and masks, for the eye."""

    pixel_grid: bool = True
    crosshair: bool = False
    minimap: bool = False

    def in_range(self) -> "Guides":
        """The same: all values are possible."""
        return self


@dataclass(frozen=True)
class InstanceFilter:
    """Which instances are seen; what is not named here is.

    Attributes:
        categories: Ids of the categories that are not seen.
        sources: Those that are not seen.
        min_score: What a model made with a lower score is not seen.
    """

    categories: frozenset[int] = frozenset()
    sources: frozenset[Source] = frozenset()
    min_score: float = 0.0

    @property
    def is_active(self) -> bool:
        """Whether anything may be left out."""
        return self != InstanceFilter()

    def passes(self, instance: Instance) -> bool:
        """Whether an instance is seen."""
        score = instance.provenance.score
        return (
            instance.category_id not in self.categories
            and instance.provenance.source not in self.sources
            and (score is None or score >= self.min_score)
        )

    def toggled(self, item: int | Source) -> "InstanceFilter":
        """With a category or a source seen that was not, or the other way round."""
        if isinstance(item, Source):
            return replace(self, sources=self.sources ^ {item})
        return replace(self, categories=self.categories ^ {item})


Kept: TypeAlias = Look | Tone | Guides
T = TypeVar("T", Look, Tone, Guides)


def as_record(value: Kept) -> dict[str, Any]:
    """The value as JSON has it."""
    return asdict(value)


def from_record(default: T, record: object) -> T:
    """Inverse of `as_record`: a value of the default's kind.

    What is missing, or of another type or out of range, is as in the default.
    """
    if not isinstance(record, dict):
        return default
    fitting = {
        name: type(standard)(record[name])
        for name, standard in asdict(default).items()
        if name in record and _fits(record[name], standard)
    }
    return replace(default, **fitting).in_range()


def _fits(value: object, standard: object) -> bool:
    if isinstance(standard, bool | int):
        return type(value) is type(standard)
    if isinstance(standard, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return value in list(type(standard))  # type: ignore[call-overload]
