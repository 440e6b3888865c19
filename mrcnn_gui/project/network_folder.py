"""Whether a folder is on another machine: SQLite's write-ahead log needs memory that is shared."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

# Also folders of the host of a virtual machine, and whatever a program serves through FUSE:
# too careful costs some ms per edit, too careless costs edits.
_REMOTE = frozenset(
    (
        *("9p", "afp", "afpfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "glusterfs"),
        *("gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "prl_fs", "smb", "smb2", "smb3"),
        *("smbfs", "vboxsf", "virtiofs", "vmhgfs", "webdav"),
    )
)
_LOCAL_FUSE = frozenset(("fuse.ntfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.portal"))
_WINDOWS_REMOTE_DRIVE = 4  # DRIVE_REMOTE of GetDriveTypeW


if sys.platform == "win32":

    def _is_remote_drive(folder: Path) -> bool:
        import ctypes

        drive = folder.resolve().drive
        if drive.startswith("\\\\"):
            return True
        return bool(ctypes.windll.kernel32.GetDriveTypeW(drive + "\\") == _WINDOWS_REMOTE_DRIVE)


def is_network_folder(folder: Path) -> bool:
    """Whether other machines may write to a folder; False where the system does not tell."""
    if sys.platform == "win32":
        return _is_remote_drive(folder)
    return is_remote_type(type_of(os.path.realpath(folder), _mounts()))


def is_remote_type(name: str) -> bool:
    """Whether a file system of this type is, or may be, on another machine."""
    return name in _REMOTE or (name.startswith("fuse.") and name not in _LOCAL_FUSE)


def type_of(path: str, mounts: Iterable[tuple[str, str]]) -> str:
    """The type of the file system that holds an absolute path.

    Args:
        path: Without links.
        mounts: Mount points and types; of two on one point the later one is on top.

    Returns:
        "" when no mount point holds it.
    """
    found, kind = "", ""
    for point, name in mounts:
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(found):
            found, kind = point, name
    return kind


def parse_proc_mounts(text: str) -> list[tuple[str, str]]:
    """Mount points and types from the lines of Linux' /proc/self/mounts."""
    fields = (line.split(" ") for line in text.splitlines())
    return [(_unescaped(line[1]), line[2]) for line in fields if len(line) > 2]


def parse_mount_command(text: str) -> list[tuple[str, str]]:
    """Mount points and types from what `mount` of macOS and the BSDs prints."""
    matches = (re.match(r".+? on (/.*) \(([^,)]+)", line) for line in text.splitlines())
    return [(match[1], match[2]) for match in matches if match]


def _mounts() -> list[tuple[str, str]]:
    try:
        if sys.platform == "darwin":
            told = subprocess.run(
                ["/sbin/mount"], capture_output=True, text=True, timeout=10, check=True
            )
            return parse_mount_command(told.stdout)
        return parse_proc_mounts(Path("/proc/self/mounts").read_text("utf-8", "surrogateescape"))
    except (OSError, subprocess.SubprocessError):
        return []


def _unescaped(text: str) -> str:
    """Spaces and other bytes are written in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
