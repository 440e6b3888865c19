"""Whether Qt can show a window here. It aborts the process when not, so we look before."""

import ctypes
import os
import sys
from pathlib import Path

PACKAGES = (
    "libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0"
    " libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0"
    " libdbus-1-3 libfontconfig1 libglib2.0-0"
)
"""What Qt needs from a bare Debian or Ubuntu."""

_INSTALL = f"on Debian or Ubuntu: apt install {PACKAGES}"


def missing_display() -> str:
    """One line that says why no window can be shown, and what to install; "" when one can."""
    if not sys.platform.startswith("linux"):
        return ""
    platforms = _platforms()
    if not platforms:
        return (
            f"mrcnn-gui: no display (neither DISPLAY nor WAYLAND_DISPLAY is set); "
            f"Qt also needs libraries, {_INSTALL}"
        )
    try:
        import PySide6.QtGui  # noqa: F401 - fails where libEGL or the like is missing
    except ImportError as error:
        return f"mrcnn-gui: Qt cannot be loaded ({error}); {_INSTALL}"
    problems = [_platform_problem(platform) for platform in platforms]
    return f"mrcnn-gui: {problems[0]}" if all(problems) else ""


def _platforms() -> list[str]:
    """Names of the platform plugins that Qt is going to try, in its order."""
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    if chosen:
        return [name.split(":")[0] for name in chosen.split(";")]
    displays = {"WAYLAND_DISPLAY": "wayland", "DISPLAY": "xcb"}
    return [platform for name, platform in displays.items() if os.environ.get(name)]


def _platform_problem(platform: str) -> str:
    problem = _plugin_problem(platform)
    return _connection_problem() if not problem and platform == "xcb" else problem


def _plugin_problem(platform: str) -> str:
    from PySide6.QtCore import QLibraryInfo

    folder = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath)) / "platforms"
    # Some versions of Qt have Wayland in two plugins, named after how they draw.
    names = [f"libq{platform}{kind}.so" for kind in ("", "-generic", "-egl")]
    plugin = next((folder / name for name in names if (folder / name).exists()), None)
    if plugin is None:
        return f"Qt has no platform plugin {platform!r} in {folder}"
    try:
        ctypes.CDLL(str(plugin))
    except OSError as error:
        return f"Qt's platform plugin {platform!r} cannot be loaded ({error}); {_INSTALL}"
    return ""


def _connection_problem() -> str:
    """Whether the X server that DISPLAY names answers."""
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(None, None)
    refused = xcb.xcb_connection_has_error(connection) != 0
    xcb.xcb_disconnect(connection)
    return f"no display answers at DISPLAY={os.environ.get('DISPLAY', '')}" if refused else ""
