"""Edits a project at full speed and prints each acknowledged step, until somebody kills it.

Run as `python -m tests.project.edit_until_killed PROJECT_FOLDER SEED`.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.edits import AddInstance, Edit, PaintMask, RejectSuggestion, RemoveInstance
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from tests.project.samples import block, instance, suggestion


def steps(history: History, document: ImageDocument, seed: int) -> Iterator[int]:
    """Make one random push, undo or redo after the other; yields its number when it is saved."""
    chance = random.Random(seed)
    for number in range(1, 10_000):
        action = chance.choices([history.undo, history.redo, None], [2, 1, 5])[0]
        if action is None:
            history.push(random_edit(chance, document, number))
        else:
            action()
        yield number


def random_edit(chance: random.Random, document: ImageDocument, number: int) -> Edit:
    mask = block(chance.randrange(15), chance.randrange(12), 4, 3)
    if not document.instances or chance.random() < 0.3:
        return AddInstance(instance(number, mask))
    if chance.random() < 0.2:
        return RejectSuggestion(suggestion(x=number))
    present = chance.choice(list(document.instances.values()))
    return RemoveInstance(present) if chance.random() < 0.2 else PaintMask(present.id, mask)


def main() -> None:
    with Store.open(Path(sys.argv[1])) as store:
        document = store.load_document(1)
        for number in steps(History(store, document), document, int(sys.argv[2])):
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
