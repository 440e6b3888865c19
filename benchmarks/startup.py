"""How long from starting the process to a painted window, beside labelme's.

Both programs are started as a person starts them; only the event loop is replaced by one that
processes what is pending (the first paint included), prints the clock and ends. The clock is the
machine's monotonic one, which processes share. With `--labelme` and the Python of an environment
that has it, labelme is measured in the same run.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.row import Row

_RUNS = 9
_BAR_SECONDS = 0.75

_PAINTED = """
import os, sys, time
def painted(*_):
    QApplication.processEvents()
    print(time.monotonic(), flush=True)
    os._exit(0)
"""
_OURS = (
    _PAINTED
    + """
from PySide6.QtWidgets import QApplication
QApplication.exec = painted
from mrcnn_gui.__main__ import main
sys.argv = ["mrcnn-gui", *sys.argv[1:]]
main()
"""
)
_LABELME = (
    _PAINTED
    + """
from PyQt5.QtWidgets import QApplication
QApplication.exec_ = painted
from labelme.__main__ import main
sys.argv = ["labelme", "--logger-level", "error"]
main()
"""
)


def rows(labelme: str = "") -> Iterator[Row]:
    """`startup_window`: median seconds, the runs of both programs taken in turn."""
    ours, peer = [], []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(_RUNS + 1):
            ours.append(_seconds(sys.executable, _OURS, Path(home)))
            if labelme:
                peer.append(_seconds(labelme, _LABELME, Path(home)))
    yield Row(
        "startup_window",
        statistics.median(ours[1:]),
        "s",
        peer="labelme" if peer else "",
        peer_value=statistics.median(peer[1:]) if peer else None,
        bar=_BAR_SECONDS,
    )


def _seconds(python: str, program: str, home: Path) -> float:
    environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    start = time.monotonic()
    done = subprocess.run(
        [python, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode or not done.stdout.strip():
        raise SystemExit(f"the window did not come up: {done.stderr.strip()[-500:]}")
    return float(done.stdout.split()[-1]) - start
