"""Edits of all kinds at random, small and large, with undo and redo: the same for the same seed."""

import copy
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.masks import Mask
from mrcnn_gui.project.annotation import ReviewStatus
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AddInstance, Edit, PaintMask, RejectSuggestion, RemoveInstance
from mrcnn_gui.project.history import History
from mrcnn_gui.project.log_sync import empty_log, sync_log
from mrcnn_gui.project.store import Store
from tests.crash.scene import Tell, outcomes
from tests.project.samples import block, fill, instance, suggestion

WIDTH, HEIGHT = 900, 700
_NOISE = (890, 690)  # larger than what is written whole at every stroke


class Editing:
    """Edits on one image with a mask so large that its strokes are written alone."""

    endless = True

    def prepare(self, folder: Path) -> None:
        """A project with one large image."""
        with Store.create(folder) as store:
            fill(store)
            store.update_image(1, width=WIDTH, height=HEIGHT)

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Edit without end, and tell the number of each step that is saved."""
        with Store.open(folder) as store:
            for number, _ in enumerate(steps(store, store.load_document(1), seed), start=1):
                tell(str(number))

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """What is not as the last told step left it; nor as the one that was under way."""
        with Store.open(template) as calm, Store.open(folder) as killed:
            found = _state(killed, killed.load_document(1))
            document = calm.load_document(1)
            expected = outcomes(
                steps(calm, document, seed), lambda: _state(calm, document), len(told)
            )
            if found not in expected:
                yield f"after {len(told)} steps the document is another"
            yield from _undo_all(killed)


class WindowEditing(Editing):
    """The same as in the window: commits that do not wait, and a log that is emptied meanwhile."""

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Edit without end; what the disk has is acknowledged."""
        with Store.open(folder) as store:
            assert store.sync_later(lambda: None)
            threading.Thread(target=_empty_without_end, args=(folder,), daemon=True).start()
            for number, _ in enumerate(steps(store, store.load_document(1), seed), start=1):
                sync_log(folder)
                tell(str(number))


class NetworkEditing(Editing):
    """The same in a network folder, with a rollback journal."""

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Edit without end."""
        from unittest.mock import patch  # takes a while: not in the other scenes

        with patch("mrcnn_gui.project.database.is_network_folder", lambda _: True):
            super().act(folder, seed, tell)


def steps(store: Store, document: ImageDocument, seed: int) -> Iterator[None]:
    """Make one random push, undo, redo or fold after the other; yields when it is saved."""
    chance = random.Random(seed)
    history = History(store, document)
    history.push(AddInstance(instance(1, _noise())))
    yield
    for number in range(2, 100_000):
        action = chance.choices(["undo", "redo", "fold", "push"], [4, 2, 1, 10])[0]
        if action == "push":
            history.push(_random_edit(chance, document, number))
        elif action == "fold":
            store.fold_strokes(document.image_id)
        else:
            getattr(history, action)()
        yield


def _random_edit(chance: random.Random, document: ImageDocument, number: int) -> Edit:
    mask = block(chance.randrange(WIDTH - 50), chance.randrange(HEIGHT - 40), 40, 30)
    if not document.instances or chance.random() < 0.3:
        return AddInstance(instance(number, mask))
    if chance.random() < 0.2:
        return RejectSuggestion(suggestion(x=number))
    present = chance.choice([document.instances.get(1), *document.instances.values()])
    if present is None:
        return AddInstance(instance(number, mask))
    return RemoveInstance(present) if chance.random() < 0.1 else PaintMask(present.id, mask)


def _noise() -> Mask:
    width, height = _NOISE
    return Mask.from_bitmap(np.random.default_rng(0).integers(0, 2, (height, width)) > 0)


def _empty_without_end(folder: Path) -> None:
    while True:
        empty_log(folder)
        time.sleep(0.01)


def _state(store: Store, document: ImageDocument) -> Any:
    history = History(store, document)
    return copy.deepcopy(document), history.titles(), history.position


def _undo_all(store: Store) -> Iterator[str]:
    document = store.load_document(1)
    history = History(store, document)
    while history.can_undo:
        history.undo()
    if document != store.load_document(1):
        yield "memory and disk differ when all is undone"
    if document.instances or document.decisions or document.status is not ReviewStatus.TODO:
        yield "something is left when all is undone"
