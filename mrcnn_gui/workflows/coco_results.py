"""Pending suggestions as COCO results: what the model found and nobody has decided about."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from core.files import atomic_path, remove_abandoned
from core.formats.coco_fields import canonical
from core.masks import encode_rle
from mrcnn_gui.project.annotation import ImageEntry, Suggestion
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore, visible
from mrcnn_gui.workflows.accept import category_for
from mrcnn_gui.workflows.known_names import NamesNow
from mrcnn_gui.workflows.progress import Count, ignore_count


@dataclass
class ResultsReport:
    """What was written.

    Attributes:
        path: The file.
        results: How many suggestions it holds.
        images: On how many images.
        unnamed: Suggestions left out, by what the model calls them: no such category.
    """

    path: Path
    results: int = 0
    images: int = 0
    unnamed: dict[str, int] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """One line for each name that the project does not have."""
        return tuple(
            f"{count:,} suggestion{'s' * (count > 1)} left out: "
            f"the project has no category {name!r}"
            for name, count in sorted(self.unnamed.items())
        )


def export_results(
    folder: Path,
    out: Path,
    min_score: float,
    category: str | None = None,
    *,
    on_progress: Count = ignore_count,
) -> ResultsReport:
    """Write the suggestions that still ask for a decision as COCO results.

    Ids of images and categories are those of an export of the project, so that both files fit.

    Args:
        folder: The project folder.
        out: The file to write, wholly or not at all.
        min_score: Suggestions below it are left out.
        category: For suggestions of no category (the starter's), or of one the project lacks.
        on_progress: Called after every image.

    Raises:
        ProjectError: The project cannot be read, the file cannot be written, or the project has no
            such category.
    """
    report = ResultsReport(out)
    with (
        Store.open(folder, read_only=True) as store,
        SuggestionStore(folder, read_only=True) as suggestions,
        store.frozen(),
    ):
        names = [each.name for each in store.categories()]
        if category is not None and category not in names:
            raise ProjectError(f"there is no category {category!r}; choices: {', '.join(names)}")
        texts = _texts(store, suggestions, min_score, category, report, on_progress)
        remove_abandoned(out.resolve().parent)
        try:
            with atomic_path(out) as temporary, temporary.open("w", encoding="utf-8") as file:
                for start, text in zip(_starts(), texts, strict=False):
                    file.write(start + text)
                file.write("\n]\n" if report.results else "[]\n")
        except OSError as error:
            raise ProjectError(f"cannot write {out}: {error.strerror or error}") from error
    return report


def _starts() -> Iterator[str]:
    yield "[\n"
    while True:
        yield ",\n"


def _texts(
    store: Store,
    suggestions: SuggestionStore,
    min_score: float,
    category: str | None,
    report: ResultsReport,
    on_progress: Count,
) -> Iterator[str]:
    entries, categories, names = store.images(), store.categories(), NamesNow.of(store)
    for done, entry in enumerate(entries, start=1):
        waiting = suggestions.for_image(entry.content_hash) if entry.content_hash else []
        pending = visible(store.load_document(entry.id), waiting, min_score) if waiting else []
        before = report.results
        for suggestion in map(names.suggestion, pending):
            category_id = category_for(suggestion, categories, category)
            if category_id is None:
                count = report.unnamed.get(suggestion.category, 0)
                report.unnamed[suggestion.category] = count + 1
                continue
            report.results += 1
            yield _text(suggestion, entry, category_id)
        report.images += report.results > before
        on_progress(done, len(entries))


def _text(suggestion: Suggestion, entry: ImageEntry, category_id: int) -> str:
    mask = suggestion.mask.clip(entry.width, entry.height)
    record = {
        "image_id": entry.export_id,
        "category_id": category_id,
        "segmentation": dict(encode_rle(mask, entry.height, entry.width)),
        "bbox": list(mask.bbox_xywh),
        "score": suggestion.score,
    }
    return canonical(record, entry.path)
