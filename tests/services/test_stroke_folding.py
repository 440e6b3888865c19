"""Strokes on large masks become whole masks when the image is left or nobody works."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project import annotation_table
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance, PaintMask
from mrcnn_gui.project.errors import StorageError
from mrcnn_gui.project.store import ProjectError, Store
from mrcnn_gui.services.session import Session
from tests.services.conftest import square


def an_instance(session: Session) -> Instance:
    return Instance(session.new_instance_id(), 1, square(2, 2), Provenance(Source.HUMAN))


@pytest.fixture
def painted(session: Session, photo_project: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A stroke on a mask that counts as large."""
    monkeypatch.setattr(annotation_table, "LARGE", 0)
    session.open_project(photo_project)
    instance = an_instance(session)
    assert session.push(AddInstance(instance)) is not None
    assert session.push(PaintMask(instance.id, square(6, 6))) is not None
    return session


def pending(store: Store, image_id: int = 1) -> bool:
    return store._annotations.has_strokes(image_id)


def stored(session: Session) -> list[Mask]:
    return [each.mask for each in session.store.instances(1)]


def test_leaving_the_image_folds(painted: Session, qtbot: QtBot) -> None:
    assert pending(painted.store)
    before = stored(painted)
    assert painted.next_image()
    qtbot.waitUntil(lambda: not pending(painted.store))
    assert stored(painted) == before == [square(2, 2).xor(square(6, 6))]


def test_closing_the_project_folds(painted: Session) -> None:
    folder = painted.folder
    assert folder is not None
    painted.close_project()
    with Store.open(folder) as store:
        assert not pending(store)


def test_idling_folds(painted: Session, qtbot: QtBot) -> None:
    painted._folding._timer.start(1)
    qtbot.waitUntil(lambda: not pending(painted.store))


def test_what_is_written_meanwhile_comes_first(painted: Session, qtbot: QtBot) -> None:
    painted._folding.begin()
    instance = next(iter(painted.store.instances(1)))
    assert painted.push(PaintMask(instance.id, square(9, 2))) is not None
    qtbot.waitUntil(lambda: painted._folding._job is None)
    assert pending(painted.store)  # what was read is stale
    expected = square(2, 2).xor(square(6, 6)).xor(square(9, 2))
    assert stored(painted) == [expected]
    painted._folding._timer.start(1)
    qtbot.waitUntil(lambda: not pending(painted.store))
    assert stored(painted) == [expected]


def test_an_image_that_was_left_in_a_hurry_is_folded_later(painted: Session, qtbot: QtBot) -> None:
    painted.next_image()
    assert painted.push(AddInstance(an_instance(painted))) is not None
    qtbot.waitUntil(lambda: painted._folding._job is None)
    assert pending(painted.store)
    painted._folding._timer.start(1)
    qtbot.waitUntil(lambda: not pending(painted.store))


def test_a_failure_leaves_the_strokes(
    painted: Session, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str], qtbot: QtBot
) -> None:
    def refuse(*_: object) -> None:
        raise ProjectError("the disk is full")

    before = stored(painted)
    monkeypatch.setattr(painted.store.strokes, "put", refuse)
    monkeypatch.setattr(painted.store, "fold_strokes", refuse)
    expected_logs.append("Strokes stay apart")
    assert painted.next_image()
    qtbot.waitUntil(lambda: painted._folding._job is None)
    assert pending(painted.store)
    assert stored(painted) == before


def test_an_image_is_left_although_its_strokes_cannot_be_asked_for(
    painted: Session, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str], qtbot: QtBot
) -> None:
    def refuse(_: int) -> bool:
        raise StorageError("input/output error")

    expected_logs.append("Strokes stay apart")
    with monkeypatch.context() as patch:
        patch.setattr(painted.store.strokes, "any", refuse)
        assert painted.next_image()
    qtbot.waitUntil(lambda: not pending(painted.store))  # it is still due
