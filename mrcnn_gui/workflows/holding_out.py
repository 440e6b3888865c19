"""Images kept for test: they neither teach nor judge; what is measured on them is honest."""

from collections.abc import Iterable, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus, Side
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.projects import matches
from mrcnn_gui.workflows.snapshot import images_in_runs


@dataclass(frozen=True)
class HeldOut:
    """How many images are kept for test, and why others are not."""

    images: int
    problems: tuple[str, ...]


def keep_for_test(folder: Path, pattern: str = "*") -> HeldOut:
    """Keep all images for test whose stored path or file name matches a glob pattern.

    Raises:
        ProjectError: No image matches, the snapshot of a run cannot be read, or the project cannot
            be written.
    """
    with Store.open(folder) as store:
        entries = [entry for entry in store.images() if matches(entry, pattern)]
        if not entries:
            raise ProjectError(f"no image matches {pattern!r}")
        return hold_out(store, entries)


def hold_out(store: Store, entries: Iterable[ImageEntry]) -> HeldOut:
    """Keep images for test, each with those of its group.

    Refused with its group is what a version may know: an image that is not to do any more, trains
    or judges, or is in the snapshot of a run.

    Raises:
        ProjectError: The snapshot of a run cannot be read, or the project cannot be written.
    """
    wanted = {entry.id for entry in entries}
    in_runs = images_in_runs(store.folder)
    images, problems = 0, []
    with store.transaction():
        for members in _groups(store):
            if wanted.isdisjoint(entry.id for entry in members):
                continue
            known = next((it for it in members if _may_be_known(store, it, in_runs)), None)
            if known is not None:
                name = PurePosixPath(known.path).name
                problems.append(f"{name} is not new: a version may have learned from it already")
                continue
            for entry in members:
                store.set_side(entry.id, Side.TEST)
            images += len(members)
    return HeldOut(images, tuple(problems))


def give_back(store: Store, entry: ImageEntry) -> int:
    """Let an image that is kept for test teach or judge again, with its group.

    Returns:
        How many images that were. The side of those that are done is decided at once.

    Raises:
        CommitError: The side of one depends on its content, which cannot be read.
    """
    members = next(it for it in _groups(store) if entry.id in {member.id for member in it})
    kept = [member for member in members if member.side is Side.TEST]
    with store.transaction():
        for member in kept:
            store.set_side(member.id, None)
    return len(kept)


def _groups(store: Store) -> Iterable[list[ImageEntry]]:
    """All images, those of a group together."""
    groups: dict[str, list[ImageEntry]] = {}
    for entry in store.images():
        groups.setdefault(entry.group or f"\0{entry.id}", []).append(entry)
    return groups.values()


def _may_be_known(store: Store, entry: ImageEntry, in_runs: Set[int | str]) -> bool:
    """One that is kept for test already may be annotated, but in no run."""
    untouched = entry.side is None and entry.status is ReviewStatus.TODO
    names = {entry.export_id, store.image_path(entry).as_posix()}
    return not (untouched or entry.side is Side.TEST) or not in_runs.isdisjoint(names)
