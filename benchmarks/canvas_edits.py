"""The brush among a thousand instances on 8000 x 8000 pixels: dabs, release, undo."""

from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from benchmarks.canvas_driver import Hand, Times

_STROKES, _MOVES = 25, 4  # for each radius and scale
_LEFT = Qt.MouseButton.LeftButton


def paint(hand: Hand) -> dict[str, Times]:
    """Strokes into the selected instance, at fit and pixel by pixel, each undone and redone."""
    times: dict[str, Times] = {"dab_50": [], "dab_500": [], "release": [], "undo": []}
    state = hand.services.view_state
    state.selected_instance = 1
    QTest.keyClick(hand.canvas, Qt.Key.Key_B)
    for zoom in (hand.canvas.fit, hand.canvas.zoom_100):
        zoom()
        for radius in (50, 500):
            state.brush_radius = radius
            hand.wait()
            for number in range(_STROKES):
                _stroke(hand, number, times[f"dab_{radius}"], times["release"])
                for key in (Qt.Key.Key_Z, Qt.Key.Key_Y):
                    times["undo"].append(hand.time(partial(_press, hand, key)))
    QTest.keyClick(hand.canvas, Qt.Key.Key_V)
    return times


def _stroke(hand: Hand, number: int, dabs: Times, releases: Times) -> None:
    canvas = hand.canvas
    at = canvas.rect().center() + QPoint(4 * number - 50, 3 * number - 40)
    dabs.append(hand.time(partial(QTest.mousePress, canvas, _LEFT, pos=at)))
    for move in range(1, _MOVES + 1):
        end = at + QPoint(7 * move, 5 * move)
        dabs.append(hand.time(partial(QTest.mouseMove, canvas, end)))
    releases.append(hand.time(partial(QTest.mouseRelease, canvas, _LEFT, pos=end)))


def _press(hand: Hand, key: Qt.Key) -> None:
    QTest.keyClick(hand.canvas, key, Qt.KeyboardModifier.ControlModifier)
