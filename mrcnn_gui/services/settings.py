"""What the program remembers between two starts, beside any project."""

import json
import os
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from mrcnn_gui.services.look import Kept, T, as_record, from_record

FILE_VARIABLE = "MRCNN_GUI_SETTINGS"
MOST_RECENT = 10


class Settings:
    """Recent projects, the window's place, the folders used last, and what was chosen for good.

    They are in the platform's place for settings, or in the INI file that the constructor or the
    environment variable MRCNN_GUI_SETTINGS names.
    """

    def __init__(self, path: Path | None = None) -> None:
        named = path or os.environ.get(FILE_VARIABLE)
        ini = QSettings.Format.IniFormat
        if named:
            self._settings = QSettings(str(named), ini)
        else:
            self._settings = QSettings(ini, QSettings.Scope.UserScope, "mrcnn-gui", "mrcnn-gui")

    @property
    def recent_projects(self) -> list[Path]:
        """Project folders that are still there, the one used last first, at most 10."""
        return [path for path in self._recent() if _is_folder(path)]

    def add_recent_project(self, folder: Path) -> None:
        """Put a project folder first; those that are gone drop out."""
        others = [path for path in self.recent_projects if path != folder]
        recent = [str(path) for path in (folder, *others)[:MOST_RECENT]]
        self._settings.setValue("recent_projects", recent)

    def last_folder(self, purpose: str) -> str:
        """The folder used last for a purpose ("open", "export"); "" when there was none."""
        return str(self._settings.value(f"last_folders/{purpose}", ""))

    def set_last_folder(self, purpose: str, folder: str | Path) -> None:
        """Note the folder that was used for a purpose."""
        self._settings.setValue(f"last_folders/{purpose}", str(folder))

    @property
    def shortcuts(self) -> dict[str, list[str]]:
        """Keys that the person gave to commands, by the command's id; others have their own."""
        try:
            kept = json.loads(str(self._settings.value("shortcuts", "{}")))
            return {str(key): [str(each) for each in keys] for key, keys in kept.items()}
        except (ValueError, TypeError, AttributeError):  # written by hand, or by somebody else
            return {}

    @shortcuts.setter
    def shortcuts(self, shortcuts: dict[str, list[str]]) -> None:
        self._settings.setValue("shortcuts", json.dumps(shortcuts))

    def look(self, default: T) -> T:
        """How masks, image or guides looked last, by the kind of the default."""
        try:
            kept = json.loads(str(self._settings.value(_look_key(default), "{}")))
        except ValueError:  # written by hand, or by somebody else
            return default
        return from_record(default, kept)

    def set_look(self, value: Kept) -> None:
        """Note how masks, image or guides look."""
        self._settings.setValue(_look_key(value), json.dumps(as_record(value)))

    def compute(self, what: str) -> str:
        """The "device" or "precision" that models compute with; "auto" unless chosen."""
        return str(self._settings.value(f"compute/{what}", "auto"))

    def set_compute(self, what: str, choice: str) -> None:
        """Note what models should compute with."""
        self._settings.setValue(f"compute/{what}", choice)

    @property
    def tiles(self) -> bool:
        """Whether the model looks at large images in tiles."""
        return str(self._settings.value("tiles", "false")) == "true"

    @tiles.setter
    def tiles(self, tiles: bool) -> None:
        self._settings.setValue("tiles", "true" if tiles else "false")

    @property
    def shows_plan(self) -> bool:
        """Whether a fine-tune shows its plan before it begins."""
        return str(self._settings.value("shows_plan", "true")) != "false"

    @shows_plan.setter
    def shows_plan(self, shows: bool) -> None:
        self._settings.setValue("shows_plan", "true" if shows else "false")

    @property
    def window_geometry(self) -> QByteArray:
        """What `QWidget.saveGeometry` gave; empty when there is none."""
        return self._bytes("window_geometry")

    @window_geometry.setter
    def window_geometry(self, geometry: QByteArray) -> None:
        self._settings.setValue("window_geometry", geometry)

    @property
    def window_state(self) -> QByteArray:
        """What `QMainWindow.saveState` gave; empty when there is none."""
        return self._bytes("window_state")

    @window_state.setter
    def window_state(self, state: QByteArray) -> None:
        self._settings.setValue("window_state", state)

    def _recent(self) -> list[Path]:
        value = self._settings.value("recent_projects", [])
        texts = [value] if isinstance(value, str) else value  # a list of one is read as its item
        return [Path(text) for text in texts] if isinstance(texts, list) else []

    def _bytes(self, key: str) -> QByteArray:
        value = self._settings.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()


def _look_key(value: Kept) -> str:
    return f"looks/{type(value).__name__.lower()}"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a drive that is not there, a folder nobody may look into
        return False
