"""The brush among a thousand instances on 8000 x 8000 pixels: dabs, release, undo.

The image is fitted to the view, as it is when it is opened; the large brush is also measured pixel
by pixel, where one dab covers two thirds of the view.
"""

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from benchmarks.canvas_driver import Hand, Times

_STROKES, _MOVES = 45, 4  # for each radius and scale
_LEFT = Qt.MouseButton.LeftButton


def paint(hand: Hand) -> dict[str, Times]:
    """Strokes into the selected instance, each undone and redone."""
    names = ("dab_50", "dab_500", "dab_500_whole_pixels", "release", "undo")
    times: dict[str, Times] = {name: [] for name in names}
    state = hand.services.view_state
    state.selected_instance = 1
    QTest.keyClick(hand.canvas, Qt.Key.Key_B)
    for name, radius in (("dab_50", 50), ("dab_500", 500), ("dab_500_whole_pixels", 500)):
        state.brush_radius = radius
        (hand.canvas.zoom_100 if name.endswith("pixels") else hand.canvas.fit)()
        hand.wait()
        rest = times if name != "dab_500_whole_pixels" else {"release": [], "undo": []}
        for number in range(_STROKES):
            _stroke(hand, number, times[name], rest["release"])
            for key in (Qt.Key.Key_Z, Qt.Key.Key_Y):
                rest["undo"].append(hand.time(partial(_press, hand, key)))
    QTest.keyClick(hand.canvas, Qt.Key.Key_V)
    return times


def _stroke(hand: Hand, number: int, dabs: Times, releases: Times) -> None:
    canvas = hand.canvas
    at = canvas.rect().center() + QPoint(4 * number - 50, 3 * number - 40)
    dabs.append(hand.time(partial(QTest.mousePress, canvas, _LEFT, pos=at)))
    for move in range(1, _MOVES + 1):
        end = at + QPoint(7 * move, 5 * move)
        dabs.append(hand.time(partial(QTest.mouseMove, canvas, end)))
    releases.append(hand.time_to_disk(partial(QTest.mouseRelease, canvas, _LEFT, pos=end)))


def _press(hand: Hand, key: Qt.Key) -> None:
    QTest.keyClick(hand.canvas, key, Qt.KeyboardModifier.ControlModifier)
