"""A project on a read-only medium, in the session of a window."""

from pathlib import Path

from pytestqt.qtbot import QtBot

from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.session import Session
from tests.helpers.media import read_only_medium
from tests.services.test_session import an_instance


def test_it_is_shown_and_nothing_is_written_or_complained_about(
    session: Session,
    jobs: JobRunner,
    failures: list[tuple[str, str]],
    photo_project: Path,
    qtbot: QtBot,
) -> None:
    with Store.open(photo_project) as store:
        before = store.images()
    with read_only_medium(photo_project.parent):
        session.open_path(photo_project.parent)
        assert "cannot write in" in session.read_only_reason
        assert session.push(AddInstance(an_instance(session))) is None
        assert "cannot write in" in failures[-1][1]
        session.close_project()
        assert jobs.shutdown(10_000)
    with Store.open(photo_project, read_only=True) as store:
        assert store.images() == before
    assert not (photo_project / "backups").exists()
