"""Strokes on large masks are written alone, and nobody who reads can tell."""

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.masks import Mask
from mrcnn_gui.project import annotation_table
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AddInstance, Batch, Edit, PaintMask, RemoveInstance, SetCategory
from mrcnn_gui.project.errors import DamagedProjectError
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from tests.project.samples import HEIGHT, WIDTH, block, instance, new_project
from tests.project.test_durability import everything, fails


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat the small masks of these tests as large ones."""
    monkeypatch.setattr(annotation_table, "LARGE", 0)


@pytest.fixture
def opened(store: Store, all_are_large: None) -> tuple[Store, ImageDocument, History]:
    document = store.load_document(1)
    history = History(store, document)
    history.push(AddInstance(instance(1, block(0, 0, 9, 9))))
    history.push(AddInstance(instance(2)))
    return store, document, history


def pending(store: Store) -> int:
    return int(store._database.execute("SELECT count(*) FROM strokes")[0][0])


def stored_masks(store: Store) -> list[tuple[object, ...]]:
    return store._database.execute("SELECT x, y, width, height, mask FROM instances ORDER BY id")


def test_a_stroke_on_a_mask_of_a_megapixel_leaves_its_row_alone(store: Store) -> None:
    store.update_image(1, width=2000, height=2000)
    document = store.load_document(1)
    history = History(store, document)
    noise = np.random.default_rng(0).random((1000, 1000)) < 0.5
    history.push(AddInstance(instance(1, Mask.from_bitmap(noise))))
    history.push(AddInstance(instance(2)))
    before = stored_masks(store)
    history.push(PaintMask(1, block(10, 10, 50, 50)))
    assert (pending(store), stored_masks(store)) == (1, before)
    history.push(PaintMask(2, block(9, 9, 1, 1)))
    assert pending(store) == 1  # a small mask is written whole
    assert store.load_document(1) == document
    store.fold_strokes(1)
    assert pending(store) == 0
    assert store.load_document(1) == document


def test_undo_and_redo_are_strokes_too(opened: tuple[Store, ImageDocument, History]) -> None:
    store, document, history = opened
    history.push(PaintMask(1, block(3, 3, 4, 4)))
    history.undo()
    assert pending(store) == 2
    assert store.load_document(1) == document
    store.fold_strokes(1)
    history.redo()
    assert store.load_document(1) == document


OTHER_EDITS: dict[str, Callable[[ImageDocument], Edit]] = {
    "removal": lambda document: RemoveInstance(document.instances[1]),
    "category": lambda document: SetCategory(1, 1, 2),
    "category and paint": lambda document: Batch(
        (SetCategory(1, 1, 2), PaintMask(1, block(1, 1, 2, 2))), "Both"
    ),
    "paint and category": lambda document: Batch(
        (PaintMask(1, block(1, 1, 2, 2)), SetCategory(1, 1, 2)), "Both"
    ),
    "a new one that is painted": lambda document: Batch(
        (AddInstance(instance(7)), PaintMask(7, block(0, 0, 3, 3))), "Both"
    ),
    "two strokes at once": lambda document: Batch(
        (PaintMask(1, block(1, 1, 2, 2)), PaintMask(1, block(2, 2, 9, 9))), "Both"
    ),
}


@pytest.mark.parametrize("name", OTHER_EDITS)
@pytest.mark.parametrize("folded", [False, True])
def test_other_edits_of_an_instance_with_strokes(
    opened: tuple[Store, ImageDocument, History], name: str, folded: bool
) -> None:
    store, document, history = opened
    history.push(PaintMask(1, block(3, 3, 4, 4)))
    history.push(PaintMask(1, block(20, 20, 2, 2)))
    for act in (lambda: history.push(OTHER_EDITS[name](document)), history.undo, history.redo):
        act()
        if folded:
            store.fold_strokes(1)
        assert store.load_document(1) == document
    while history.can_undo:
        history.undo()
        assert store.load_document(1) == document
    assert pending(store) == 0  # they went with their instances


def test_an_error_at_any_statement_of_folding_changes_nothing(
    opened: tuple[Store, ImageDocument, History],
) -> None:
    store, document, history = opened
    history.push(PaintMask(1, block(3, 3, 4, 4)))
    history.push(PaintMask(2, block(3, 3, 9, 9)))
    disk, strokes, failures = everything(store), pending(store), 0
    while fails(store, lambda: store.fold_strokes(1), at_statement=failures + 1):
        failures += 1
        assert (everything(store), pending(store)) == (disk, strokes)
        assert store.load_document(1) == document
    assert failures > 5
    assert pending(store) == 0
    assert store.load_document(1) == document


def test_an_error_at_any_statement_of_a_stroke_changes_nothing(
    opened: tuple[Store, ImageDocument, History],
) -> None:
    store, document, history = opened
    history.push(PaintMask(1, block(3, 3, 4, 4)))
    memory, failures = copy.deepcopy(document), 0
    stroke = PaintMask(1, block(1, 1, 30, 20))
    while fails(store, lambda: history.push(stroke), at_statement=failures + 1):
        failures += 1
        assert document == memory == store.load_document(1)
        assert pending(store) == 1
    assert failures > 3
    assert document == store.load_document(1) != memory


def test_strokes_outlive_the_program(tmp_path: Path, all_are_large: None) -> None:
    with new_project(tmp_path) as store:
        document = store.load_document(1)
        history = History(store, document)
        history.push(AddInstance(instance(1)))
        history.push(PaintMask(1, block(0, 0, 9, 9)))
        folder = store.folder
    for read_only in (True, False):
        with Store.open(folder, read_only=read_only) as again:
            assert again.load_document(1) == document
            assert pending(again) == 1


def test_a_damaged_stroke_is_told(opened: tuple[Store, ImageDocument, History]) -> None:
    store, _, history = opened
    history.push(PaintMask(1, block(3, 3, 4, 4)))
    store._database.execute("UPDATE strokes SET mask = x'00'")
    with pytest.raises(DamagedProjectError, match="mask is damaged"):
        store.load_document(1)


BOXES = st.builds(
    block,
    st.integers(0, WIDTH - 1),
    st.integers(0, HEIGHT - 1),
    st.integers(1, WIDTH),
    st.integers(1, HEIGHT),
)
STEPS = st.lists(st.one_of(BOXES, st.sampled_from(["undo", "redo", "fold"])), max_size=15)


@settings(max_examples=12, deadline=None, database=None)
@given(STEPS)
def test_any_mixture_reads_back_as_memory_has_it(steps: list[Mask | str]) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        tempfile.TemporaryDirectory() as folder,
        new_project(Path(folder)) as store,
    ):
        patch.setattr(annotation_table, "LARGE", 0)
        document = store.load_document(1)
        history = History(store, document)
        history.push(AddInstance(instance(1)))
        acts = {"undo": history.undo, "redo": history.redo}
        for step in steps:
            if isinstance(step, Mask):
                if 1 in document.instances:
                    history.push(PaintMask(1, step))
            elif step == "fold":
                store.fold_strokes(1)
            else:
                acts[step]()
            assert store.load_document(1) == document
