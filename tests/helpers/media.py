"""Media that tests write to: a read-only one, and a small one that is soon full."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def read_only_medium(folder: Path) -> Iterator[None]:
    """Nothing in the folder can be written; root needs a mount for it, others the permissions."""
    if sys.platform == "win32":
        pytest.skip("folders have no such permission on Windows")
    if os.geteuid() != 0:
        modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
        for path, mode in modes.items():
            path.chmod(mode & 0o555)
        yield
        for path, mode in modes.items():
            path.chmod(mode)
        return
    with _mounted(folder, "--bind", str(folder)):
        _mount("-o", "remount,ro,bind", str(folder))
        yield


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[None]:
    """The folder, made here, is a file system of its own with so much room; skips if not root."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder.mkdir()
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs"):
        yield


@contextmanager
def _mounted(folder: Path, *arguments: str) -> Iterator[None]:
    _mount(*arguments, str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
