"""Many images at once in the window: order, priority, cancelling, and what cannot be read."""

import os
import sys
import threading
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.services.jobs import JobRunner, Lane
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.workflows.presegment import PresegmentProgress
from tests.services.conftest import write_versions

TILES = 4  # of one of the photos, for the model of these tests


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch has one image under way and takes one ahead, however many cores there are."""
    monkeypatch.setattr("mrcnn_gui.workflows.presegment.side_by_side", lambda *_: (1, 1))


@pytest.mark.usefixtures("one_by_one")
def test_an_image_by_itself_does_not_wait_for_a_batch(
    segmenter: Segmenter,
    open_session: Session,
    gate: threading.Event,
    asked: list[str],
    qtbot: QtBot,
) -> None:
    reports: list[PresegmentProgress] = []
    segmenter.progressed.connect(reports.append)
    gate.clear()
    segmenter.run([1, 2, 3, 4])
    assert segmenter.is_running
    qtbot.waitUntil(lambda: len(asked) == 1)
    segmenter.run([4])
    qtbot.waitUntil(lambda: len(asked) == 2)
    assert asked[1].startswith("model")
    with qtbot.waitSignal(segmenter.finished) as finished:
        gate.set()
    assert sorted(report.last.image_id for report in reports) == [1, 2, 3, 4]
    assert [(report.done, report.total) for report in reports] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert reports[0].seconds_left is not None
    assert finished.args == ["4 images pre-segmented."]
    assert not segmenter.is_running


@pytest.mark.skipif(sys.platform != "linux", reason="other threads have no niceness of their own")
def test_a_batch_yields_to_the_window(
    segmenter: Segmenter, open_session: Session, gate: threading.Event, qtbot: QtBot
) -> None:
    niceness: list[int] = []

    def note() -> bool:
        niceness.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        return True

    gate.wait = lambda _: note()  # type: ignore[method-assign, misc, assignment]
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1, 2])
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([3])
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert niceness == [10, 10, own]


@pytest.mark.usefixtures("one_by_one")
def test_another_version_is_used_from_the_images_on_that_still_wait(
    segmenter: Segmenter,
    open_session: Session,
    gate: threading.Event,
    asked: list[str],
    qtbot: QtBot,
) -> None:
    write_versions(open_session.store.folder, "v1")
    gate.clear()
    segmenter.run([1, 2, 3, 4])
    qtbot.waitUntil(lambda: len(asked) == 1)
    segmenter.use_version("v1")
    with qtbot.waitSignal(segmenter.finished) as finished:
        gate.set()
    assert finished.args == ["4 images pre-segmented."]
    assert open_session.folder is not None
    with SuggestionStore(open_session.folder, read_only=True) as store:
        ran = [store.ran_with(entry.content_hash) for entry in open_session.images]
    assert (ran[0], ran[2], ran[3]) == ("starter", "v1", "v1")  # one may be taken ahead


@pytest.mark.usefixtures("one_by_one")
def test_cancel_keeps_what_is_done_and_finishes_the_images_under_way(
    segmenter: Segmenter,
    open_session: Session,
    gate: threading.Event,
    asked: list[str],
    qtbot: QtBot,
) -> None:
    gate.clear()
    segmenter.run([1, 2, 3, 4])
    qtbot.waitUntil(lambda: len(asked) == 1)
    segmenter.cancel()
    with qtbot.waitSignal(segmenter.finished) as finished:
        gate.set()
    # One may be taken ahead.
    assert finished.args[0].startswith(("Cancelled after 1 of 4", "Cancelled after 2 of 4"))
    qtbot.waitUntil(lambda: len(segmenter.suggestions(1)) == 3)
    assert segmenter.suggestions(3) == []


def test_an_image_that_cannot_be_read_is_marked_and_the_batch_goes_on(
    segmenter: Segmenter, open_session: Session, qtbot: QtBot
) -> None:
    open_session.image_path(2).unlink()
    with qtbot.waitSignal(segmenter.finished) as finished:
        segmenter.run([1, 2, 3])
    assert finished.args == ["2 images pre-segmented, 1 could not be read."]
    assert "photo_2.png" in open_session.images[1].problem
    assert open_session.images[1].width == 64
    assert open_session.images[2].problem == ""


def test_damaged_weights_end_the_batch_with_a_message(
    session: Session,
    view_state: ViewState,
    jobs: JobRunner,
    starter: Path,
    photo_project: Path,
    failures: list[tuple[str, str]],
    qtbot: QtBot,
) -> None:
    def refuse(folder: Path, _: object) -> None:
        raise ProjectError(f"{folder.name} is damaged")

    segmenter = Segmenter(session, view_state, jobs, load=refuse, parent=session)  # type: ignore[arg-type]
    session.open_project(photo_project)
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1, 2])
    assert failures == [("Pre-segmentation stopped", "starter is damaged")]
    assert not segmenter.is_running
    segmenter.warm_up()
    qtbot.waitUntil(lambda: segmenter.model_label == "starter cannot be used")


def test_closing_the_project_ends_a_batch(
    segmenter: Segmenter, open_session: Session, gate: threading.Event, qtbot: QtBot
) -> None:
    folder = open_session.store.folder
    gate.clear()
    segmenter.run([1, 2, 3])
    open_session.close_project()
    assert not segmenter.is_running
    open_session.open_project(folder)
    with qtbot.waitSignal(segmenter.finished) as finished:
        segmenter.run([4])
        gate.set()
    assert finished.args == ["1 image pre-segmented."]


@pytest.mark.usefixtures("one_by_one")
def test_the_rest_of_a_batch_is_computed_with_what_is_chosen_while_the_model_lane_is_busy(
    segmenter: Segmenter,
    open_session: Session,
    jobs: JobRunner,
    gate: threading.Event,
    asked: list[str],
    loaded: list[Path],
    qtbot: QtBot,
) -> None:
    may_go_on = threading.Event()
    gate.clear()
    segmenter.run([1, 2, 3, 4])
    qtbot.waitUntil(lambda: len(asked) == 1)
    jobs.start(Lane.MODEL, lambda *, job: may_go_on.wait(10))
    segmenter.compute_with("cpu", "bf16")
    with qtbot.waitSignal(segmenter.finished):
        gate.set()
    may_go_on.set()
    assert segmenter.model_label == "starter on cpu, bf16"
    assert len(loaded) == 2


@pytest.mark.usefixtures("one_by_one")
@pytest.mark.parametrize("images", [[1], [1, 2]])
def test_in_tiles_cancel_stops_before_the_next_tile_and_what_comes_later_is_done(
    segmenter: Segmenter,
    open_session: Session,
    gate: threading.Event,
    asked: list[str],
    images: list[int],
    qtbot: QtBot,
) -> None:
    segmenter.use_tiles(True)
    gate.clear()
    segmenter.run(images)
    qtbot.waitUntil(lambda: len(asked) == 1)
    assert asked[0].startswith("ahead" if len(images) > 1 else "batch")  # prompts do not wait
    segmenter.cancel()
    segmenter.run([3, 4])
    with qtbot.waitSignal(segmenter.finished) as finished:
        gate.set()
    assert finished.args == [f"Cancelled after 2 of {len(images) + 2} images."]
    assert open_session.folder is not None
    with SuggestionStore(open_session.folder, read_only=True) as store:
        ran = [store.ran_with(entry.content_hash) for entry in open_session.images]
    assert ran == ["", "", "starter", "starter"]
    assert len(asked) == 1 + 2 * TILES


def test_closing_the_project_stops_between_tiles(
    segmenter: Segmenter,
    open_session: Session,
    gate: threading.Event,
    asked: list[str],
    jobs: JobRunner,
    qtbot: QtBot,
) -> None:
    segmenter.use_tiles(True)
    gate.clear()
    segmenter.run([1])
    qtbot.waitUntil(lambda: len(asked) == 1)
    open_session.close_project()
    gate.set()
    assert jobs.shutdown(10_000)
    assert len(asked) == 1


def test_tiles_are_used_from_the_next_image_on(
    segmenter: Segmenter, open_session: Session, asked: list[str], qtbot: QtBot
) -> None:
    for tiles, looks in ((False, 1), (True, TILES), (False, 1)):
        segmenter.use_tiles(tiles)
        asked.clear()
        with qtbot.waitSignal(segmenter.finished):
            segmenter.run([1])
        assert len(asked) == looks
