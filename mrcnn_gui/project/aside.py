"""Where repairs put what they take out: nothing that cannot be made again is deleted."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mrcnn_gui.project.backups import BACKUPS_FOLDER


class Aside:
    """A folder in the project's backups for one repair, made when something is put there.

    Attributes:
        now: When the repair began.
    """

    def __init__(self, project: Path, now: datetime) -> None:
        stem = now.astimezone(UTC).strftime("repair-%Y%m%d-%H%M%S")
        folder = project / BACKUPS_FOLDER / stem
        number = 2
        while folder.exists():  # two repairs in a second, or a clock that was set back
            folder, number = folder.with_name(f"{stem}-{number}"), number + 1
        self.now = now
        self.folder = folder

    def move(self, path: Path) -> Path:
        """Move a file or folder here; returns where it is."""
        target = self._made() / path.name
        path.rename(target)
        return target

    def path_for(self, name: str) -> Path:
        """A file to write."""
        return self._made() / name

    def keep_row(self, table: str, columns: Sequence[str], row: Sequence[Any]) -> None:
        """Write a row down as a line of JSON in rows.jsonl; bytes as hexadecimal."""
        values = {
            name: {"hex": value.hex()} if isinstance(value, bytes) else value
            for name, value in zip(columns, row, strict=True)
        }
        with self.path_for("rows.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"table": table, "row": values}) + "\n")

    def _made(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder
