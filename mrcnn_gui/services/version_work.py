"""What takes long with model versions, in the background."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from mrcnn_gui.services.jobs import Job, JobRunner, Lane
from mrcnn_gui.services.session import Session
from mrcnn_gui.workflows.models import AUTOMATIC, Compute


class VersionWork(QObject):
    """One piece of work at a time on the versions of the open project."""

    progressed = Signal(object)  # (done, total)
    compared = Signal(object)  # a Comparison
    evaluated = Signal(object)  # an Evaluation
    exported = Signal(str)  # what was written
    imported = Signal(object)  # an AddedModel
    failed = Signal(str)
    state_changed = Signal()  # is_running

    def __init__(
        self,
        session: Session,
        jobs: JobRunner,
        compute: Compute = AUTOMATIC,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._jobs, self._compute = session, jobs, compute
        self._job: Job | None = None
        session.project_closed.connect(self.cancel)

    @property
    def is_running(self) -> bool:
        """Whether work goes on."""
        return self._job is not None

    def compare(self, before: str, after: str) -> None:
        """Compare two versions on the validation images."""
        self._start(_compare, before, after, self._compute, done=self.compared.emit)

    def evaluate(self, version_id: str, image_set: str) -> None:
        """Run a version on a set of done images ("validation", "test", "train" or "all")."""
        self._start(_evaluate, version_id, image_set, self._compute, done=self.evaluated.emit)

    def export(self, version_id: str, out: Path) -> None:
        """Write a version as a file; its suffix says of which kind."""
        self._start(_export, version_id, out, done=self.exported.emit)

    def import_file(self, file: Path) -> None:
        """Take a model's file in as a version."""
        if self._session.no_writing:
            self.failed.emit(self._session.no_writing)
            return
        self._start(_import, file, done=self.imported.emit)

    def cancel(self) -> None:
        """End the work; nothing of it is kept."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
            self.state_changed.emit()

    def _start(self, work: Callable[..., Any], *args: Any, done: Callable[[Any], object]) -> None:
        if self.is_running or self._session.folder is None:
            return

        def end(tell: Callable[[Any], object], what: object) -> None:
            self._job = None
            tell(what)
            self.state_changed.emit()

        self._job = self._jobs.start(
            Lane.VERSIONS,
            work,
            self._session.folder,
            *args,
            on_progress=self.progressed.emit,
            on_done=lambda result: end(done, result),
            on_failed=lambda reason: end(self.failed.emit, reason),
        )
        self.state_changed.emit()


def _compare(folder: Path, before: str, after: str, compute: Compute, *, job: Job) -> object:
    from mrcnn_gui.workflows.compare_versions import compare_versions

    return compare_versions(
        folder,
        before,
        after,
        compute=compute,
        on_progress=lambda done, total: job.report((done, total)),
        should_stop=job.should_stop,
    )


def _evaluate(
    folder: Path, version_id: str, image_set: str, compute: Compute, *, job: Job
) -> object:
    from mrcnn_gui.workflows.evaluation import ImageSet, evaluate_project

    return evaluate_project(
        folder,
        version_id,
        ImageSet(image_set),
        compute=compute,
        on_progress=lambda done, total: job.report((done, total)),
        should_stop=job.should_stop,
    )


def _export(folder: Path, version_id: str, out: Path, *, job: Job) -> str:
    from mrcnn_gui.workflows.version_files import (
        ONNX_SUFFIX,
        export_version,
        export_version_onnx,
    )

    job.report((0, 0))
    if out.suffix.lower() == ONNX_SUFFIX:
        names = ", ".join(path.name for path in export_version_onnx(folder, version_id, out))
        return f"Exported {version_id} to {out.parent}: {names}. Each computes what the model does."
    card = export_version(folder, version_id, out)
    return f"Exported {version_id} to {out}, and its card to {card.name}."


def _import(folder: Path, file: Path, *, job: Job) -> object:
    from mrcnn_gui.workflows.version_files import import_version

    job.report((0, 0))
    return import_version(folder, file, should_stop=job.should_stop)
