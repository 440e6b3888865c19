import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QLibraryInfo

from mrcnn_gui import display
from mrcnn_gui.display import PACKAGES, missing_display
from tests.helpers.data import REPOSITORY

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere is a display")


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where Qt's platform plugins are looked for, empty; every X server answers."""
    for name in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY", "DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(QLibraryInfo, "path", lambda _: str(tmp_path))
    monkeypatch.setattr("ctypes.CDLL", lambda _: None)
    monkeypatch.setattr(display, "_connection_problem", lambda: "")
    folder = tmp_path / "platforms"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    ("names", "plugin"),
    [
        (["WAYLAND_DISPLAY"], "libqwayland.so"),
        (["WAYLAND_DISPLAY"], "libqwayland-egl.so"),
        (["WAYLAND_DISPLAY", "DISPLAY"], "libqxcb.so"),
        (["DISPLAY"], "libqxcb.so"),
    ],
)
def test_any_platform_that_qt_tries_will_do(
    plugins: Path, names: list[str], plugin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in names:
        monkeypatch.setenv(name, "some-display")
    assert "no platform plugin" in missing_display()
    (plugins / plugin).touch()
    assert missing_display() == ""


def test_a_plugin_of_another_display_does_not_do(
    plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "some-display")
    (plugins / "libqxcb.so").touch()
    assert "no platform plugin 'wayland'" in missing_display()


def test_a_chosen_platform_may_name_others_to_try_after_it(
    plugins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "wayland;xcb:some=option")
    (plugins / "libqxcb.so").touch()
    assert missing_display() == ""


def test_the_packages_to_install_are_those_of_the_readme() -> None:
    readme = (REPOSITORY / "README.md").read_text().replace("\\\n", " ")
    line = next(line for line in readme.splitlines() if "install libegl1" in line)
    assert line.split("install", 1)[1].split() == PACKAGES.split()
