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
from mrcnn_gui.workflows.known_names import NamesNow
from mrcnn_gui.workflows.progress import Count, ignore_count

CLASS_AGNOSTIC = "object"
"""What a model that knows no categories, such as the starter, calls all that it finds."""


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

    An instance gets the category that `category_for` finds, with `category` as the choice. All
    images or none: a failure changes nothing.

    Raises:
        ProjectError: A suggestion has no category to go to, or the project cannot be written.
    """
    with (
        Store.open(folder) as store,
        SuggestionStore(folder, read_only=True) as suggestions,
        store.transaction(),
    ):
        chooser, names = _CategoryChooser(store.categories(), category), NamesNow.of(store)
        entries = store.images()
        results = []
        for done, entry in enumerate(entries, start=1):
            waiting = suggestions.for_image(entry.content_hash) if entry.content_hash else []
            waiting = [names.suggestion(each) for each in waiting]
            count = _accept(store, entry, waiting, min_score, chooser)
            if count:
                results.append(Accepted(entry.id, entry.path, count))
            on_progress(done, len(entries))
    return results


def category_for(
    suggestion: Suggestion, categories: Sequence[Category], chosen: str | None
) -> int | None:
    """The id of the category that an accepted suggestion gets.

    The one that the model names goes before the one that a person chose, unless the model knows no
    categories: its "object" is only a word for what has none. The project's only category comes
    last; None when there is no such category either.
    """
    ids = {category.name: category.id for category in categories}
    names = [suggestion.category, chosen, *(ids if len(ids) == 1 else ())]
    if suggestion.category == CLASS_AGNOSTIC:
        names.insert(0, chosen)
    return next((ids[name] for name in names if name in ids), None)


class _CategoryChooser:
    """Finds the category of the project that a suggestion goes to, or says what to choose."""

    def __init__(self, categories: Sequence[Category], chosen: str | None) -> None:
        self._categories, self._chosen = categories, chosen
        if chosen is not None and chosen not in [category.name for category in categories]:
            raise ProjectError(f"there is no category {chosen!r}; {self._choices()}")

    def category_id(self, suggestion: Suggestion) -> int:
        found = category_for(suggestion, self._categories, self._chosen)
        if found is None:
            raise ProjectError(
                f"the model calls it {suggestion.category!r}, which is no category of the "
                f"project: name the one to use; {self._choices()}"
            )
        return found

    def _choices(self) -> str:
        return "choices: " + (", ".join(category.name for category in self._categories) or "none")


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
