"""Somebody who annotates a sample scene with mouse and keys, and knows what is right."""

import time
from dataclasses import dataclass

from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest

from benchmarks.window import run_until
from core.masks import Mask
from mrcnn_gui.project.annotation import Suggestion
from mrcnn_gui.project.edits import PaintMask
from mrcnn_gui.ui.main_window import MainWindow
from mrcnn_gui.ui.services import Services
from mrcnn_gui.workflows.evaluation_figures import GOOD_IOU
from mrcnn_gui.workflows.scenes import CATEGORIES, SceneInstance, scene
from scripts.tool_pictures import Hand

_ANSWER_SECONDS = 30  # that the model may take for a box


@dataclass
class Work:
    """What it took to annotate a scene.

    Attributes:
        objects: That there are.
        accepted: Suggestions that were good as they came.
        boxed: Objects that the model filled in a box.
        painted: Objects whose box was filled badly: they get their true mask, as one paint edit.
        rejected: Suggestions that were left.
    """

    objects: int
    accepted: int = 0
    boxed: int = 0
    painted: int = 0
    rejected: int = 0


class Newcomer:
    """Sits at the window."""

    def __init__(self, window: MainWindow, services: Services) -> None:
        self.window, self.services = window, services
        self._hand = Hand(window, services)

    def press(self, keys: str) -> None:
        """Press keys on the canvas; as a window manager does, come back to it from a dialog."""
        self.window.activateWindow()
        self.window.canvas.setFocus()
        run_until(self.window.isActiveWindow)
        QTest.keySequence(self.window.canvas, QKeySequence(keys))

    def open(self, number: int) -> None:
        """Open a scene by its number, 0 to 23."""
        self.services.session.open_image(self.services.session.images[number].id)
        run_until(lambda: self.window.canvas.shows_image)

    def ask(self) -> None:
        """Let the model suggest masks."""
        self.press("Space")
        run_until(self._has_answer)

    def _has_answer(self) -> bool:
        document, segmenter = self.services.session.document, self.services.segmenter
        assert document is not None
        stored = segmenter.suggestions(document.image_id)
        version = self.services.trainer.active_version
        arrived = any(it.model_version == version for it in stored)
        # They are compared with what is annotated beside the window, and shown then.
        return not segmenter.is_running and arrived and bool(segmenter.visible_suggestions())

    def annotate(self, number: int) -> Work:
        """Accept what is good, draw a box around everything else, reject what is left."""
        objects = scene(number)[1]
        work = Work(len(objects))
        missing = [it for it in objects if not self._accept(it, work)]
        self._hand.take("box_prompt")
        for it in missing:
            self._box(it, work)
        for left in self.services.segmenter.visible_suggestions():
            self.services.view_state.selected_suggestion = left.key
            self.press("Backspace")
            work.rejected += 1
        return work

    def good_ones(self, number: int) -> int:
        """Of how many objects of a scene there is a good suggestion, with the right category."""
        return sum(self._good(it, named=True) is not None for it in scene(number)[1])

    def _accept(self, it: SceneInstance, work: Work) -> bool:
        good = self._good(it)
        if good is None:
            return False
        self._choose(it.category)
        self.services.view_state.selected_suggestion = good.key
        self.press("Return")
        work.accepted += 1
        return True

    def _good(self, it: SceneInstance, *, named: bool = False) -> Suggestion | None:
        visible = self.services.segmenter.visible_suggestions()
        if named:
            visible = [each for each in visible if each.category == it.category]
        best = max(visible, key=lambda each: each.mask.iou(it.mask), default=None)
        return best if best is not None and best.mask.iou(it.mask) > GOOD_IOU else None

    def _box(self, it: SceneInstance, work: Work) -> None:
        self._choose(it.category)
        before = self._masks()
        left, top, right, bottom = it.mask.box_xyxy
        self._hand.draw((left, top), (right, bottom))
        self._hand.release()
        deadline = time.monotonic() + _ANSWER_SECONDS
        run_until(lambda: len(self._masks()) > len(before) or time.monotonic() > deadline)
        new = self._masks().keys() - before.keys()
        if not new:
            raise SystemExit("the model fills a box with nothing: another scene is needed")
        (number,) = new
        mask = self._masks()[number]
        if mask.iou(it.mask) > GOOD_IOU:
            work.boxed += 1
        else:
            self.services.session.push(PaintMask(number, mask.xor(it.mask)))
            work.painted += 1

    def _choose(self, category: str) -> None:
        self.services.view_state.selected_instance = None  # whose category would change
        self.services.view_state.selected_suggestion = None  # that would be accepted
        self.press(str(CATEGORIES.index(category) + 1))

    def _masks(self) -> dict[int, Mask]:
        document = self.services.session.document
        assert document is not None
        return {number: instance.mask for number, instance in document.instances.items()}
