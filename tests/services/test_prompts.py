import json
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pytestqt.qtbot import QtBot

from core.masks import Mask
from core.predictor import Detection
from mrcnn_gui.project.annotation import Provenance, Source
from mrcnn_gui.project.model_versions import ModelVersion
from mrcnn_gui.services.jobs import JobRunner, Lane
from mrcnn_gui.services.model_lane import LoadedModel
from mrcnn_gui.services.prompts import PROMPT, Candidate, Prompts
from mrcnn_gui.services.session import Session
from mrcnn_gui.workflows.known_names import IDS
from tests.services.conftest import write_versions

Box = tuple[float, float, float, float]


class PromptedPredictor:
    """Counts the images that it embeds; answers with the mean of the image as a score."""

    device = "cpu"

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def embed(self, image: NDArray[np.uint8]) -> None:
        self.sizes.append(image.shape)

    def predict_boxes(self, boxes_xyxy: Sequence[Box]) -> list[Detection]:
        pixel = Mask.from_bitmap(np.ones((1, 1), dtype=np.bool_))
        return [Detection("cat", 0.5, box, pixel) for box in boxes_xyxy]

    def predict_at(self, point: tuple[float, float]) -> list[Detection]:
        return [
            *self.predict_boxes([(0, 0, 1, 1)]),
            Detection("dog", 0.1, (0, 0, 1, 1), Mask.empty()),
        ]


@pytest.fixture
def predictor() -> PromptedPredictor:
    return PromptedPredictor()


@pytest.fixture
def prompts(
    tmp_path: Path, open_session: Session, jobs: JobRunner, predictor: PromptedPredictor
) -> Prompts:
    model = LoadedModel(lambda *_: predictor)  # type: ignore[arg-type]
    version = ModelVersion("v7", tmp_path, {})
    return Prompts(open_session, jobs, model, lambda: version)


class Answers(list[list[Candidate] | None]):
    """Collects the answers."""

    def __call__(self, candidates: Sequence[Candidate] | None) -> None:
        self.append(None if candidates is None else list(candidates))


def test_an_image_is_embedded_once_for_all_questions(
    prompts: Prompts, predictor: PromptedPredictor, open_session: Session, qtbot: QtBot
) -> None:
    answers = Answers()
    prompts.prepare()
    prompts.ask_box((1, 2, 9, 9), answers)
    qtbot.waitUntil(lambda: len(answers) == 1)
    prompts.ask_point((3, 4), answers)
    qtbot.waitUntil(lambda: len(answers) == 2)
    assert len(predictor.sizes) == 1
    assert open_session.next_image(1)
    prompts.ask_point((3, 4), answers)
    qtbot.waitUntil(lambda: len(answers) == 3)
    assert len(predictor.sizes) == 2


def test_candidates_say_where_they_come_from_and_empty_ones_are_left_out(
    prompts: Prompts, qtbot: QtBot
) -> None:
    answers = Answers()
    prompts.ask_point((3, 4), answers)
    qtbot.waitUntil(lambda: len(answers) == 1)
    (candidate,) = answers[0] or []
    assert (candidate.category, candidate.mask.area) == ("cat", 1)
    assert candidate.provenance == Provenance(Source.MODEL, "v7", 0.5)


def test_a_candidate_has_the_name_that_its_category_has_now(
    prompts: Prompts, open_session: Session, qtbot: QtBot
) -> None:
    category = open_session.store.add_category("felid")  # which v7 knows as "cat"
    write_versions(open_session.store.folder, "v7")
    card = open_session.store.folder / "models" / "v7" / "card.json"
    card.write_text(json.dumps({IDS: {"cat": category.id}}))
    answers = Answers()
    prompts.ask_point((3, 4), answers)
    qtbot.waitUntil(lambda: len(answers) == 1)
    assert [candidate.category for candidate in answers[0] or []] == ["felid"]


def test_only_the_last_question_is_answered(prompts: Prompts, qtbot: QtBot) -> None:
    first, second, third = Answers(), Answers(), Answers()
    prompts.ask_point((3, 4), first)
    prompts.ask_box((1, 2, 9, 9), second)
    prompts.cancel()
    prompts.ask_box((1, 2, 9, 9), third)
    qtbot.waitUntil(lambda: len(third) == 1)
    assert (first, second) == ([], [])


def test_questions_go_before_what_waits_on_the_model_lane(
    prompts: Prompts, jobs: JobRunner, qtbot: QtBot
) -> None:
    order: list[str] = []
    gate = threading.Event()
    jobs.start(Lane.MODEL, lambda job: gate.wait(10))
    jobs.start(Lane.MODEL, lambda job: None, priority=1, on_done=lambda _: order.append("load"))
    prompts.ask_box((1, 2, 9, 9), lambda _: order.append("prompt"))
    gate.set()
    qtbot.waitUntil(lambda: len(order) == 2)
    assert order == ["prompt", "load"]
    assert PROMPT > 1


def test_what_cannot_be_answered_is_told(
    prompts: Prompts,
    open_session: Session,
    failures: list[tuple[str, str]],
    qtbot: QtBot,
) -> None:
    answers = Answers()
    assert open_session.document is not None
    open_session.image_path(open_session.document.image_id).unlink()
    prompts.ask_point((3, 4), answers)
    qtbot.waitUntil(lambda: answers == [None])
    assert [title for title, _ in failures] == ["The model cannot be asked"]
