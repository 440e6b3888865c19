"""What the RoI heads learn from, on disk: with all before them frozen it never changes."""

import contextlib
import os
import threading
from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from core.files import atomic_path
from core.model.roi_inputs import RoiInputs

LIMIT = 10 * 1024**3  # bytes
_SUFFIX = ".safetensors"


class FeatureCache:
    """A folder of `RoiInputs` by key; what was used least of late goes first.

    The pooled features are kept in bf16. A damaged file counts as none, and a full disk only means
    that nothing more is kept. Several threads may use it, and processes may read it.
    """

    def __init__(self, folder: Path, limit: int = LIMIT) -> None:
        """Use a folder, which is made when it is not there.

        Args:
            folder: Holds nothing else.
            limit: Most bytes of all files.
        """
        self._folder, self._limit = folder, limit
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._bytes = sum(size for _, size, _ in self._files())

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """Let other processes look into the folder themselves: a lock is not sent."""
        return FeatureCache, (self._folder, self._limit)

    def get(self, key: str) -> RoiInputs | None:
        """What was kept under a key, on the CPU; None for nothing."""
        path = self._path(key)
        try:
            inputs = RoiInputs(**load_file(path))
            os.utime(path)
        except (OSError, SafetensorError, TypeError):
            return None
        return inputs

    def put(self, key: str, inputs: RoiInputs) -> RoiInputs:
        """Keep inputs, and return them as `get` will."""
        kept = replace(
            inputs,
            box_pooled=inputs.box_pooled.to(torch.bfloat16),
            mask_pooled=inputs.mask_pooled.to(torch.bfloat16),
        )
        tensors = {name: value.cpu().contiguous() for name, value in kept.tensors().items()}
        path = self._path(key)
        with self._lock, contextlib.suppress(OSError, SafetensorError):
            with atomic_path(path) as temporary:
                save_file(tensors, temporary)
            self._bytes += path.stat().st_size
            self._shrink()
        return kept

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}{_SUFFIX}"

    def _shrink(self) -> None:
        if self._bytes <= self._limit:
            return
        files = sorted(self._files())
        self._bytes = sum(size for _, size, _ in files)
        for _, size, path in files[:-1]:  # the newest one is being used
            if self._bytes <= self._limit:
                return
            path.unlink(missing_ok=True)
            self._bytes -= size

    def _files(self) -> list[tuple[int, int, Path]]:
        """Time of the last use in ns, size in bytes, and path of each file."""
        found = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            with contextlib.suppress(FileNotFoundError):  # another run shrinks it
                status = path.stat()
                found.append((status.st_mtime_ns, status.st_size, path))
        return found
