"""Jumps in the history of the open image: at once, or in the background where they are long."""

from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.exclusive import Course
from mrcnn_gui.services.session import Session

AT_ONCE = 200  # edits, each of which may take half a millisecond: more would be felt


def jump(session: Session, position: int) -> None:
    """Undo or redo until so many edits of the open image are in force.

    A long jump has the project to itself, as an import has: the window goes on, nothing else
    changes the project, and all is shown anew when it has ended.
    """
    document, history = session.document, session.history
    if document is None or history is None:
        return
    if abs(position - history.position) <= AT_ONCE:
        session.jump(position)
    else:
        session.exclusive.run("Jump in the history", _jump, document.image_id, position)


def _jump(store: Store, image_id: int, position: int, _: Course) -> None:
    History(store, store.load_document(image_id)).jump(position)
