"""Pictures and hits on screens of other densities."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from mrcnn_gui.ui.canvas.view import CanvasView
from mrcnn_gui.ui.services import Services
from tests.helpers.data import REPOSITORY
from tests.ui.canvas.conftest import Mouse, sharpen

_TESTS = (  # the picture pixel for pixel; what clicks, frames and strokes hit
    "test_reference.py::test_the_screen_equals_the_reference_after_anything[0]",
    "test_multi_select.py::test_shift_and_drag_selects_what_lies_mostly_in_the_frame",
    "test_guides.py::test_the_origin_of_an_edited_instance_is_shown",
)


@pytest.mark.parametrize("factor", ["1.25", "1.5", "2"])
def test_pictures_and_hits_are_exact_on_dense_screens(factor: str) -> None:
    names = [f"tests/ui/canvas/{name}" for name in _TESTS]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *names],
        env={**os.environ, "QT_SCALE_FACTOR": factor},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_a_window_may_go_to_a_denser_screen(
    canvas: CanvasView,
    services: Services,
    mouse: Mouse,
    add_instance: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance_id = add_instance(40, 40)
    monkeypatch.setattr(canvas, "devicePixelRatioF", lambda: 2.0)
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.DevicePixelRatioChange))
    sharpen(canvas)
    assert canvas.viewport is not None
    assert (canvas.viewport.view_width, canvas.viewport.view_height) == (1280, 960)
    assert canvas._scene is not None
    assert canvas._scene.at_rest.layers[0].style.border_width == 4
    mouse.click(50.5, 50.5)
    assert services.view_state.selected_instance == instance_id
