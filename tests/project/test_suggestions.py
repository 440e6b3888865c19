"""Suggestions are kept per image content, replaced by the next run, and hidden when settled."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source, Suggestion
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AcceptSuggestion, AddInstance, RejectSuggestion
from mrcnn_gui.project.errors import CommitError, ProjectError
from mrcnn_gui.project.suggestions import SUGGESTIONS_FILE, SuggestionStore, visible
from tests.project.strategies import masks


def block(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_bitmap(np.ones((height, width), dtype=bool), x, y)


def suggestion(mask: Mask, score: float = 0.5, version: str = "v1") -> Suggestion:
    return Suggestion.of("object", score, mask, version)


LOW = suggestion(block(1, 2, 3, 4), 0.1)
HIGH = suggestion(block(5, 6, 7, 8), 0.9)


def test_the_best_score_comes_first_and_survives(tmp_path: Path) -> None:
    with SuggestionStore(tmp_path) as store:
        store.replace("aa", "v1", [LOW, HIGH])
        store.replace("bb", "v1", [])
    with SuggestionStore(tmp_path, read_only=True) as store:
        assert store.for_image("aa") == [HIGH, LOW]
        assert (store.ran_with("aa"), store.ran_with("bb"), store.ran_with("cc")) == (
            "v1",
            "v1",
            "",
        )
        assert store.for_image("bb") == store.for_image("cc") == []


def test_a_new_run_takes_the_place_of_the_old(tmp_path: Path) -> None:
    with SuggestionStore(tmp_path) as store:
        store.replace("aa", "v1", [LOW, HIGH])
        store.replace("bb", "v1", [HIGH])
        again = suggestion(block(0, 0, 2, 2), version="v2")
        store.replace("aa", "v2", [again, again])
        assert store.for_image("aa") == [again]
        assert store.ran_with("aa") == "v2"
        assert store.for_image("bb") == [HIGH]


def test_a_model_stores_its_own_while_those_of_another_are_read(tmp_path: Path) -> None:
    with SuggestionStore(tmp_path) as store, SuggestionStore(tmp_path) as other:
        store.replace("aa", "v1", [LOW])

        def read(*, fails: bool) -> Iterator[tuple[str, Suggestion]]:
            yield "aa", HIGH
            other.replace("bb", "v1", [LOW])
            other.replace("cc", "v1", [LOW])
            yield "bb", HIGH
            if fails:
                raise ProjectError("the file ends here")

        with pytest.raises(ProjectError, match="ends here"):
            store.replace_all("v2", read(fails=True))
        assert store.for_image("aa") == store.for_image("bb") == [LOW]
        store.replace_all("v2", read(fails=False))
        assert store.for_image("aa") == store.for_image("bb") == [HIGH]
        assert other.for_image("cc") == [LOW]
        assert [other.ran_with(key) for key in ("aa", "bb", "cc")] == ["v2", "v2", "v1"]


def test_a_reader_sees_the_file_when_it_comes(tmp_path: Path) -> None:
    with SuggestionStore(tmp_path, read_only=True) as reader, SuggestionStore(tmp_path) as writer:
        assert reader.for_image("aa") == []
        writer.replace("aa", "v1", [LOW])
        assert reader.for_image("aa") == [LOW]


@pytest.mark.parametrize("damage", [b"", b"no database at all", b"SQLite format 3\0" + b"x" * 5000])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / SUGGESTIONS_FILE).write_bytes(damage)
    with SuggestionStore(tmp_path, read_only=True) as reader:
        assert reader.for_image("aa") == []
        with SuggestionStore(tmp_path) as writer:
            writer.replace("aa", "v1", [LOW])
        assert reader.for_image("aa") == [LOW]


def test_damage_found_later_is_survived(tmp_path: Path) -> None:
    path = tmp_path / SUGGESTIONS_FILE
    with SuggestionStore(tmp_path) as store:
        store.replace("aa", "v1", [LOW, HIGH])
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)  # the header and the schema stay
    path.write_bytes(content)
    with SuggestionStore(tmp_path) as store:
        store.replace("aa", "v2", [HIGH])
        assert store.for_image("aa") == [HIGH]


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with SuggestionStore(tmp_path / "gone") as store, pytest.raises(ProjectError) as told:
        store.replace("aa", "v1", [LOW])
    assert not isinstance(told.value, CommitError)


def test_settled_suggestions_are_hidden() -> None:
    document = ImageDocument(1, 100, 100)
    rejected, accepted = suggestion(block(0, 0, 10, 10)), suggestion(block(50, 50, 10, 10))
    human = Provenance(Source.HUMAN)
    document.apply(RejectSuggestion(rejected))
    document.apply(AcceptSuggestion(accepted, Instance(1, 1, block(90, 90, 2, 2), human)))
    document.apply(AddInstance(Instance(2, 1, block(20, 20, 10, 10), human)))
    shown = [
        suggestion(block(0, 0, 10, 7), version="v2"),  # IoU 0.7 with the rejected one
        suggestion(block(20, 20, 10, 5), version="v2"),  # IoU 0.5 with an instance
        suggestion(block(50, 50, 10, 10), version="v2"),  # accepted from another version
    ]
    hidden = [
        rejected,
        accepted,
        suggestion(block(0, 0, 10, 8), version="v2"),
        suggestion(block(20, 20, 10, 6), version="v2"),
        suggestion(block(80, 0, 5, 5), 0.29),
    ]
    assert visible(document, [*hidden, *shown], 0.3) == shown


@settings(deadline=None)
@given(st.lists(masks(), max_size=4))
def test_a_rejected_run_is_never_shown_again(found: list[Mask]) -> None:
    document = ImageDocument(1, 20, 16)
    suggestions = {s.key: s for s in map(suggestion, found)}
    for each in suggestions.values():
        document.apply(RejectSuggestion(each))
    again = [suggestion(mask, version="v2") for mask in found if not mask.is_empty]
    assert visible(document, [*suggestions.values(), *again], 0.0) == []


@settings(deadline=None)
@given(st.lists(masks(), max_size=5), st.lists(masks(), max_size=5), st.lists(masks(), max_size=5))
def test_what_is_visible_follows_the_iou_alone(
    found: list[Mask], rejected: list[Mask], drawn: list[Mask]
) -> None:
    document = ImageDocument(1, 0, 0)
    for each in {s.key: s for s in map(suggestion, rejected)}.values():
        document.apply(RejectSuggestion(each))
    for number, mask in enumerate(drawn):
        document.apply(AddInstance(Instance(number, 1, mask, Provenance(Source.HUMAN))))
    asked = [
        mask
        for mask in found
        if not any(mask.iou(other) > 0.7 for other in rejected)
        and not any(mask.iou(other) > 0.5 for other in drawn)
    ]
    best: list[Mask] = []
    for mask in asked:
        if not any(mask.iou(better) > 0.5 for better in best):
            best.append(mask)
    fresh = [suggestion(mask, version="v2") for mask in found]
    assert [each.mask for each in visible(document, fresh, 0.0)] == best


def test_of_suggestions_that_cover_each_other_the_best_is_shown_until_it_is_rejected() -> None:
    document = ImageDocument(1, 100, 100)
    best = suggestion(block(0, 0, 10, 10), 0.9)
    second = suggestion(block(0, 0, 10, 6), 0.8)  # IoU 0.6 with the best, 1/6 with the part
    part = suggestion(block(0, 0, 10, 1), 0.7)
    assert visible(document, [best, second, part], 0.0) == [best, part]
    document.apply(RejectSuggestion(best))
    assert visible(document, [best, second, part], 0.0) == [second, part]


def test_two_threads_may_make_the_file_at_the_same_moment(tmp_path: Path) -> None:
    meeting = threading.Barrier(2, timeout=10)

    def store(folder: Path, content: str) -> None:
        with SuggestionStore(folder) as suggestions:
            meeting.wait()
            suggestions.replace(content, "v1", [LOW])

    with ThreadPoolExecutor(2) as pool:
        for number in range(20):
            folder = tmp_path / str(number)
            folder.mkdir()
            for each in [pool.submit(store, folder, content) for content in "ab"]:
                each.result()
            with SuggestionStore(folder, read_only=True) as suggestions:
                assert [suggestions.ran_with(content) for content in "ab"] == ["v1", "v1"]


def test_a_new_file_that_another_process_is_writing_is_waited_for(tmp_path: Path) -> None:
    """Two connections that change the journal at once: SQLite itself gives up without a wait."""
    other = sqlite3.connect(
        tmp_path / SUGGESTIONS_FILE, isolation_level=None, check_same_thread=False
    )
    other.execute("BEGIN IMMEDIATE")
    committing = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    committing.start()
    with SuggestionStore(tmp_path) as suggestions:
        suggestions.replace("a", "v1", [LOW])
        assert suggestions.ran_with("a") == "v1"
    committing.join()
    other.close()
