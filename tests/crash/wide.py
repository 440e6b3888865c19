"""Edits over many images, one after the other."""

import itertools
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mrcnn_gui.project.document import EditError
from mrcnn_gui.project.store import Store
from tests.crash.scene import Tell, outcomes
from tests.project.samples import CATEGORY_IDS, block, instance

_IMAGES = 40
_EACH = 12


class WideEditing:
    """Merging and deleting categories, with undo and redo."""

    endless = True

    def prepare(self, folder: Path) -> None:
        """A project whose images have instances of all categories."""
        with Store.create(folder) as store, store.transaction():
            for number in CATEGORY_IDS:
                store.add_category(f"category {number}", category_id=number)
            store.add_images([folder / f"{number}.jpg" for number in range(_IMAGES)])
            for entry in store.images():
                store.insert_instances(
                    entry.id,
                    [
                        instance(entry.id * 100 + n, block(n, n, 4, 3), CATEGORY_IDS[n % 3])
                        for n in range(_EACH)
                    ],
                )

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Edit without end, and tell the number of each step that is saved."""
        with Store.open(folder) as store:
            for number, _ in enumerate(_steps(store, seed), start=1):
                tell(str(number))

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """What is not as the last told step left it; nor as the one that was under way."""
        with Store.open(template) as calm, Store.open(folder) as killed:
            expected = outcomes(_steps(calm, seed), lambda: _state(calm), len(told))
            if _state(killed) not in expected:
                yield f"after {len(told)} steps the project is another"


def _steps(store: Store, seed: int) -> Iterator[None]:
    chance = random.Random(seed)
    history = store.project_history
    for number in itertools.count():
        choices = ["undo", "undo", "redo", "merge", "delete"]
        action = chance.choice(choices) if number else "merge"
        with suppress(EditError):  # a step that does not fit is refused, and nothing changes
            if action == "merge":
                first, second = chance.sample(CATEGORY_IDS, 2)
                history.merge_category(first, second)
            elif action == "delete":
                history.delete_category(chance.choice(CATEGORY_IDS))
            else:
                getattr(history, action)()
        yield


def _state(store: Store) -> Any:
    documents = [store.load_document(entry.id) for entry in store.images()]
    cursors = [store.edit_log(entry.id).cursor for entry in store.images()]
    return documents, cursors, store.categories(), store.project_history.steps()
