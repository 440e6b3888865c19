"""Which instances of the open image the filter leaves out."""

from collections.abc import Iterable

from PySide6.QtCore import QObject

from mrcnn_gui.project.document import Change
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState


class Filtering(QObject):
    """Keeps `ViewState.filtered_instances` true; an edit costs only what it changed."""

    def __init__(self, session: Session, view_state: ViewState) -> None:
        super().__init__(view_state)
        self._session = session
        self._view_state = view_state
        session.image_opened.connect(self._look_at_all)
        session.document_changed.connect(self._follow)
        session.project_closed.connect(self._forget)
        view_state.instance_filter_changed.connect(self._look_at_all)
        self._look_at_all()

    def _look_at_all(self) -> None:
        document = self._session.document
        self._leave_out(frozenset() if document is None else self._stopped(document.instances))

    def _follow(self, change: Change) -> None:
        if self._view_state.instance_filter.is_active and change.instance_ids:
            stopped = self._stopped(change.instance_ids)
            unchanged = self._view_state.filtered_instances - change.instance_ids
            self._leave_out(unchanged | stopped)

    def _stopped(self, instance_ids: Iterable[int]) -> frozenset[int]:
        document, wanted = self._session.document, self._view_state.instance_filter
        if document is None or not wanted.is_active:
            return frozenset()
        there = (document.instances.get(key) for key in instance_ids)
        return frozenset(it.id for it in there if it is not None and not wanted.passes(it))

    def _leave_out(self, instance_ids: frozenset[int]) -> None:
        self._view_state.filtered_instances = instance_ids

    def _forget(self) -> None:
        """Categories of another project have other ids."""
        self._view_state.clear_filter()
