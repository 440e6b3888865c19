import gc
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.images import content_hash
from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source, Suggestion
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.services import suggestions
from mrcnn_gui.services.jobs import JobRunner, Lane
from mrcnn_gui.services.project_edits import ProjectEdits
from mrcnn_gui.services.segmenter import Segmenter
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.suggestion_cache import SuggestionCache, read_suggestions
from mrcnn_gui.services.view_state import ViewState
from mrcnn_gui.workflows.known_names import IDS
from tests.services.conftest import square, write_versions

SURE, LIKELY = square(4, 4), square(20, 20)


@pytest.fixture
def segmented(segmenter: Segmenter, open_session: Session, qtbot: QtBot) -> Session:
    """A session whose first image is open and has three suggestions, two above the threshold."""
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1])
    qtbot.waitUntil(lambda: len(segmenter.visible_suggestions()) == 2)
    return open_session


def add_instance(session: Session, left: int, top: int) -> None:
    category = session.categories[0].id
    mask, provenance = square(left, top), Provenance(Source.HUMAN)
    session.push(AddInstance(Instance(session.new_instance_id(), category, mask, provenance)))


def masks(segmenter: Segmenter) -> list[object]:
    return [suggestion.mask for suggestion in segmenter.visible_suggestions()]


def test_torch_is_not_touched_before_the_model_is_asked_for(
    segmenter: Segmenter, open_session: Session, loaded: list[Path], starter: Path, qtbot: QtBot
) -> None:
    assert loaded == []
    assert "not loaded" in segmenter.model_label
    segmenter.warm_up()
    assert "loading" in segmenter.model_label
    qtbot.waitUntil(lambda: segmenter.model_label == "starter on cpu, fp32")
    assert loaded == [starter]
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1, 2])
    assert loaded == [starter]  # it stays warm


def test_warm_up_works_without_a_project(segmenter: Segmenter, qtbot: QtBot) -> None:
    segmenter.warm_up()
    qtbot.waitUntil(lambda: segmenter.model_label == "starter on cpu, fp32")


def test_another_precision_loads_the_model_anew(
    segmenter: Segmenter, loaded: list[Path], qtbot: QtBot
) -> None:
    segmenter.warm_up()
    qtbot.waitUntil(lambda: segmenter.model_label == "starter on cpu, fp32")
    assert segmenter.model_reason == "tests have no other"
    segmenter.compute_with("cpu", "bf16")
    qtbot.waitUntil(lambda: segmenter.model_label == "starter on cpu, bf16")
    assert len(loaded) == 2


def test_what_the_import_of_torch_brought_is_not_collected_over_and_over(
    segmenter: Segmenter, qtbot: QtBot
) -> None:
    gc.unfreeze()
    segmenter.warm_up()
    qtbot.waitUntil(lambda: segmenter.model_label == "starter on cpu, fp32")
    assert gc.get_freeze_count() > 1000
    gc.unfreeze()


def test_suggestions_are_stored_and_filtered_without_inference(
    segmenter: Segmenter, segmented: Session, view_state: ViewState, qtbot: QtBot
) -> None:
    assert [suggestion.score for suggestion in segmenter.suggestions(1)] == [0.9, 0.6, 0.2]
    changed: list[int] = []
    segmenter.suggestions_changed.connect(changed.append)
    view_state.score_threshold = 0.1
    assert len(segmenter.visible_suggestions()) == 3
    view_state.score_threshold = 0.7
    assert masks(segmenter) == [SURE]
    assert changed == [1, 1]
    assert segmented.folder is not None
    with SuggestionStore(segmented.folder, read_only=True) as store:
        assert len(store.for_image(segmented.images[0].content_hash)) == 3


def test_a_file_that_was_replaced_shows_what_is_found_in_the_new_one(
    segmenter: Segmenter, segmented: Session, qtbot: QtBot
) -> None:
    path, before = segmented.image_path(1), segmented.images[0].content_hash
    path.write_bytes(segmented.image_path(2).read_bytes())
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1])
    assert segmented.images[0].content_hash == content_hash(path) != before
    qtbot.waitUntil(lambda: len(segmenter.visible_suggestions()) == 2)


def test_suggestions_of_a_closed_project_are_there_when_it_opens_again(
    segmenter: Segmenter, segmented: Session, qtbot: QtBot
) -> None:
    folder = segmented.folder
    assert folder is not None
    segmented.close_project()
    assert segmenter.visible_suggestions() == []
    with qtbot.waitSignal(segmenter.suggestions_changed):
        segmented.open_project(folder)
    assert masks(segmenter) == [SURE, LIKELY]


def test_suggestions_are_compared_beside_the_window(
    segmenter: Segmenter, segmented: Session, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    add_instance(segmented, 4, 4)
    assert masks(segmenter) == [LIKELY]
    segmented.next_image()
    compared_on: list[threading.Thread] = []
    iou = Mask.iou

    def noted(mask: Mask, other: Mask) -> float:
        compared_on.append(threading.current_thread())
        return iou(mask, other)

    monkeypatch.setattr(Mask, "iou", noted)
    segmented.next_image(-1)
    qtbot.waitUntil(lambda: masks(segmenter) == [LIKELY])
    assert compared_on
    assert threading.main_thread() not in compared_on


def test_suggestions_that_could_not_be_compared_are_shown(
    segmenter: Segmenter,
    segmented: Session,
    monkeypatch: pytest.MonkeyPatch,
    expected_logs: list[str],
    qtbot: QtBot,
) -> None:
    def refuse(*_: object, job: object) -> None:
        raise MemoryError

    segmented.next_image()
    monkeypatch.setattr(suggestions, "_compared", refuse)
    expected_logs.append("A background job failed")
    segmented.next_image(-1)
    qtbot.waitUntil(lambda: masks(segmenter) == [SURE, LIKELY])


def test_images_with_the_same_content_share_what_is_found(
    segmenter: Segmenter, segmented: Session, qtbot: QtBot
) -> None:
    segmented.set_image_info(2, content_hash=segmented.images[0].content_hash)
    qtbot.waitUntil(lambda: len(segmenter.suggestions(2)) == 3)
    write_versions(segmented.store.folder, "v1")
    segmenter.use_version("v1")
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1])
    qtbot.waitUntil(lambda: {each.model_version for each in segmenter.suggestions(2)} == {"v1"})


def test_what_was_read_before_a_run_does_not_come_back_after_it(
    segmented: Session, jobs: JobRunner, qtbot: QtBot
) -> None:
    arrived: list[int] = []
    cache = SuggestionCache(jobs, arrived.append)
    entry = segmented.images[0]
    cache.read(segmented.store.folder, entry.id, entry.content_hash)
    cache.drop(entry.id)
    assert not cache.is_reading(entry.id)
    read: list[list[Suggestion]] = []
    for _ in range(2):  # the lane has two workers: both are past the job that was dropped
        jobs.start(
            Lane.IO,
            read_suggestions,
            segmented.store.folder,
            entry.content_hash,
            on_done=read.append,
        )
    qtbot.waitUntil(lambda: len(read) == 2)
    assert (cache.get(entry.id), arrived) == (None, [])


def test_results_for_an_image_that_is_not_open_are_stored_just_the_same(
    segmenter: Segmenter, open_session: Session, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([3])
    assert segmenter.visible_suggestions() == []
    open_session.open_image(3)
    qtbot.waitUntil(lambda: len(segmenter.visible_suggestions()) == 2)


def test_accept_makes_an_instance_with_its_provenance(
    segmenter: Segmenter, segmented: Session
) -> None:
    [sure, likely] = segmenter.visible_suggestions()
    segmenter.accept(sure.key)
    assert segmented.document is not None
    [instance] = segmented.document.instances.values()
    assert instance.mask == SURE
    assert instance.category_id == segmented.categories[0].id
    assert instance.provenance == Provenance(Source.MODEL, "starter", 0.9)
    assert segmenter.visible_suggestions() == [likely]
    segmented.undo()
    assert segmenter.visible_suggestions() == [sure, likely]


def test_accept_all_is_one_edit(segmenter: Segmenter, segmented: Session) -> None:
    segmenter.accept_all_visible()
    assert segmented.document is not None
    assert [each.mask for each in segmented.document.instances.values()] == [SURE, LIKELY]
    assert segmented.history is not None
    assert segmented.history.undo_title == "Accept 2 suggestions"
    segmented.undo()
    assert segmented.document.instances == {}
    assert len(segmenter.visible_suggestions()) == 2


def test_what_the_starter_finds_gets_the_active_category(
    segmenter: Segmenter,
    segmented: Session,
    view_state: ViewState,
    failures: list[tuple[str, str]],
) -> None:
    owl = ProjectEdits(segmented).add_category("owl")
    view_state.active_category = owl.id if owl else None
    [sure, likely] = segmenter.visible_suggestions()
    segmenter.accept(sure.key)
    first = segmented.categories[0]
    view_state.active_category = None
    segmenter.accept(likely.key)
    assert segmented.document is not None
    categories = [each.category_id for each in segmented.document.instances.values()]
    assert (first.name, categories) == ("object", [owl.id if owl else 0, first.id])
    segmented.undo()
    ProjectEdits(segmented).update_category(type(first)(first.id, "nest", first.color, first.key))
    segmenter.accept(likely.key)
    assert len(segmented.document.instances) == 1
    assert len(failures) == 1


def test_reruns_replace_pending_and_bring_back_nothing_that_was_rejected_or_covered(
    segmenter: Segmenter, segmented: Session, view_state: ViewState, qtbot: QtBot
) -> None:
    view_state.score_threshold = 0.05
    [sure, likely, _] = segmenter.visible_suggestions()
    segmenter.reject(sure.key)
    add_instance(segmented, 21, 20)
    write_versions(segmented.store.folder, "v1")
    segmenter.use_version("v1")
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1])
    qtbot.waitUntil(lambda: {each.model_version for each in segmenter.suggestions(1)} == {"v1"})
    assert masks(segmenter) == [square(40, 30)]
    assert {sure.key, likely.key}.isdisjoint(each.key for each in segmenter.suggestions(1))


def test_selection_of_a_suggestion_that_is_hidden_is_let_go(
    segmenter: Segmenter, segmented: Session, view_state: ViewState
) -> None:
    likely = segmenter.visible_suggestions()[1]
    view_state.selected_suggestion = view_state.hovered_suggestion = likely.key
    add_instance(segmented, 20, 20)
    assert {view_state.selected_suggestion, view_state.hovered_suggestion} == {None}


def test_active_version_of_the_project_is_used_and_another_from_the_next_image_on(
    segmenter: Segmenter, open_session: Session, loaded: list[Path], qtbot: QtBot
) -> None:
    folder = open_session.store.folder
    write_versions(folder, "v1", "v2")
    open_session.set_setting("active_model", "v1")
    open_session.close_project()
    open_session.open_project(folder)
    for version in ("v1", "v2"):
        segmenter.use_version(version)
        with qtbot.waitSignal(segmenter.finished):
            segmenter.run([1])
        assert loaded[-1] == folder / "models" / version
        assert segmenter.model_label == f"{version} on cpu, fp32"


def test_a_version_that_is_gone_is_told(
    segmenter: Segmenter, open_session: Session, failures: list[tuple[str, str]], qtbot: QtBot
) -> None:
    segmenter.use_version("v7")
    segmenter.run([1])
    assert not segmenter.is_running
    assert "v7" in failures[0][1]
    segmenter.warm_up()
    assert segmenter.model_label == "v7 cannot be used"
    segmenter.run([99])
    assert not segmenter.is_running


def test_suggestions_follow_the_name_of_their_category(
    segmenter: Segmenter, open_session: Session, qtbot: QtBot
) -> None:
    assert open_session.folder is not None
    write_versions(open_session.folder, "v1")
    category = open_session.categories[0]
    card = {IDS: {"object": category.id}}
    (open_session.folder / "models" / "v1" / "card.json").write_text(json.dumps(card))
    segmenter.use_version("v1")
    with qtbot.waitSignal(segmenter.finished):
        segmenter.run([1])
    qtbot.waitUntil(lambda: len(segmenter.visible_suggestions()) == 2)
    edits = ProjectEdits(open_session)
    edits.update_category(replace(category, name="stone"))
    assert {it.category for it in segmenter.visible_suggestions()} == {"stone"}
    edits.add_category("object")
    segmenter.accept(segmenter.visible_suggestions()[0].key)
    document = open_session.document
    assert document is not None
    assert [it.category_id for it in document.instances.values()] == [category.id]
