"""What an export is asked for, and what it tells afterwards."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class MaskForm(StrEnum):
    """How masks are written down; imported polygons that nobody changed always stay as they came.

    All are exact but SIMPLIFIED, whose cost the report tells.
    """

    AS_IS = "as-is"
    """Imported ones as they came; others as a polygon along the pixels, as an RLE where they have
    holes or several parts."""
    RLE = "rle"
    """Run lengths, all."""
    POLYGONS = "polygons"
    """One polygon for each part along its pixels; an RLE where there are holes, and for crowds."""
    SIMPLIFIED = "simplified"
    """As POLYGONS, with fewer corners."""
    KEYHOLE = "keyhole"
    """Polygons only, holes joined to their outline: for readers that know no RLE."""


class Split(StrEnum):
    """How images are shared out to several files."""

    NONE = "none"
    """One file."""
    SIDES = "sides"
    """By what the project uses each image for: OUT_train, OUT_val, OUT_test, and OUT_undecided."""
    FOLDER = "folder"
    """One for each folder beside the first images; images outside folders go to OUT itself."""
    GROUPS = "groups"
    """OUT_train and OUT_val, so that no group of images is in both."""


@dataclass(frozen=True)
class ExportOptions:
    """How to export.

    Attributes:
        all_images: All images, not only those that are done.
        masks: How masks are written down.
        tolerance: Of simplified polygons, in pixels: no corner that is left out lies farther off.
        split: How images are shared out to several files.
    """

    all_images: bool = False
    masks: MaskForm = MaskForm.AS_IS
    tolerance: float = 1.0
    split: Split = Split.NONE

    def __post_init__(self) -> None:
        if not 0 < self.tolerance <= 100:
            raise ValueError(
                f"expected a tolerance above 0, up to 100 pixels, got {self.tolerance}"
            )


@dataclass(frozen=True)
class Simplification:
    """What simplified polygons cost.

    Attributes:
        masks: How many masks were simplified.
        mean_iou: Mean IoU of the simplified masks with the exact ones.
        worst_iou: The lowest of them.
        worst: Which it is, in words.
    """

    masks: int
    mean_iou: float
    worst_iou: float
    worst: str

    def __str__(self) -> str:
        return (
            f"{self.masks:,} masks simplified: mean IoU with the exact ones {self.mean_iou:.4f}, "
            f"worst {self.worst_iou:.4f} ({self.worst})"
        )


@dataclass(frozen=True)
class WrittenFile:
    """One file of an export, with the number of its images and annotations."""

    path: Path
    images: int
    instances: int


@dataclass(frozen=True)
class ExportReport:
    """What an export wrote.

    Attributes:
        path: The file that was asked for; with a split, what the files' names are made from.
        files: What was written; with a split, several.
        problems: One line for everything that was left out or written in another way.
        simplification: What simplified polygons cost; None where none was simplified.
        cancelled: Whether it was stopped; the files are then as they were before.
    """

    path: Path
    files: tuple[WrittenFile, ...] = ()
    problems: tuple[str, ...] = ()
    simplification: Simplification | None = None
    cancelled: bool = False

    @property
    def images(self) -> int:
        """Images in all files."""
        return sum(file.images for file in self.files)

    @property
    def instances(self) -> int:
        """Annotations in all files."""
        return sum(file.instances for file in self.files)
