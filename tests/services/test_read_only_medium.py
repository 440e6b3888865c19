"""A project on a read-only medium, in the session of a window."""

import tempfile
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.edits import AddInstance
from mrcnn_gui.project.private_copy import PrivateCopy
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.session import Session
from mrcnn_gui.services.suggestion_cache import SuggestionCache
from tests.helpers.media import read_only_medium
from tests.project.samples import suggestion
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


def test_suggestions_of_many_images_are_read_from_one_copy(
    jobs: JobRunner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(copies))
    made: list[Path] = []
    take = PrivateCopy.of_files

    def counted(database: Path) -> PrivateCopy:
        made.append(database)
        return take(database)

    monkeypatch.setattr(PrivateCopy, "of_files", counted)
    folder = tmp_path / "medium"
    folder.mkdir()
    store = SuggestionStore(folder)
    for number in range(4):
        store.replace(f"image {number}", "v1", [suggestion(number)])
    store.close()
    cache = SuggestionCache(jobs, lambda _: None)

    def read(number: int) -> list[Suggestion] | None:
        cache.read(folder, number, f"image {number}")
        qtbot.waitUntil(lambda: cache.get(number) is not None)
        return cache.get(number)

    with read_only_medium(folder):
        assert [read(number) for number in range(3)] == [[suggestion(x)] for x in range(3)]
    assert len(made) == 1
    with SuggestionStore(folder) as store:  # the file is another now
        store.replace("image 3", "v2", [suggestion(9)])
    with read_only_medium(folder):
        assert read(3) == [suggestion(9)]
    assert len(made) == 2
    cache.clear()
    assert not list(copies.iterdir())
