"""The images of the open project, as the lists show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.image_survey import Measured


@dataclass
class Tally:
    """How many images are done, and how many cannot be used."""

    done: int = 0
    unusable: int = 0

    def add(self, entries: Iterable[ImageEntry], sign: int = 1) -> None:
        """Count images in, or with -1 out."""
        for entry in entries:
            self.done += sign * (entry.status is ReviewStatus.DONE)
            self.unusable += sign * bool(entry.problem)


class ImageTable:
    """A copy in memory of what the store says about its images, in the project's order.

    Attributes:
        entries: The images.
        tally: How far they are; kept up to date, as counting takes long.
    """

    def __init__(self, entries: Iterable[ImageEntry] = ()) -> None:
        self.entries: list[ImageEntry] = []
        self.tally = Tally()
        self._rows: dict[int, int] = {}
        self.add(entries)

    def add(self, entries: Iterable[ImageEntry]) -> None:
        """Append images."""
        first = len(self.entries)
        self.entries.extend(entries)
        new = self.entries[first:]
        self.tally.add(new)
        self._rows.update((entry.id, row) for row, entry in enumerate(new, first))

    def row(self, image_id: int) -> int:
        """The place of an image; KeyError when there is none of this id."""
        return self._rows[image_id]

    def get(self, image_id: int) -> ImageEntry | None:
        """An image; None when there is none of this id."""
        row = self._rows.get(image_id)
        return self.entries[row] if row is not None else None

    def next_todo(self, image_id: int) -> ImageEntry | None:
        """The next image behind this one that is to do, beginning anew at the end."""
        row = self.row(image_id) + 1 if image_id else 0
        for entry in (*self.entries[row:], *self.entries[:row]):
            if entry.status is ReviewStatus.TODO and not entry.problem and entry.id != image_id:
                return entry
        return None

    def to_begin_with(self, image_id: int) -> ImageEntry | None:
        """This image, or else the first that is not done, or the first."""
        unfinished = (each for each in self.entries if each.status is not ReviewStatus.DONE)
        return self.get(image_id) or next(unfinished, next(iter(self.entries), None))

    def note(self, store: Store, batch: Sequence[Measured]) -> list[ImageEntry]:
        """Write down what reading files has told, in one transaction.

        A store that can only be read is left as it is: the table alone knows then.

        Returns:
            The entries that are others now.

        Raises:
            ProjectError: It could not be saved.
        """
        fresh = [measured for measured in batch if self._is_news(measured)]
        if not fresh:
            return []
        if store.read_only:
            entries = [self.entries[self.row(it.image_id)]._replace(**it.values()) for it in fresh]
        else:
            with store.transaction():
                entries = [store.update_image(it.image_id, **it.values()) for it in fresh]
        for entry in entries:
            self._replace(entry)
        return entries

    def refresh(self, store: Store, image_id: int) -> None:
        """Read an image once more."""
        self._replace(store.image(image_id))

    def _replace(self, entry: ImageEntry) -> None:
        row = self._rows[entry.id]
        self.tally.add([self.entries[row]], -1)
        self.tally.add([entry])
        self.entries[row] = entry

    def _is_news(self, measured: Measured) -> bool:
        entry = self.get(measured.image_id)
        return entry is not None and measured.adds_to(entry)
