"""How much memory a training takes."""

import sys
from pathlib import Path

import torch

_STATM = Path("/proc/self/statm")
_PAGE = 4096  # bytes; Linux counts a process's memory in pages


def memory_in_use(device: str) -> int:
    """Bytes that the training holds on a GPU; on the CPU, those of the whole process.

    Where the system does not tell the latter without more ado, the most that it ever held.
    """
    if torch.device(device).type == "cuda":
        return torch.cuda.memory_allocated(device)
    if _STATM.exists():
        return int(_STATM.read_text(encoding="ascii").split()[1]) * _page_size()
    return _peak()


def _page_size() -> int:
    import os

    return os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else _PAGE


def _peak() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
