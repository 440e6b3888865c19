"""What an import took, mended and refused, record by record."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from core.files import atomic_path

KEPT_LINES = 1000  # of the lines a report holds; all are counted


class Fate(StrEnum):
    """What became of a record that is worth a line; all others were taken as they are."""

    NOTED = "noted"  # taken as it is, though it contradicts itself
    MENDED = "mended"
    DUPLICATE = "duplicate"  # in the project already
    REFUSED = "refused"


@dataclass(frozen=True)
class ReportLine:
    """A record of the file, what became of it, and why."""

    record: str
    fate: Fate
    why: str

    def __str__(self) -> str:
        """For people."""
        verb = "" if self.fate is Fate.REFUSED else f" ({self.fate})"
        return f"{self.record}: {self.why}{verb}"


OnLine: TypeAlias = Callable[[ReportLine], None]


@dataclass(frozen=True, kw_only=True)
class Fates:
    """What became of the records of a file.

    Attributes:
        lines: The first of the records that were not simply taken.
        totals: How many records had each fate.
        cancelled: Whether the import was stopped; all is then as it was before.
    """

    lines: tuple[ReportLine, ...] = ()
    totals: dict[Fate, int] = field(default_factory=dict)
    cancelled: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """The lines as sentences; duplicates in one, as a file imported again has thousands."""
        return _sentences(self.lines, self.totals)


@dataclass(frozen=True)
class ImportReport(Fates):
    """What an import brought.

    Attributes:
        images: Images of the file that are in the project now.
        instances: Instances that were added.
        categories: Categories that were added.
    """

    images: int
    instances: int
    categories: int


def _sentences(lines: Iterable[ReportLine], totals: Mapping[Fate, int]) -> tuple[str, ...]:
    """The lines of a report for people; duplicates in one, and how many there are beyond them."""
    told = [str(line) for line in lines if line.fate is not Fate.DUPLICATE]
    duplicates = totals.get(Fate.DUPLICATE, 0)
    if duplicates == 1:
        told.append("1 annotation is in the project already")
    elif duplicates:
        told.append(f"{duplicates:,} annotations are in the project already")
    untold = sum(totals.values()) - duplicates - (len(told) - bool(duplicates))
    return (*told, f"and {untold:,} more") if untold > 0 else tuple(told)


class Reporter:
    """Collects the lines of one import."""

    def __init__(self, on_line: OnLine | None = None) -> None:
        self.lines: list[ReportLine] = []
        self.totals: Counter[Fate] = Counter()
        self._on_line = on_line

    def tell(self, record: str, fate: Fate, why: str) -> None:
        """Add a line."""
        line = ReportLine(record, fate, why)
        self.totals[fate] += 1
        if len(self.lines) < KEPT_LINES:
            self.lines.append(line)
        if self._on_line is not None:
            self._on_line(line)

    def refuse(self, record: str, why: str) -> None:
        """The record was left out."""
        self.tell(record, Fate.REFUSED, why)

    def mend(self, record: str, why: str) -> None:
        """The record was taken after a change."""
        self.tell(record, Fate.MENDED, why)


@contextmanager
def written_lines(path: Path | None) -> Iterator[OnLine | None]:
    """A function that writes the lines it gets to a CSV file, which appears when all went well.

    Raises:
        OSError: The file cannot be written.
    """
    if path is None:
        yield None
        return
    with (
        atomic_path(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(("record", "fate", "why"))

        def write(line: ReportLine) -> None:
            writer.writerow((line.record, line.fate, line.why))

        yield write
