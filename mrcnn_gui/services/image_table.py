"""The images of the open project, as the lists show them."""

from collections.abc import Iterable, Sequence

from mrcnn_gui.project.annotation import ImageEntry
from mrcnn_gui.project.document import Change, ImageDocument
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.image_survey import Measured


class ImageTable:
    """A copy in memory of what the store says about its images, in the project's order.

    Attributes:
        entries: The images.
        counts: Number of instances by image id; images without one may be missing.
    """

    def __init__(
        self, entries: Iterable[ImageEntry] = (), counts: dict[int, int] | None = None
    ) -> None:
        self.entries: list[ImageEntry] = []
        self.counts = counts or {}
        self._rows: dict[int, int] = {}
        self.add(entries)

    def add(self, entries: Iterable[ImageEntry]) -> None:
        """Append images."""
        for entry in entries:
            self._rows[entry.id] = len(self.entries)
            self.entries.append(entry)

    def row(self, image_id: int) -> int:
        """The place of an image; KeyError when there is none of this id."""
        return self._rows[image_id]

    def get(self, image_id: int) -> ImageEntry | None:
        """An image; None when there is none of this id."""
        row = self._rows.get(image_id)
        return self.entries[row] if row is not None else None

    def note(self, store: Store, batch: Sequence[Measured]) -> list[ImageEntry]:
        """Write down what reading files has told, in one transaction.

        Returns:
            The entries that are others now.

        Raises:
            ProjectError: It could not be saved.
        """
        fresh = [measured for measured in batch if self._is_news(measured)]
        if not fresh:
            return []
        with store.transaction():
            entries = [
                store.update_image(
                    measured.image_id,
                    width=measured.width,
                    height=measured.height,
                    content_hash=measured.content_hash,
                    problem=measured.problem,
                )
                for measured in fresh
            ]
        for entry in entries:
            self._replace(entry)
        return entries

    def follow(self, store: Store, document: ImageDocument, change: Change) -> bool:
        """Take over status and number of instances of a document; True when one is another."""
        image_id, count = document.image_id, len(document.instances)
        if change.status_changed:
            self._replace(store.image(image_id))
        same_count = count == self.counts.get(image_id, 0)
        self.counts[image_id] = count
        return change.status_changed or not same_count

    def _replace(self, entry: ImageEntry) -> None:
        self.entries[self._rows[entry.id]] = entry

    def _is_news(self, measured: Measured) -> bool:
        entry = self.get(measured.image_id)
        return entry is not None and measured.adds_to(entry)
