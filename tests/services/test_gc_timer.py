import gc
import weakref

from pytestqt.qtbot import QtBot

from mrcnn_gui.services.gc_timer import GarbageTimer


class Knot:
    def __init__(self) -> None:
        self.me = self


def test_collects_on_the_gui_thread_only(qtbot: QtBot) -> None:
    timer = GarbageTimer()
    try:
        assert not gc.isenabled()
        knot = weakref.ref(Knot())
        kept = [[] for _ in range(3 * gc.get_threshold()[0])]  # type: ignore[var-annotated]
        assert knot() is not None
        timer.collect()
        assert knot() is None
        assert kept
    finally:
        timer.stop()
    assert gc.isenabled()
    gc.disable()  # as the fixture left it
