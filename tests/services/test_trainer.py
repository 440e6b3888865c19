import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from core.learning.progress import Preview, PreviewInstance, Progress, Stop
from mrcnn_gui.project.annotation import Instance, Provenance, ReviewStatus, Side, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.trainer import Trainer
from mrcnn_gui.services.training_pictures import TrainingPicture
from mrcnn_gui.services.training_runs import UnfinishedRun
from mrcnn_gui.workflows.finetune import FinetuneResult, Verdict
from mrcnn_gui.workflows.finetune_options import FinetuneOptions, RunOrder
from mrcnn_gui.workflows.run_folder import ProjectRun
from tests.services.conftest import square, write_versions

STEP = Progress("train", 1, 1, 1, 2, {"total": 3.5}, 0.01, None, 1.0, 5.0, 0)


class FakeRun:
    """One step, then as many more as it takes until it is asked to stop or `end` is set."""

    def __init__(self) -> None:
        self.end = threading.Event()
        self.verdict = Verdict.PROMOTED
        self.answers: list[Stop] = []
        self.orders: list[RunOrder] = []
        self.ended = threading.Event()

    def __call__(
        self,
        folder: Path,
        order: RunOrder,
        on_progress: Callable[[Progress], None],
        should_stop: Callable[[], Stop],
    ) -> FinetuneResult:
        self.orders.append(order)
        run = ProjectRun(folder, order.run_id)
        run.path.mkdir(parents=True, exist_ok=True)
        run.note(parent="starter")
        run.log(STEP)
        on_progress(STEP)
        while not self.end.is_set() and should_stop() is Stop.NO:
            pass
        self.answers.append(should_stop())
        self.ended.set()
        if should_stop() is Stop.SUSPEND:
            return FinetuneResult(None, "starter", None, None, Verdict.SUSPENDED, "")
        run.discard()
        if should_stop() is Stop.CANCEL:
            return FinetuneResult(None, "starter", None, None, Verdict.CANCELLED, "")
        write_versions(folder, "v1")
        return FinetuneResult("v1", "starter", None, None, self.verdict, "why")


@pytest.fixture
def run() -> FakeRun:
    return FakeRun()


@pytest.fixture
def trainer(session: Session, segmenter: Segmenter, jobs: JobRunner, run: FakeRun) -> Trainer:
    return Trainer(session, segmenter, jobs, finetune=run)


@pytest.fixture
def ready(trainer: Trainer, open_session: Session) -> Session:
    """A session with two done images that hold an instance each."""
    for image_id in (1, 2):
        open_session.open_image(image_id)
        instance = Instance(
            open_session.new_instance_id(),
            open_session.categories[0].id,
            square(3, 3),
            Provenance(Source.HUMAN),
        )
        open_session.push(AddInstance(instance))
        open_session.set_review_status(ReviewStatus.DONE)
        open_session.store.set_side(image_id, Side.TRAIN)
    return open_session


def test_says_what_is_missing(trainer: Trainer, session: Session, photo_project: Path) -> None:
    told: list[str] = []
    trainer.failed.connect(told.append)
    assert trainer.missing() == "Open a project first."
    session.open_project(photo_project)
    assert "1 more image" in trainer.missing()
    trainer.start()
    assert told == [trainer.missing()]
    assert not trainer.is_running


def test_promoted_version_becomes_active_and_is_used_for_the_next_image(
    trainer: Trainer,
    ready: Session,
    segmenter: Segmenter,
    run: FakeRun,
    loaded: list[Path],
    qtbot: QtBot,
) -> None:
    with qtbot.waitSignals([trainer.started, trainer.progressed]):
        trainer.start()
    assert trainer.is_running
    with qtbot.waitSignal(segmenter.finished):  # suggestions go on meanwhile
        segmenter.run([3])
    assert trainer.active_version == "starter"
    with qtbot.waitSignal(trainer.finished) as finished:
        run.end.set()
    assert finished.args is not None
    assert finished.args[0].verdict is Verdict.PROMOTED
    assert trainer.active_version == ready.store.setting("active_model") == "v1"
    assert [version.id for version in trainer.versions()] == ["starter", "v1"]
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([4])
    assert loaded[-1] == ready.store.folder / "models" / "v1"
    trainer.promote("starter")
    assert trainer.active_version == "starter"


def test_a_version_that_comes_during_an_import_is_used_after_it(
    trainer: Trainer, ready: Session, run: FakeRun, failures: list[tuple[str, str]], qtbot: QtBot
) -> None:
    trainer.start()
    may_end = threading.Event()
    ready.exclusive.run("A long import", lambda store, course: may_end.wait(30))
    with qtbot.waitSignal(trainer.finished):
        run.end.set()
    assert trainer.active_version == "starter"
    may_end.set()
    qtbot.waitUntil(lambda: trainer.active_version == "v1")
    assert failures == []


@pytest.mark.parametrize("verdict", [Verdict.KEPT, Verdict.UNDECIDED])
def test_other_verdicts_leave_the_choice_to_the_person(
    trainer: Trainer, ready: Session, run: FakeRun, verdict: Verdict, qtbot: QtBot
) -> None:
    run.verdict = verdict
    run.end.set()
    with qtbot.waitSignal(trainer.finished):
        trainer.start()
    assert trainer.active_version == "starter"
    trainer.promote("v1")
    assert trainer.active_version == "v1"


def test_stop_and_cancel_reach_the_run(
    trainer: Trainer, ready: Session, run: FakeRun, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(trainer.progressed):
        trainer.start()
    with qtbot.waitSignal(trainer.finished) as finished:
        trainer.cancel()
        assert trainer.is_stopping
    assert finished.args is not None
    assert finished.args[0].verdict is Verdict.CANCELLED
    with qtbot.waitSignal(trainer.progressed):
        trainer.start()
    with qtbot.waitSignal(trainer.finished):
        trainer.stop()
    assert run.answers == [Stop.CANCEL, Stop.KEEP_BEST]
    assert trainer.active_version == "v1"
    assert not trainer.is_stopping


def test_closing_the_project_suspends_the_run_and_its_result_is_not_told(
    trainer: Trainer, ready: Session, run: FakeRun, jobs: JobRunner, qtbot: QtBot
) -> None:
    trainer.finished.connect(pytest.fail)
    with qtbot.waitSignal(trainer.progressed):
        trainer.start()
    ready.close_project()
    assert not trainer.is_running
    assert run.ended.wait(10)
    assert run.answers == [Stop.SUSPEND]
    assert trainer.active_version == "starter"


def test_shutdown_waits_for_the_step(
    trainer: Trainer, ready: Session, run: FakeRun, jobs: JobRunner, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(trainer.progressed):
        trainer.start()
    assert jobs.shutdown(10_000)
    assert run.answers == [Stop.SUSPEND]


def test_cancelling_goes_before_the_end_of_the_program(
    trainer: Trainer, ready: Session, run: FakeRun, jobs: JobRunner, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(trainer.progressed):
        trainer.start()
    trainer.cancel()
    assert jobs.shutdown(10_000)
    assert run.answers == [Stop.CANCEL]


def unfinished(trainer: Trainer) -> UnfinishedRun | None:
    return trainer.unfinished


def paused(trainer: Trainer, qtbot: QtBot, options: FinetuneOptions | None = None) -> UnfinishedRun:
    """A run that did one step and was paused."""
    with qtbot.waitSignal(trainer.progressed):
        trainer.start(options)
    assert unfinished(trainer) is None
    with qtbot.waitSignal(trainer.finished) as finished:
        trainer.pause()
        assert trainer.is_pausing
    assert finished.args is not None
    assert finished.args[0].verdict is Verdict.SUSPENDED
    assert trainer.unfinished is not None
    return trainer.unfinished


def test_a_paused_run_goes_on_with_its_options_and_its_course(
    trainer: Trainer, ready: Session, run: FakeRun, qtbot: QtBot
) -> None:
    options = FinetuneOptions(epochs=7, settings={"crop": 0.5})
    waiting = paused(trainer, qtbot, options)
    assert waiting.was_paused
    assert (waiting.epoch, waiting.epochs, waiting.best_mask_ap) == (1, 1, None)
    trainer.start()  # a second run beside it is refused
    assert not trainer.is_running
    run.end.set()
    courses: list[list[Progress]] = []
    trainer.course_read.connect(courses.append)
    with qtbot.waitSignal(trainer.finished):
        trainer.resume()
    assert courses == [[STEP]]
    assert run.orders == [RunOrder("r1", options)] * 2
    assert trainer.unfinished is None
    assert trainer.active_version == "v1"


def test_the_best_of_a_paused_run_is_kept(
    trainer: Trainer, ready: Session, run: FakeRun, qtbot: QtBot
) -> None:
    paused(trainer, qtbot)
    with qtbot.waitSignal(trainer.finished):
        trainer.keep_unfinished()
    assert run.answers == [Stop.SUSPEND, Stop.KEEP_BEST]
    assert trainer.unfinished is None


def test_a_discarded_run_leaves_no_file(
    trainer: Trainer, ready: Session, run: FakeRun, qtbot: QtBot
) -> None:
    paused(trainer, qtbot)
    trainer.discard_unfinished()
    assert trainer.unfinished is None
    qtbot.waitUntil(lambda: list((ready.store.folder / "runs").iterdir()) == [])
    trainer.resume()
    assert not trainer.is_running


def test_a_run_whose_project_was_closed_waits_for_the_next_opening(
    trainer: Trainer, ready: Session, run: FakeRun, qtbot: QtBot
) -> None:
    folder = ready.store.folder
    with qtbot.waitSignal(trainer.progressed):
        trainer.start()
    ready.close_project()
    assert unfinished(trainer) is None
    assert run.ended.wait(10)
    ready.open_project(folder)
    assert trainer.unfinished is not None
    assert not trainer.unfinished.was_paused
    assert trainer.unfinished.record.id == "r1"


def test_a_run_that_is_discarded_while_its_last_step_goes_on_leaves_no_file(
    session: Session, segmenter: Segmenter, jobs: JobRunner, ready: Session, qtbot: QtBot
) -> None:
    may_end, ended = threading.Event(), threading.Event()

    def finetune(folder: Path, order: RunOrder, *_: object) -> FinetuneResult:
        run = ProjectRun(folder, order.run_id)
        run.path.mkdir(parents=True)
        run.note(parent="starter")
        assert may_end.wait(30)
        run.output.mkdir(parents=True, exist_ok=True)
        (run.output / "checkpoint.pt").write_bytes(b"a last step")
        ended.set()
        return FinetuneResult(None, "starter", None, None, Verdict.SUSPENDED, "")

    trainer = Trainer(session, segmenter, jobs, finetune=finetune)
    folder = ready.store.folder
    trainer.start()
    qtbot.waitUntil(lambda: ProjectRun(folder, "r1").is_resumable)
    ready.close_project()
    ready.open_project(folder)
    trainer.discard_unfinished()
    assert trainer.unfinished is None
    may_end.set()
    assert ended.wait(30)
    qtbot.waitUntil(lambda: list((folder / "runs").iterdir()) == [])


def test_what_the_model_finds_is_told_as_pictures(
    session: Session, segmenter: Segmenter, jobs: JobRunner, ready: Session, qtbot: QtBot
) -> None:
    photo = ready.image_path(1)
    found = (PreviewInstance("object", 0.9, square(4, 4)),)
    preview = Preview(photo, (64, 48), found)
    lost = Preview(photo.with_name("lost.png"), (64, 48), found)

    def finetune(*arguments: Any) -> FinetuneResult:
        arguments[2](replace(STEP, previews=(preview, lost)))
        return FinetuneResult(None, "starter", None, None, Verdict.CANCELLED, "")

    trainer = Trainer(session, segmenter, jobs, finetune=finetune)
    steps: list[Progress] = []
    pictures: list[TrainingPicture] = []
    trainer.progressed.connect(steps.append)
    trainer.pictured.connect(pictures.extend)
    with qtbot.waitSignal(trainer.finished):
        trainer.start()
    assert steps == [STEP]
    (picture,) = pictures
    assert (picture.path, picture.found) == (photo, 1)
    assert (picture.image.width(), picture.image.height()) == (64, 48)
    plain = QImage(str(photo))
    assert picture.image.pixelColor(8, 8) != plain.pixelColor(8, 8)
    assert picture.image.pixelColor(40, 40) == plain.pixelColor(40, 40)


def test_a_run_that_fails_is_told(
    session: Session,
    segmenter: Segmenter,
    jobs: JobRunner,
    ready: Session,
    expected_logs: list[str],
    qtbot: QtBot,
) -> None:
    def fail(*_: object) -> FinetuneResult:
        raise RuntimeError("CUDA out of memory")

    expected_logs.append("A background job failed")
    trainer = Trainer(session, segmenter, jobs, finetune=fail)
    with qtbot.waitSignal(trainer.failed) as failed:
        trainer.start()
    assert failed.args == ["CUDA out of memory"]
    assert not trainer.is_running


@pytest.mark.parametrize("has_learned", [True, False])
def test_a_run_that_fails_after_its_checkpoint_is_unfinished_with_the_reason(
    session: Session,
    segmenter: Segmenter,
    jobs: JobRunner,
    ready: Session,
    expected_logs: list[str],
    qtbot: QtBot,
    has_learned: bool,
) -> None:
    def fail(folder: Path, order: RunOrder, *_: object) -> FinetuneResult:
        run = ProjectRun(folder, order.run_id)
        run.output.mkdir(parents=True)
        run.note(parent="starter")
        if has_learned:
            (run.output / "checkpoint.pt").write_bytes(b"an hour of learning")
        raise OSError("the disk is full")

    expected_logs.append("A background job failed")
    trainer = Trainer(session, segmenter, jobs, finetune=fail)
    with qtbot.waitSignal(trainer.failed):
        trainer.start()
    waiting = trainer.unfinished
    assert (waiting is not None) == has_learned
    if waiting is not None:
        assert (waiting.record.state, waiting.record.reason) == ("paused", "the disk is full")


def test_promoting_a_version_that_is_not_there_is_told(
    trainer: Trainer, ready: Session, failures: list[tuple[str, str]]
) -> None:
    trainer.promote("v9")
    assert "v9" in failures[0][1]
    assert trainer.active_version == "starter"
