import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.data import REPOSITORY

PROBE = """
import json, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from mrcnn_gui import app
from mrcnn_gui.ui.main_window import MainWindow

class Watched(MainWindow):
    def showEvent(self, event):
        super().showEvent(event)
        late = ("torch", "torchvision", "pyqtgraph", "pyvips")
        print(json.dumps([name for name in late if name in sys.modules]), flush=True)
        QTimer.singleShot(0, QApplication.quit)

import mrcnn_gui.ui.main_window
mrcnn_gui.ui.main_window.MainWindow = Watched
sys.exit(app.run_window(None))
"""


def run(code: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    inherited = {k: v for k, v in os.environ.items() if k not in _DISPLAYS}
    settings = {"MRCNN_GUI_SETTINGS": str(folder / "settings.ini")}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY,
        env={**inherited, **settings, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
_MAIN = "from mrcnn_gui.app import run_window; import sys; sys.exit(run_window(None))"


def test_window_is_shown_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    ended = run(PROBE, tmp_path, QT_QPA_PLATFORM="offscreen")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[0]) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "no display"),
        ({"DISPLAY": ":4321"}, ":4321"),
        ({"QT_QPA_PLATFORM": "nonsense"}, "'nonsense'"),
    ],
)
def test_without_a_display_one_line_says_so(
    tmp_path: Path, environment: dict[str, str], words: str
) -> None:
    ended = run(_MAIN, tmp_path, **environment)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert words in ended.stderr or "apt install" in ended.stderr
