"""Strokes on large masks become whole masks when the image is left or nobody works."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from core.masks import Mask
from mrcnn_gui.project import annotation_table
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance, PaintMask
from mrcnn_gui.project.store import ProjectError, Store
from mrcnn_gui.services.session import Session
from tests.services.conftest import square


@pytest.fixture
def painted(session: Session, photo_project: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A stroke on a mask that counts as large."""
    monkeypatch.setattr(annotation_table, "LARGE", 0)
    session.open_project(photo_project)
    instance = Instance(session.new_instance_id(), 1, square(2, 2), Provenance(Source.HUMAN))
    assert session.push(AddInstance(instance)) is not None
    assert session.push(PaintMask(instance.id, square(6, 6))) is not None
    return session


def pending(store: Store, image_id: int = 1) -> bool:
    return store._annotations.has_strokes(image_id)


def stored(session: Session) -> list[Mask]:
    return [each.mask for each in session.store.instances(1)]


def test_leaving_the_image_folds(painted: Session) -> None:
    assert pending(painted.store)
    before = stored(painted)
    assert painted.next_image()
    assert not pending(painted.store)
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


def test_a_failure_leaves_the_strokes(
    painted: Session, monkeypatch: pytest.MonkeyPatch, expected_logs: list[str]
) -> None:
    def refuse(image_id: int) -> None:
        raise ProjectError("the disk is full")

    before = stored(painted)
    monkeypatch.setattr(painted.store, "fold_strokes", refuse)
    expected_logs.append("The strokes of image 1 stay apart")
    assert painted.next_image()
    assert pending(painted.store)
    assert stored(painted) == before
