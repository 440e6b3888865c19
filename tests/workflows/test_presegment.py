import weakref
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from core.images import content_hash, read_rgb
from core.masks import Mask
from core.model.config import MaskRCNNConfig
from core.predictor import Detection, Predictor
from mrcnn_gui.cli import run
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus, Side, Suggestion
from mrcnn_gui.project.content import Content, read_content
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.project.suggestions import SuggestionStore
from mrcnn_gui.workflows.presegment import (
    Presegmented,
    PresegmentProgress,
    presegment,
    presegment_each,
    presegment_image,
    presegment_todo,
)
from tests.workflows.conftest import HEIGHT, WIDTH, rectangle, write_picture


@dataclass
class FixedPredictor:
    """Finds the same in every image, and an empty mask that must not be kept."""

    seen: list[tuple[int, ...]] = field(default_factory=list)
    device: str = "cpu"
    config: MaskRCNNConfig = field(default_factory=lambda: MaskRCNNConfig(image_size=48))

    def predict(self, image: NDArray[np.uint8], *, min_score: float) -> list[Detection]:
        self.seen.append(image.shape)
        box = (1.0, 1.0, 9.0, 9.0)
        found = [
            Detection("object", 0.9, box, rectangle(1, 1, 8, 8)),
            Detection("object", 0.3, box, rectangle(20, 1, 8, 8)),
            Detection("object", 0.2, box, Mask.empty()),
        ]
        return [detection for detection in found if detection.score >= min_score]


@pytest.fixture
def predictor() -> Predictor:
    return cast("Predictor", FixedPredictor())


def presegment_one(
    project: Path, image_id: int, predictor: Predictor, version: str, **settings: Any
) -> Presegmented:
    result = presegment_image(project, image_id, predictor, version, **settings)
    assert result is not None
    return result


def stored(project: Path, content_hash: str) -> list[Suggestion]:
    with SuggestionStore(project, read_only=True) as suggestions:
        return suggestions.for_image(content_hash)


def test_suggestions_are_stored_under_the_content_hash(
    project: Path, photos: Path, predictor: Predictor
) -> None:
    result = presegment_one(project, 1, predictor, "v3")
    assert (result.count, result.problem) == (2, "")
    assert (result.width, result.height) == (WIDTH, HEIGHT)
    assert result.content_hash == content_hash(photos / "0.png")
    with SuggestionStore(project, read_only=True) as suggestions:
        assert suggestions.ran_with(result.content_hash) == "v3"
    found = stored(project, result.content_hash)
    assert [(each.score, each.model_version) for each in found] == [(0.9, "v3"), (0.3, "v3")]
    with Store.open(project, read_only=True) as store:
        assert store.image(1).content_hash == ""  # project.db has one writer: not this flow


def test_a_low_score_is_left_out(project: Path, predictor: Predictor) -> None:
    assert presegment_one(project, 1, predictor, "v3", min_score=0.5).count == 1


def test_a_new_run_replaces_the_one_before(project: Path, predictor: Predictor) -> None:
    presegment_image(project, 1, predictor, "v1")
    key = presegment_one(project, 1, predictor, "v2", min_score=0.5).content_hash
    assert [each.model_version for each in stored(project, key)] == ["v2"]


def test_an_unreadable_image_is_reported_and_the_run_goes_on(
    project: Path, photos: Path, predictor: Predictor
) -> None:
    (photos / "0.png").unlink()
    (photos / "1.png").write_bytes(b"")
    (photos / "2.png").write_bytes((photos / "2.png").read_bytes()[:2000])
    steps: list[PresegmentProgress] = []
    results = presegment(project, [1, 2, 3, 4], predictor, "v1", on_progress=steps.append)
    assert [bool(result.problem) for result in results] == [True, True, True, False]
    assert "No such file" in results[0].problem
    assert "the file is empty" in results[1].problem
    assert "2.png" in results[2].problem
    assert [(step.done, step.total) for step in steps] == [(n, 4) for n in (1, 2, 3, 4)]
    assert steps[-1].seconds_left == 0
    assert steps[-1].last == results[-1]


def test_a_stopped_run_keeps_what_is_done(project: Path, predictor: Predictor) -> None:
    answers = iter([False, False, True])
    results = presegment(project, [1, 2, 3], predictor, "v1", should_stop=lambda: next(answers))
    assert [result.image_id for result in results] == [1, 2]


def test_no_more_photos_are_in_memory_than_are_worked_on(
    project: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers, count = 2, 16
    with Store.open(project) as store:
        store.add_images([write_picture(photos / f"more_{n}.png", n) for n in range(count)])
        wanted = [entry.id for entry in store.images()][-count:]
    refs: list[weakref.ref[NDArray[np.uint8]]] = []
    alive: list[int] = []

    def read(path: Path) -> NDArray[np.uint8]:
        image = read_rgb(path)
        refs.append(weakref.ref(image))
        alive.append(sum(ref() is not None for ref in refs))
        return image

    monkeypatch.setattr("mrcnn_gui.workflows.presegment.read_rgb", read)
    done: list[int] = []

    def check(progress: PresegmentProgress) -> None:
        done.append(progress.done)
        assert len(refs) <= progress.done + workers + 1  # nobody runs away from the storing

    predictor = cast("Predictor", FixedPredictor())
    presegment(project, wanted, predictor, "v1", workers=workers, on_progress=check)
    assert len(alive) == len(done) == count
    assert max(alive) <= workers


def test_images_are_chosen_late_and_stored_before_they_are_told(
    project: Path, predictor: Predictor
) -> None:
    taken: list[int] = []

    def choose() -> Iterator[int]:
        for image_id in (3, 1, 4, 2):
            taken.append(image_id)
            yield image_id

    with closing(presegment_each(project, choose(), predictor, "v1", workers=1)) as results:
        first = next(results)
        with SuggestionStore(project, read_only=True) as suggestions:
            assert suggestions.ran_with(first.content_hash) == "v1"
    assert first.image_id == 3
    assert len(taken) < 4


def test_the_command_line_takes_what_is_to_do_and_notes_what_it_read(
    project: Path, photos: Path, starter: Path
) -> None:
    with Store.open(project) as store:
        store.set_status(1, ReviewStatus.DONE)
    (photos / "1.png").write_bytes(b"")
    results = presegment_todo(project, None)
    assert [result.image_id for result in results] == [2, 3, 4]
    with Store.open(project, read_only=True) as store:
        entries = store.images()
    assert "empty" in entries[1].problem
    assert entries[2].content_hash == content_hash(photos / "2.png")
    with SuggestionStore(project, read_only=True) as suggestions:
        assert len(suggestions.for_image(entries[2].content_hash)) == results[1].count > 0


def noted(entry: ImageEntry) -> Content:
    return Content(entry.content_hash, entry.file_size, entry.modified_ns)


def test_a_file_that_was_replaced_gets_its_new_hash_and_keeps_its_side(
    project: Path, photos: Path, starter: Path
) -> None:
    before = read_content(photos / "0.png")
    with Store.open(project) as store:
        store.set_status(1, ReviewStatus.DONE)
        assert noted(store.image(1)) == before
        side = Side.TRAIN if store.image(1).side is Side.VALIDATION else Side.VALIDATION
        store.set_side(1, side)  # not the one that its content would choose
        store.set_status(1, ReviewStatus.TODO)
    write_picture(photos / "0.png", 77)
    count = presegment_todo(project, None)[0].count
    with Store.open(project) as store:
        store.set_status(1, ReviewStatus.DONE)
        entry = store.image(1)
    assert noted(entry) == read_content(photos / "0.png") != before
    assert entry.side is side
    with SuggestionStore(project, read_only=True) as suggestions:
        assert len(suggestions.for_image(entry.content_hash)) == count > 0
        assert suggestions.for_image(before.content_hash) == []


def test_a_project_that_is_being_written_is_left_alone(project: Path, starter: Path) -> None:
    with Store.open(project), pytest.raises(ProjectError, match="open in another window"):
        presegment_todo(project, None)


def test_long_and_non_ascii_paths_work(tmp_path: Path, predictor: Predictor) -> None:
    folder = tmp_path / ("ü" * 100) / ("長" * 60)
    path = write_picture(folder / "größe 写真.png")
    with Store.create(folder / ".mrcnn") as store:
        store.add_images([path])
    assert presegment_one(folder / ".mrcnn", 1, predictor, "v1").count == 2


def test_in_tiles_a_large_image_is_seen_at_full_size_and_a_small_one_as_before(
    project: Path, photos: Path
) -> None:
    write_picture(photos / "1.png", width=48, height=30)
    model = FixedPredictor()
    predictor = cast("Predictor", model)
    result = presegment_one(project, 1, predictor, "v1", min_score=0.5, tiles=True)
    assert model.seen == [(48, 48, 3)] * 6
    places = {each.mask.box_xyxy[:2] for each in stored(project, result.content_hash)}
    assert places == {(x + 1, y + 1) for x in (0, 24, 48) for y in (0, 16)}
    assert (result.count, result.width, result.height) == (6, WIDTH, HEIGHT)
    model.seen.clear()
    presegment_one(project, 2, predictor, "v1", tiles=True)
    presegment_one(project, 1, predictor, "v1")
    assert model.seen == [(30, 48, 3), (HEIGHT, WIDTH, 3)]


def test_a_stop_between_tiles_keeps_what_is_done_and_nothing_of_that_image(project: Path) -> None:
    key = presegment_one(project, 2, cast("Predictor", FixedPredictor()), "v1").content_hash
    model = FixedPredictor()
    results = presegment(
        project,
        [1, 2, 3],
        cast("Predictor", model),
        "v2",
        tiles=True,
        should_stop=lambda: len(model.seen) == 8,
        workers=0,
    )
    assert len(model.seen) == 8  # of six tiles each
    assert [result.image_id for result in results] == [1]
    assert {each.model_version for each in stored(project, key)} == {"v1"}


def test_one_image_is_stopped_between_tiles(project: Path, photos: Path) -> None:
    model = FixedPredictor()
    stopped = presegment_image(
        project,
        *(1, cast("Predictor", model), "v1"),
        tiles=True,
        should_stop=lambda: len(model.seen) == 2,
    )
    assert stopped is None
    assert len(model.seen) == 2
    assert stored(project, content_hash(photos / "0.png")) == []


@pytest.mark.parametrize("tiles", [False, True])
def test_the_command_line_looks_in_tiles_when_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch, starter: Path, tiles: bool
) -> None:
    model = FixedPredictor()
    monkeypatch.setattr("mrcnn_gui.workflows.presegment.load_predictor", lambda *_: model)
    assert run(["presegment", str(project), *(["--tiles"] if tiles else [])]) == 0
    assert len(model.seen) == (4 * 6 if tiles else 4)
