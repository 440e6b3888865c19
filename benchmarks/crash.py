"""Kills at random moments of editing, import, export, migration and relinking.

The same as in the tests, ten times as often: `python -m benchmarks crash`.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.row import Row
from tests.crash.killing import kills

_KILLS = 200


def rows() -> Iterator[Row]:
    """How many kills there were, and after how many something was lost or half done."""
    made = lost = 0
    with tempfile.TemporaryDirectory() as folder:
        for kill in kills(Path(folder), _KILLS):
            made += 1
            lost += bool(kill.problems)
            if kill.problems:
                print(kill, file=sys.stderr)
    yield Row("crash_kills", made, "", bar=_KILLS, lower_is_better=False)
    yield Row("crash_lost", lost, "", bar=0)
