"""Suggestions of the project's images: which are shown, and what a person decides about them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source, Suggestion
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AcceptSuggestion, Edit, RejectSuggestion
from mrcnn_gui.project.resemblance import Resemblance
from mrcnn_gui.project.reshaping import (
    Overlap,
    as_one,
    losses,
    make_room_for_all,
    without_earlier,
)
from mrcnn_gui.project.suggestions import visible
from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.suggestion_cache import PRIORITY, SuggestionCache
from mrcnn_gui.services.view_state import MIN_SCORE, ViewState
from mrcnn_gui.workflows.accept import category_for
from mrcnn_gui.workflows.known_names import NamesNow

_MANY = 500  # suggestions: of more, only those above the threshold are compared beforehand
_NO_ROOM = "Other instances are there already; with overlap allowed it could be accepted."


class Suggestions:
    """Follows the open image: reads its suggestions and tells which of them are visible."""

    def __init__(
        self,
        session: Session,
        view_state: ViewState,
        jobs: JobRunner,
        on_change: Callable[[int], object],
    ) -> None:
        """`on_change` gets the id of an image whose suggestions, or visible ones, are others."""
        self._session = session
        self._view_state = view_state
        self._on_change = on_change
        self._cache = SuggestionCache(jobs, self._arrived)
        self._jobs = jobs
        self._visible: list[Suggestion] | None = None
        self._resemblance: Resemblance | None = None  # None until the first comparison is there
        self._comparing: Job | None = None
        self._names: NamesNow | None = None
        session.project_opened.connect(self._follow_names)
        session.categories_changed.connect(self._follow_names)

    def of(self, image_id: int) -> list[Suggestion]:
        """All that is stored for an image, best first; empty while it is being read."""
        stored = self._cache.get(image_id)
        if stored is None and not self._cache.is_reading(image_id):
            self._read(image_id)
        return stored or []

    def visible(self) -> list[Suggestion]:
        """Those of the open image that still ask for a decision, from the threshold up."""
        document = self._session.document
        if document is None or self._resemblance is None:
            return []
        if self._visible is None:
            threshold = self._view_state.score_threshold
            stored = self.of(document.image_id)
            shown = visible(document, stored, threshold, self._resemblance)
            self._visible = (
                [self._names.suggestion(each) for each in shown] if self._names else shown
            )
        return self._visible

    def accept(self, key: str) -> None:
        """Make a visible suggestion an instance.

        Its category is the one that `category_for` finds, with the active one as the choice.
        """
        self._accept([each for each in self.visible() if each.key == key])

    def accept_as(self, key: str, category_id: int) -> None:
        """Make a visible suggestion an instance of a category."""
        self._accept([each for each in self.visible() if each.key == key], category_id)

    def accept_all(self) -> None:
        """Make every visible suggestion an instance, as one edit."""
        self._accept(self.visible())

    def reject(self, key: str) -> None:
        """Decide that a visible suggestion is wrong."""
        for suggestion in self.visible():
            if suggestion.key == key:
                self._session.push(RejectSuggestion(suggestion))
                return

    def renew_all_of(self, image_id: int) -> None:
        """Read those of an image again, because the model has just looked at it.

        They are stored under its content, and so they are those of every image with the same.
        """
        content = entry.content_hash if (entry := self._session.image(image_id)) else ""
        twins = [each.id for each in self._session.images if each.content_hash == content]
        for each in twins if content else [image_id]:
            self._renew(each)

    def _renew(self, image_id: int) -> None:
        if self._is_open(image_id):
            self._read(image_id)
        else:
            self._cache.drop(image_id)
            self._on_change(image_id)

    def follow_image(self, image_id: int) -> None:
        """Another image was opened: nothing of it is visible until it has been compared."""
        self._stop_comparing()
        self._visible = self._resemblance = None
        self.read_missing(image_id)
        if self._cache.get(image_id) is not None:
            self._compare(image_id)

    def read_missing(self, image_id: int) -> None:
        """Read those of an image that was opened, or whose content hash has become known."""
        if self._is_open(image_id):
            self._visible = None
            self.of(image_id)

    def refresh(self) -> None:
        """Work out anew which are visible: the document or the threshold has changed."""
        if self._session.document is not None:
            self._changed(self._session.document.image_id)

    def clear(self) -> None:
        """Forget everything: the project is closed."""
        self._cache.clear()
        self._stop_comparing()
        self._visible = self._resemblance = None
        self._names = None

    def _follow_names(self) -> None:
        self._names = NamesNow.of(self._session.store)
        self.refresh()

    def _accept(self, suggestions: list[Suggestion], wanted: int | None = None) -> None:
        """Where instances must not overlap, each gets the room that better ones leave it."""
        document = self._session.document
        if document is None or not suggestions:
            return
        overlap, others = self._view_state.overlap, document.instances
        masks = [suggestion.mask for suggestion in suggestions]
        if overlap is not Overlap.ALLOWED:
            masks = without_earlier(masks)
        rooms, losing = make_room_for_all(masks, others.values(), overlap)
        edits: list[Edit] = []
        for suggestion, room in zip(suggestions, rooms, strict=True):
            category_id = self._category_for(suggestion) if wanted is None else wanted
            if category_id is None:
                self._session.report_failure(
                    "Nothing to accept it as", "Add a category, or choose one, and accept again."
                )
                return
            if not room.is_empty:
                edits.append(
                    AcceptSuggestion(suggestion, self._made(suggestion, room, category_id))
                )
        if not edits:
            self._session.report_failure("Nothing is left to accept", _NO_ROOM)
            return
        count = len(edits)
        title = AcceptSuggestion.title if count == 1 else f"Accept {count} suggestions"
        edit = as_one([*edits, *losses(others, losing)], title)
        if edit is not None:
            self._session.push(edit)

    def _made(self, suggestion: Suggestion, mask: Mask, category_id: int) -> Instance:
        provenance = Provenance(Source.MODEL, suggestion.model_version, suggestion.score)
        return Instance(self._session.new_instance_id(), category_id, mask, provenance)

    def _category_for(self, suggestion: Suggestion) -> int | None:
        categories, active = self._session.categories, self._view_state.active_category
        chosen = next((each.name for each in categories if each.id == active), None)
        return category_for(suggestion, categories, chosen)

    def _read(self, image_id: int) -> None:
        entry, folder = self._session.image(image_id), self._session.folder
        if folder is not None and entry is not None and entry.content_hash:
            self._cache.read(folder, image_id, entry.content_hash)

    def _is_open(self, image_id: int) -> bool:
        document = self._session.document
        return document is not None and document.image_id == image_id

    def _arrived(self, image_id: int) -> None:
        """Stored suggestions are in memory."""
        if self._is_open(image_id):
            self._compare(image_id)
        else:
            self._on_change(image_id)

    def _compare(self, image_id: int) -> None:
        """Compare all with each other and with the instances, in the background: once, it takes."""
        document, stored = self._session.document, self._cache.get(image_id)
        self._stop_comparing()
        if document is None or stored is None:
            return
        lowest = MIN_SCORE if len(stored) <= _MANY else self._view_state.score_threshold
        frozen = replace(
            document, instances=dict(document.instances), decisions=dict(document.decisions)
        )
        self._comparing = self._jobs.start(
            Lane.IO,
            _compared,
            *(frozen, stored, lowest),
            priority=PRIORITY,
            on_done=partial(self._take_comparison, image_id),
            on_failed=lambda _: self._take_comparison(image_id, Resemblance()),  # slower, but shown
        )

    def _take_comparison(self, image_id: int, resemblance: Resemblance) -> None:
        self._comparing, self._resemblance = None, resemblance
        self._changed(image_id)

    def _stop_comparing(self) -> None:
        if self._comparing is not None:
            self._comparing.cancel()
            self._comparing = None

    def _changed(self, image_id: int) -> None:
        if self._is_open(image_id):
            self._visible = None
            self._let_go_of_hidden()
        self._on_change(image_id)

    def _let_go_of_hidden(self) -> None:
        """A suggestion that is not visible any more cannot stay selected or hovered."""
        keys = {suggestion.key for suggestion in self.visible()}
        if self._view_state.selected_suggestion not in keys:
            self._view_state.selected_suggestion = None
        if self._view_state.hovered_suggestion not in keys:
            self._view_state.hovered_suggestion = None


def _compared(
    document: ImageDocument, stored: Sequence[Suggestion], lowest: float, *, job: Job
) -> Resemblance:
    """What comparing the suggestions for a document has told; a job."""
    resemblance = Resemblance()
    if not job.should_stop():
        visible(document, stored, lowest, resemblance)
        resemblance.keep()
    return resemblance
