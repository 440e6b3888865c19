from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.services import history_jump
from mrcnn_gui.services.history_jump import jump
from mrcnn_gui.services.session import Session
from tests.services.conftest import square

_EDITS = 5


@pytest.fixture
def edited(session: Session, photo_project: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session in which jumps over more than two edits are long."""
    monkeypatch.setattr(history_jump, "AT_ONCE", 2)
    session.open_path(photo_project)
    category = session.categories[0].id
    for _ in range(_EDITS):
        made = Instance(session.new_instance_id(), category, square(3, 4), Provenance(Source.HUMAN))
        assert session.push(AddInstance(made)) is not None
    return session


def in_force(session: Session) -> tuple[int, int]:
    assert session.document is not None
    assert session.history is not None
    return len(session.document.instances), session.history.position


def test_a_short_jump_is_made_at_once(edited: Session) -> None:
    jump(edited, _EDITS - 2)
    assert in_force(edited) == (3, 3)


def test_a_long_jump_is_made_in_the_background(edited: Session, qtbot: QtBot) -> None:
    assert edited.document is not None
    image_id = edited.document.image_id
    jump(edited, 0)
    assert in_force(edited) == (_EDITS, _EDITS)
    assert edited.undo() is None  # nothing else changes the project meanwhile
    qtbot.waitUntil(lambda: not edited.exclusive.title)
    assert in_force(edited) == (0, 0)
    assert edited.document.image_id == image_id
    jump(edited, _EDITS)
    qtbot.waitUntil(lambda: not edited.exclusive.title)
    assert in_force(edited) == (_EDITS, _EDITS)
    assert edited.undo() is not None


def test_without_an_image_there_is_nothing_to_jump_in(session: Session) -> None:
    jump(session, 3)
    assert not session.exclusive.title
