"""A project as COCO files: written record by record, read again, and only then put in place."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from core.files import atomic_path, remove_abandoned
from core.formats.coco_fields import canonical
from core.formats.coco_verification import ExpectedDataset, verify_coco
from core.formats.coco_writing import write_dataset
from core.images import ImageReadError, read_info
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.export_annotations import AnnotationWriter, ExportedImage
from mrcnn_gui.workflows.export_options import ExportOptions, ExportReport, WrittenFile
from mrcnn_gui.workflows.export_records import (
    FileNames,
    category_texts,
    image_record,
    other_keys,
)
from mrcnn_gui.workflows.export_split import split_entries
from mrcnn_gui.workflows.progress import Count, ShouldStop, ignore_count, never_stop


def export_coco(
    folder: Path,
    out: Path,
    options: ExportOptions | None = None,
    *,
    on_progress: Count = ignore_count,
    should_stop: ShouldStop = never_stop,
) -> ExportReport:
    """Write the annotations of done images, or of all, as COCO files.

    Imported records that nobody changed are written as they came, unknown fields included, unless
    the form of masks asks for another segmentation. Changed ones keep the fields that do not
    follow from the mask. Ids are the project's, annotations are ordered by image and id, and the
    same project gives the same bytes. Suggestions are not exported, nor are instances from which
    all pixels were taken.

    Every file is written beside the old one, read again and every mask compared; only when all of
    them say what they should do they take the old ones' place.

    Args:
        folder: The project folder.
        out: The file; with a split, what the names of the files are made from.
        options: How to export.
        on_progress: Called with the images that are written, and how many there are.
        should_stop: Asked between two images.

    Raises:
        ProjectError: The project cannot be read, or a file cannot be written.
        CocoError: What was written does not read back as it should; the old files stay.
    """
    options = options or ExportOptions()
    with Store.open(folder, read_only=True) as store, store.frozen():
        export = _Export(store, out, options, on_progress, should_stop)
        try:
            files = export.write()
        except _StoppedError:
            return ExportReport(out, cancelled=True)
        except OSError as error:
            raise ProjectError(f"cannot write {out}: {error.strerror or error}") from error
    return ExportReport(out, files, export.problems(), export.annotations.simplification)


class _StoppedError(Exception):
    """Leaves the unfinished files behind, which are then removed."""


class _Export:
    """One export under way."""

    def __init__(
        self,
        store: Store,
        out: Path,
        options: ExportOptions,
        on_progress: Count,
        should_stop: ShouldStop,
    ) -> None:
        entries = store.images()
        self.annotations = AnnotationWriter(options)
        self._problems: list[str] = []
        self._store, self._names = store, FileNames(store, entries)
        self._rest = other_keys(store, self._problems)
        chosen = [e for e in entries if options.all_images or e.status is ReviewStatus.DONE]
        self._parts = split_entries(out, options.split, chosen, self._names)
        self._entries, self._total, self._done = len(entries), len(chosen), 0
        self._on_progress, self._should_stop = on_progress, should_stop

    def write(self) -> tuple[WrittenFile, ...]:
        """Write all files, verify them, and put them in place."""
        written = []
        for folder in {path.resolve().parent for path in self._parts}:
            remove_abandoned(folder)
        with ExitStack() as stack:
            for path, entries in self._parts.items():
                temporary = stack.enter_context(atomic_path(path))
                expected = ExpectedDataset()
                self._write_file(temporary, entries, expected)
                verify_coco(temporary, expected)
                written.append(WrittenFile(path, len(expected.images), len(expected.ids)))
        return tuple(written)

    def problems(self) -> tuple[str, ...]:
        """All that was left out or written in another way."""
        empty = self.annotations.empty
        words = "instance without a pixel was" if empty == 1 else "instances without a pixel were"
        told = (f"{empty:,} {words} left out",) if empty else ()
        if not self._total and self._entries:
            told = (*told, f"none of the {self._entries:,} images is done: there is none to export")
        return (*self._problems, *self.annotations.problems, *told)

    def _write_file(
        self, path: Path, entries: Sequence[ImageEntry], expected: ExpectedDataset
    ) -> None:
        lists = {
            "categories": category_texts(self._store),
            "images": self._image_texts(entries, expected),
            "annotations": self._annotation_texts(entries, expected),
        }
        write_dataset(path, self._rest, lists)

    def _image_texts(
        self, entries: Sequence[ImageEntry], expected: ExpectedDataset
    ) -> Iterator[str]:
        for entry in entries:
            record = self._image_record(entry)
            if record is not None:
                expected.images[entry.export_id] = record["height"], record["width"]
                yield canonical(record, record["file_name"])

    def _annotation_texts(
        self, entries: Sequence[ImageEntry], expected: ExpectedDataset
    ) -> Iterator[str]:
        for entry in entries:
            if self._should_stop():
                raise _StoppedError
            size = expected.images.get(entry.export_id)
            if size is not None:
                image = ExportedImage(entry.export_id, self._names(entry), *size)
                for row in self._store.export_rows.of_image(entry.id):
                    text = self.annotations.text(row, image, expected)
                    if text is not None:
                        yield text
            self._done += 1
            self._on_progress(self._done, self._total)

    def _image_record(self, entry: ImageEntry) -> dict[str, Any] | None:
        try:
            name = self._names(entry)
            name.encode()
            size = self._size(entry)
        except ImageReadError as error:
            self._problems.append(f"{error}: left out, its size is not known")
        except UnicodeEncodeError:
            self._problems.append(f"{entry.path!a}: its name is not valid UTF-8: rename it")
        else:
            return image_record(self._store, entry, name, size)
        return None

    def _size(self, entry: ImageEntry) -> tuple[int, int]:
        if entry.width and entry.height:
            return entry.width, entry.height
        info = read_info(self._store.image_path(entry))
        return info.width, info.height
