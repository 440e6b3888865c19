"""Takes a picture of every tool at work, from the real window on the sample project.

`python -m scripts.tool_pictures FOLDER` writes tool-select.jpg, tool-vertex.jpg and so on.
"""

import argparse
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from benchmarks.window import open_window, run_until
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.sample import write_sample
from scripts.picture import shoot

Point = tuple[float, float]

_SCENE = 8  # one that is still to do, in which what the starter shows is right
_SIZE = (1100, 760)
_STEPS = 8  # of the mouse between two points
_LEFT, _SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
_NO_KEYS = Qt.KeyboardModifier.NoModifier


class Hand:
    """Holds a tool, and draws with it in image coordinates."""

    def __init__(self, window: MainWindow, services: Services) -> None:
        self.window = window
        self.services = services
        self._held: tuple[Point, Qt.KeyboardModifier] | None = None

    def take(self, tool: str) -> None:
        """Take a tool into the hand by its key."""
        shortcut = self.window.actions_by_id[tool].shortcut()
        QTest.keySequence(self.window.canvas, QKeySequence(shortcut))

    def draw(self, *points: Point, keys: Qt.KeyboardModifier = _NO_KEYS) -> None:
        """Draw along points, and keep the button down."""
        canvas = self.window.canvas
        QTest.mousePress(canvas, _LEFT, keys, self._place(points[0]))
        for start, stop in pairwise(points):
            for step in range(1, _STEPS + 1):
                share = step / _STEPS
                x, y = (a + (b - a) * share for a, b in zip(start, stop, strict=True))
                QTest.mouseMove(canvas, self._place((x, y)))
        self._held = points[-1], keys

    def release(self) -> None:
        """Let the button go."""
        if self._held is not None:
            at, keys = self._held
            QTest.mouseRelease(self.window.canvas, _LEFT, keys, self._place(at))
            self._held = None

    def largest(self) -> Instance:
        """The largest instance, selected."""
        document = self.services.session.document
        assert document is not None
        largest = max(document.instances.values(), key=lambda instance: instance.mask.area)
        self.services.view_state.selected_instance = largest.id
        return largest

    def _place(self, point: Point) -> QPoint:
        return self.window.canvas.to_view(*point).toPoint()


def select(hand: Hand) -> None:
    """A frame around the upper left half of the scene."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    hand.draw((left - 60, top - 60), (right + 60, bottom + 60), keys=_SHIFT)


def vertex(hand: Hand) -> None:
    """A vertex of the largest instance, dragged away from it."""
    mask = hand.largest().mask
    hand.take("vertex")
    left, top = mask.x, mask.y + int(mask.crop[:, 0].argmax())
    hand.draw((left, top), (left - 25, top - 15))


def stroke(hand: Hand) -> None:
    """A stroke over the lower edge of the largest instance."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    middle = (left + right) / 2
    hand.draw((middle, (top + bottom) / 2), (middle + 10, bottom + 12))


def area(hand: Hand) -> None:
    """A line around the largest instance."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    hand.services.view_state.selected_instance = None
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    corners = (middle_x, top - 8), (right + 8, middle_y), (middle_x, bottom + 8)
    hand.draw((left - 8, middle_y), *corners)


def box(hand: Hand) -> None:
    """A rectangle around the largest instance."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    hand.services.view_state.selected_instance = None
    hand.draw((left - 6, top - 6), (right + 6, bottom + 6))


def polygon(hand: Hand) -> None:
    """Four corners around the largest instance, the last one under the cursor."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    hand.services.view_state.selected_instance = None
    for corner in ((left, top), (right, top), (right, bottom), (left, bottom)):
        hand.release()
        hand.draw((corner[0] * 1.0, corner[1] * 1.0))


def wand(hand: Hand) -> None:
    """The colour in the middle of the largest instance, and somewhat more."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    hand.services.view_state.selected_instance = None
    middle = (left + right) / 2, (top + bottom) / 2
    hand.draw(middle, (middle[0] + 20, middle[1]))
    run_until(lambda: bool(hand.window.canvas.preview.shapes))


def cut(hand: Hand) -> None:
    """A line across the largest instance."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    hand.draw((left - 10, top - 5), ((left + right) / 2, (top + bottom) / 2), (right + 8, bottom))


def click(hand: Hand) -> None:
    """The model's candidates for the largest instance."""
    left, top, right, bottom = hand.largest().mask.box_xyxy
    hand.services.view_state.selected_instance = None
    hand.draw(((left + right) / 2, (top + bottom) / 2))
    hand.release()
    run_until(lambda: bool(hand.window.canvas.preview.shapes))


GESTURES: dict[str, Callable[[Hand], None]] = {
    "select": select,
    "vertex": vertex,
    "brush": stroke,
    "eraser": stroke,
    "polygon": polygon,
    "lasso": area,
    "rectangle": box,
    "wand": wand,
    "box_prompt": box,
    "click_prompt": click,
    "cut": cut,
    "region": area,
}
"""What each tool is caught at."""


def main() -> None:
    """Write all pictures into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tools", nargs="*", default=list(GESTURES), choices=list(GESTURES))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        project = write_sample(Path(work) / "sample")
        with open_window(project) as (window, services):
            window.resize(*_SIZE)
            _prepare(window, services)
            for tool in options.tools:
                _take(Hand(window, services), tool, options.folder / f"tool-{tool}.jpg")


def _prepare(window: MainWindow, services: Services) -> None:
    """Open a scene and accept what the model suggests there."""
    services.session.open_image(services.session.images[_SCENE].id)
    run_until(lambda: window.canvas.shows_image)
    QTest.keyClick(window.canvas, Qt.Key.Key_Space)
    run_until(lambda: bool(services.segmenter.visible_suggestions()))
    run_until(lambda: not services.segmenter.is_running)
    services.segmenter.accept_all_visible()


def _take(hand: Hand, tool: str, path: Path) -> None:
    hand.take(tool)
    GESTURES[tool](hand)
    shoot(hand.window, path)
    hand.window.canvas.cancel_gesture()
    hand.release()


if __name__ == "__main__":
    main()
