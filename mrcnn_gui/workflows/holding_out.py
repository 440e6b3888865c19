"""Images kept for test: they neither teach nor judge; what is measured on them is honest."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mrcnn_gui.project.annotation import ImageEntry, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.projects import matches


@dataclass(frozen=True)
class HeldOut:
    """How many images are kept for test, and why others are not."""

    images: int
    problems: tuple[str, ...]


def keep_for_test(folder: Path, pattern: str = "*") -> HeldOut:
    """Keep all images for test whose stored path or file name matches a glob pattern.

    Raises:
        ProjectError: No image matches, or the project cannot be written.
    """
    with Store.open(folder) as store:
        entries = [entry for entry in store.images() if matches(entry, pattern)]
        if not entries:
            raise ProjectError(f"no image matches {pattern!r}")
        return hold_out(store, entries)


def hold_out(store: Store, entries: Iterable[ImageEntry]) -> HeldOut:
    """Keep images for test, each with those of its group.

    One that teaches or judges since it was done stays where it is: a version may know it.
    """
    wanted = {entry.id for entry in entries}
    groups: dict[str, list[ImageEntry]] = {}
    for entry in store.images():
        groups.setdefault(entry.group or f"\0{entry.id}", []).append(entry)
    images, problems = 0, []
    with store.transaction():
        for members in groups.values():
            if wanted.isdisjoint(entry.id for entry in members):
                continue
            known = next((it for it in members if it.side not in {None, Side.TEST}), None)
            if known is not None:
                name = PurePosixPath(known.path).name
                problems.append(f"{name} is not new: it trains or judges since it was done")
                continue
            for entry in members:
                store.set_side(entry.id, Side.TEST)
            images += len(members)
    return HeldOut(images, tuple(problems))


def give_back(store: Store, entry: ImageEntry) -> None:
    """Let an image teach or judge again: its content decides when it is marked done."""
    store.set_side(entry.id, None)
