from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QSettings

from mrcnn_gui.services.settings import FILE_VARIABLE, Settings


def folders(parent: Path, count: int) -> list[Path]:
    made = [parent / f"project {number}" for number in range(count)]
    for folder in made:
        folder.mkdir()
    return made


def test_recent_projects_are_kept_newest_first_ten_at_most(tmp_path: Path) -> None:
    path, made = tmp_path / "settings.ini", folders(tmp_path, 12)
    settings = Settings(path)
    assert settings.recent_projects == []
    for folder in (*made, made[5]):
        settings.add_recent_project(folder)
    newest_first = [made[5], *(f for f in reversed(made) if f != made[5])][:10]
    assert settings.recent_projects == newest_first
    assert Settings(path).recent_projects == newest_first


def test_projects_that_are_gone_drop_out(tmp_path: Path) -> None:
    path, (first, second) = tmp_path / "settings.ini", folders(tmp_path, 2)
    settings = Settings(path)
    settings.add_recent_project(first)
    settings.add_recent_project(second)
    second.rmdir()
    assert Settings(path).recent_projects == [first]  # a list of one


def test_the_rest_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "einstellungen ü.ini"
    settings = Settings(path)
    assert settings.last_folder("open") == ""
    assert settings.window_geometry.isEmpty()
    settings.set_last_folder("open", tmp_path / "药品")
    settings.set_last_folder("export", "/elsewhere")
    settings.window_geometry = QByteArray(b"\x00\x01geometry")
    settings.window_state = QByteArray(b"state")
    assert not settings.tiles
    settings.tiles = True
    del settings
    again = Settings(path)
    assert again.last_folder("open") == str(tmp_path / "药品")
    assert again.last_folder("export") == "/elsewhere"
    assert again.window_geometry == QByteArray(b"\x00\x01geometry")
    assert again.window_state == QByteArray(b"state")
    assert again.tiles


def test_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "named.ini"))
    settings = Settings()
    settings.set_last_folder("open", "/photos")
    del settings
    stored = QSettings(str(tmp_path / "named.ini"), QSettings.Format.IniFormat)
    assert stored.value("last_folders/open") == "/photos"
