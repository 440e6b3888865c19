"""Accepting suggestions without looking at each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mrcnn_gui.project.annotation import (
    Category,
    ImageEntry,
    Instance,
    Provenance,
    Source,
    Suggestion,
)
from mrcnn_gui.project.edits import AcceptSuggestion, Batch
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore, visible
from mrcnn_gui.workflows.progress import Count, ignore_count


@dataclass(frozen=True)
class Accepted:
    """How many suggestions for an image became instances."""

    image_id: int
    path: str
    count: int


def accept_suggestions(
    folder: Path,
    min_score: float,
    category: str | None = None,
    *,
    on_progress: Count = ignore_count,
) -> list[Accepted]:
    """Turn the visible suggestions from a score up into instances; one edit per image.

    An instance gets the category that the suggestion names, where the project has it; else
    `category`; else the project's only one. All images or none: a failure changes nothing.

    Raises:
        ProjectError: A suggestion has no category to go to, or the project cannot be written.
    """
    with (
        Store.open(folder) as store,
        SuggestionStore(folder, read_only=True) as suggestions,
        store.transaction(),
    ):
        chooser = _CategoryChooser(store.categories(), category)
        entries = store.images()
        results = []
        for done, entry in enumerate(entries, start=1):
            waiting = suggestions.for_image(entry.content_hash) if entry.content_hash else []
            count = _accept(store, entry, waiting, min_score, chooser)
            if count:
                results.append(Accepted(entry.id, entry.path, count))
            on_progress(done, len(entries))
    return results


class _CategoryChooser:
    """Finds the category of the project that a suggestion goes to."""

    def __init__(self, categories: Sequence[Category], fallback: str | None) -> None:
        self._ids = {category.name: category.id for category in categories}
        if fallback is not None and fallback not in self._ids:
            raise ProjectError(f"there is no category {fallback!r}; {self._choices()}")
        if fallback is None and len(self._ids) == 1:
            fallback = next(iter(self._ids))
        self._fallback = fallback

    def category_id(self, suggestion: Suggestion) -> int:
        name = suggestion.category if suggestion.category in self._ids else self._fallback
        if name is None:
            raise ProjectError(
                f"the model calls it {suggestion.category!r}, which is no category of the "
                f"project: name the one to use; {self._choices()}"
            )
        return self._ids[name]

    def _choices(self) -> str:
        return "choices: " + (", ".join(self._ids) or "none")


def _accept(
    store: Store,
    entry: ImageEntry,
    waiting: list[Suggestion],
    min_score: float,
    chooser: _CategoryChooser,
) -> int:
    document = store.load_document(entry.id)
    edits = [
        AcceptSuggestion(suggestion, _instance(store, suggestion, chooser.category_id(suggestion)))
        for suggestion in visible(document, waiting, min_score)
    ]
    if edits:
        title = f"Accept {len(edits)} suggestion{'s' * (len(edits) > 1)}"
        History(store, document).push(Batch(tuple(edits), title))
    return len(edits)


def _instance(store: Store, suggestion: Suggestion, category_id: int) -> Instance:
    provenance = Provenance(Source.MODEL, suggestion.model_version, suggestion.score)
    return Instance(store.new_instance_id(), category_id, suggestion.mask, provenance)
