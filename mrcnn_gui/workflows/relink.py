"""Finding the files of a project's images again after they were moved or renamed."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from core.images import ImageReadError, content_hash, list_images, read_info
from mrcnn_gui.project.annotation import ImageEntry, ReviewStatus
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.image_table import FoundFile
from mrcnn_gui.project.images_folder import images_folder_of, note_images_folder
from mrcnn_gui.project.paths import full_path, stored_paths
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.progress import Count, ShouldStop, ignore_count, never_stop


@dataclass(frozen=True)
class Relinked:
    """An image whose file was found.

    Attributes:
        before: The path that the project had for it.
        after: The path that it has now.
        guessed: Its content was never read, so that name and size alone speak for the file.
        others: Files with the same content that were not taken.
    """

    before: str
    after: str
    guessed: bool = False
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class RelinkReport:
    """What a search came to; when it was cancelled nothing has changed.

    Attributes:
        found: The images that have a file again.
        missing: Those that have none, with the reason where there is more to say.
        problems: Files that could not be read.
    """

    found: tuple[Relinked, ...] = ()
    missing: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    cancelled: bool = False


@dataclass(frozen=True)
class _File:
    """A file that may be an image's; `stored` is the path that the project would keep."""

    path: Path
    stored: str
    size: int


class _StoppedError(Exception):
    """The person cancelled."""


def relink(
    store: Store,
    folder: Path,
    *,
    on_progress: Count = ignore_count,
    should_stop: ShouldStop = never_stop,
) -> RelinkReport:
    """Find the files of all images that are missing, in a folder and its subfolders.

    The content decides: a file is an image's when its hash is the image's, whatever its name. Of
    several such files the one with the most alike path is taken; of several such images those with
    work in them come first. Where an image's content was
    never read, a file of the same name and of the same size in pixels is taken, if there is but
    one, and told as a guess. No file becomes two images'. One transaction.

    Args:
        store: Open for writing.
        folder: Where to look.
        on_progress: Called with the files looked at, and how many there are.
        should_stop: Asked between two files; then the project is as it was.

    Raises:
        ProjectError: There is no such folder, or the project cannot be written.
    """
    if not folder.is_dir():
        raise ProjectError(f"{folder} is not a folder")
    search = _Search(store, folder)
    try:
        search.hash_files(on_progress, should_stop)
        found = list(search.matches(should_stop))
    except _StoppedError:
        return RelinkReport(cancelled=True)
    with store.transaction():
        store.set_files(found)
        _follow(store, found)
    return search.report()


def _follow(store: Store, found: Sequence[FoundFile]) -> None:
    """The folder that the images come from moves with them."""
    noted = images_folder_of(store)
    if found and noted is not None and not noted.is_dir():
        parents = [full_path(each.path, store.folder).parent for each in found]
        note_images_folder(store, Path(os.path.commonpath(parents)))


class _Search:
    """Missing images by their stored path (the pages of a file share it), and files for them."""

    def __init__(self, store: Store, folder: Path) -> None:
        present: set[str] = set()
        self._holders: dict[str, str] = {}  # of a content: an image that has its file
        self._missing: dict[str, list[ImageEntry]] = defaultdict(list)
        for entry in store.images():
            if entry.path in present:
                continue
            if entry.path not in self._missing and store.image_path(entry).is_file():
                present.add(entry.path)
                self._holders.setdefault(entry.content_hash, entry.path)
            else:
                self._missing[entry.path].append(entry)
        for pages in self._missing.values():  # the hash of one is that of all
            pages.sort(key=lambda entry: not entry.content_hash)
        annotated = store.instance_counts()
        self._begun = {
            path
            for path, pages in self._missing.items()
            if any(it.status is not ReviewStatus.TODO or it.id in annotated for it in pages)
        }
        self._problems: list[str] = []
        self._relinked: list[Relinked] = []
        self._why: dict[str, str] = {}
        self._files = _files(store, folder, present) if self._missing else []
        self._by_hash: dict[str, list[_File]] = defaultdict(list)
        self._taken: set[_File] = set()

    def hash_files(self, on_progress: Count, should_stop: ShouldStop) -> None:
        """Read the files that may be one of the images: first those whose size or name fits."""
        wanted = [pages[0] for pages in self._missing.values() if pages[0].content_hash]
        sizes = {entry.file_size for entry in wanted if entry.file_size}
        unsized = [entry for entry in wanted if not entry.file_size]
        names = {PurePosixPath(entry.path).name for entry in unsized}
        likely = [it.size in sizes or it.path.name in names for it in self._files]
        first = [file for file, fits in zip(self._files, likely, strict=True) if fits]
        later = [file for file, fits in zip(self._files, likely, strict=True) if not fits]
        hidden = {entry.content_hash for entry in unsized}
        for done, file in enumerate([*first, *later], start=1):
            if should_stop():
                raise _StoppedError
            if done <= len(first) or not hidden <= self._by_hash.keys():
                self._hash(file)
            on_progress(done, len(self._files))

    def matches(self, should_stop: ShouldStop) -> Iterator[FoundFile]:
        """The images that have a file again, each file once, sure ones first."""
        known = [path for path, pages in self._missing.items() if pages[0].content_hash]
        pairs = [
            (path not in self._begun, -_alike(path, file.stored), number, path, file)
            for path in known
            for number, file in enumerate(self._by_hash[self._missing[path][0].content_hash])
        ]
        matched: set[str] = set()
        for *_, path, file in sorted(pairs, key=lambda pair: pair[:3]):
            if path not in matched and file not in self._taken:
                matched.add(path)
                yield from self._take(path, file)
        for path in known:
            content = self._missing[path][0].content_hash
            if path not in matched and self._by_hash[content]:
                self._why[path] = "files with its content are other images"
            elif path not in matched and content in self._holders:
                self._why[path] = f"another image has its content: {self._holders[content]}"
        yield from self._guesses(should_stop)

    def report(self) -> RelinkReport:
        """What came of it."""
        found = {each.before for each in self._relinked}
        missing = [
            f"{path}: {self._why[path]}" if path in self._why else path
            for path in self._missing
            if path not in found
        ]
        return RelinkReport(tuple(self._relinked), tuple(missing), tuple(self._problems))

    def _hash(self, file: _File) -> None:
        try:
            self._by_hash[content_hash(file.path)].append(file)
        except OSError as error:
            self._problems.append(f"{file.path} cannot be read: {error.strerror or error}")

    def _guesses(self, should_stop: ShouldStop) -> Iterator[FoundFile]:
        by_name: dict[str, list[_File]] = defaultdict(list)
        for file in self._files:
            by_name[file.path.name].append(file)
        for path, pages in self._missing.items():
            if should_stop():
                raise _StoppedError
            if pages[0].content_hash:
                continue
            files = [
                file
                for file in by_name[PurePosixPath(path).name]
                if file not in self._taken and _has_size_of(pages[0], file)
            ]
            if len(files) == 1:
                yield from self._take(path, files[0], guessed=True)
            elif files:
                names = ", ".join(file.stored for file in files)
                self._why[path] = f"its content was never read, and these could be it: {names}"

    def _take(self, path: str, file: _File, *, guessed: bool = False) -> Iterator[FoundFile]:
        self._taken.add(file)
        entries = self._missing[path]
        digest = content_hash(file.path) if guessed else entries[0].content_hash
        others = [] if guessed else [it.stored for it in self._by_hash[digest] if it is not file]
        self._relinked.append(Relinked(path, file.stored, guessed, tuple(others)))
        for entry in entries:
            yield FoundFile(entry.id, file.stored, file.size, file.path.stat().st_mtime_ns, digest)


def _files(store: Store, folder: Path, present: set[str]) -> list[_File]:
    """The images in a folder that are not the project's already."""
    try:
        paths: Iterable[Path] = list_images(folder)
    except OSError as error:
        raise ProjectError(str(error)) from error
    files = {}
    for path, stored in zip(paths, stored_paths(paths, store.folder), strict=True):
        if stored not in present:
            files[stored] = _File(path, stored, path.stat().st_size)
    return list(files.values())


def _alike(one: str, other: str) -> int:
    """How many parts two paths share, from their ends on."""
    pairs = zip(reversed(one.split("/")), reversed(other.split("/")), strict=False)
    alike = 0
    for mine, theirs in pairs:
        if mine != theirs:
            break
        alike += 1
    return alike


def _has_size_of(entry: ImageEntry, file: _File) -> bool:
    """Whether the file is an image with as many pixels; an unknown size fits all."""
    try:
        info = read_info(file.path)
    except ImageReadError:
        return False
    return not entry.width or (info.width, info.height) == (entry.width, entry.height)
