"""Searching the images of a project, at once and in the background."""

import pytest
from pytestqt.qtbot import QtBot

from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.errors import DamagedProjectError
from mrcnn_gui.project.image_query import ImageQuery
from mrcnn_gui.project.store import Store
from mrcnn_gui.services import image_search
from mrcnn_gui.services.image_search import ImageSearch
from mrcnn_gui.services.jobs import JobRunner
from mrcnn_gui.services.session import Session

DONE = ImageQuery(status=ReviewStatus.DONE)


@pytest.fixture
def answers() -> list[list[int]]:
    return []


@pytest.fixture
def search(open_session: Session, jobs: JobRunner, answers: list[list[int]]) -> ImageSearch:
    made = ImageSearch(open_session, jobs)
    made.found.connect(answers.append)
    return made


def test_few_images_are_found_at_once(search: ImageSearch, answers: list[list[int]]) -> None:
    search.ask(ImageQuery("photo 2"))
    search.ask(ImageQuery())
    assert answers == [[2], [1, 2, 3, 4]]
    assert not search.is_busy


def test_of_many_images_the_last_question_is_answered_in_the_background(
    search: ImageSearch, answers: list[list[int]], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_search, "FEW", 3)
    for text in ("photo", "photo_", "photo_3"):
        search.ask(ImageQuery(text))
    assert search.is_busy
    assert answers == []
    with qtbot.waitSignal(search.found):
        pass
    assert answers == [[3]]


def test_an_image_that_changes_while_others_are_looked_through_is_judged_as_it_is_now(
    search: ImageSearch,
    answers: list[list[int]],
    open_session: Session,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image_search, "FEW", 3)
    monkeypatch.setattr(Store, "find_images", lambda *_: [2, 4])  # what it was a moment ago
    open_session.open_image(1)
    search.ask(DONE)
    open_session.set_review_status(ReviewStatus.DONE)
    open_session.open_image(4)
    open_session.set_review_status(ReviewStatus.IN_PROGRESS)
    qtbot.waitUntil(lambda: answers == [[1, 2]])


def test_a_project_that_cannot_be_read_is_told(
    search: ImageSearch,
    answers: list[list[int]],
    open_session: Session,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise DamagedProjectError("the file makes no sense")

    monkeypatch.setattr(Store, "find_images", fail)
    for few in (5000, 3):
        monkeypatch.setattr(image_search, "FEW", few)
        with qtbot.waitSignal(open_session.failed) as told:
            search.ask(DONE)
        assert told.args == ["Cannot search", "the file makes no sense"]
    assert answers == []
    assert not search.is_busy
