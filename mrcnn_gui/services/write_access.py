"""How an open project comes to be only read, and to be written again."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from mrcnn_gui.project.errors import NotWritableError
from mrcnn_gui.project.store import Store
from mrcnn_gui.services.failures import Telling

NOT_ON_DISK = "The last changes may be lost"


class Holder(Protocol):
    """Who has the project open."""

    @property
    def folder(self) -> Path | None:
        """The project's folder; None when no project is open."""

    @property
    def store(self) -> Store:
        """The open project's store."""

    @property
    def read_only_reason(self) -> str:
        """Why the project can only be read; "" when it can be changed."""

    def adopt(self, store: Store, reason: str) -> None:
        """Put a store in the place of the open project."""

    def open_project(self, folder: Path) -> bool:
        """Open a project."""

    def refuse_writing(self, reason: str) -> None:
        """Change nothing any more, though the store could."""

    def close_project(self) -> str:
        """Close the project; returns what the disk has refused, or ""."""

    def read_anew(self) -> None:
        """Read what is in memory once more."""

    def report_failure(self, title: str, text: str) -> None:
        """Tell the person what went wrong."""


def try_writing(holder: Holder) -> None:
    """Open a project that is read-only once more; when nothing stands in the way, to write.

    Otherwise what others have written meanwhile is shown.
    """
    folder = holder.folder
    if folder is None or not holder.read_only_reason:
        return
    if not holder.store.read_only:  # it was kept, and with it the lock: see `stop_writing`
        holder.close_project()
        holder.open_project(folder)
        return
    with Telling(holder.report_failure, "Still read-only"):
        try:
            store = Store.open(folder)
        except NotWritableError:
            holder.read_anew()  # whoever writes has gone on since
            raise
        holder.adopt(store, "")


def stop_writing(holder: Holder, problem: str) -> None:
    """The disk has refused what was committed: show what can be read, and change no more of it.

    Where nothing can be read either, what is in memory stays.
    """
    folder = holder.folder
    if folder is None:
        return
    reason = f"what was changed last may not be on the disk ({problem})"
    holder.refuse_writing(reason)
    with Telling(holder.report_failure, "The project cannot be read"):
        holder.adopt(Store.open(folder, read_only=True), reason)
    tell_lost(holder.report_failure, f"{problem}. Check the disk, then press Try again.")


def tell_lost(tell: Callable[[str, str], object], problem: str) -> None:
    """Tell what the disk has refused, if it has."""
    if problem:
        tell(NOT_ON_DISK, problem)
