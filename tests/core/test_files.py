import os
import stat
import sys
import time
from pathlib import Path

import pytest

from core.files import atomic_path, publish_folder, remove_abandoned, write_atomically


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a.txt", "größe\r\n\n")
    write_atomically(tmp_path / "b.bin", b"\x00\xff")
    assert (tmp_path / "a.txt").read_bytes() == "größe\r\n\n".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.bin"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), atomic_path(path) as temporary:
        temporary.write_text("half a pair \ud800", encoding="utf-8")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_sibling_has_the_suffix_and_the_old_file_stays_until_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    with atomic_path(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".json"
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "a.json") as temporary:
        killed, written = temporary.name, temporary.with_name(f".unfinished-{'0' * 32}.json")
        temporary.write_text("")
    others = ("b.json", ".hidden.json", f".{'0' * 32}.json", ".unfinished-draft.json")
    yesterday = time.time() - 25 * 3600
    for name in (killed, *others):
        (tmp_path / name).write_text("old")
        os.utime(tmp_path / name, (yesterday, yesterday))
    written.write_text("a minute ago")
    (tmp_path / f".unfinished-{'1' * 32}").mkdir()
    before = {path.name for path in tmp_path.iterdir()}
    remove_abandoned(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before - {killed}
    remove_abandoned(tmp_path / "none")


def test_a_name_of_the_greatest_length_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".txt")
    write_atomically(path, "long")
    assert path.read_text() == "long"


def test_only_plain_files_are_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(OSError, match="no plain file"):
            write_atomically(tmp_path / name, "text")
    assert (tmp_path / "pipe").is_fifo()


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "none" / "a.txt", "text")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes and links")
def test_mode_and_link_are_kept(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_atomically(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX modes")
def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "a", "text")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o640


def test_a_folder_appears_whole_under_its_name(tmp_path: Path) -> None:
    staging, target = tmp_path / ".staging", tmp_path / "v1"
    (staging / "sub").mkdir(parents=True)
    (staging / "sub" / "a").write_text("text")
    publish_folder(staging, target)
    assert (target / "sub" / "a").read_text() == "text"
    assert not staging.exists()


def test_a_name_that_is_taken_is_refused(tmp_path: Path) -> None:
    staging, target = tmp_path / ".staging", tmp_path / "v1"
    staging.mkdir()
    target.mkdir()  # empty: a plain rename would replace it silently
    with pytest.raises(FileExistsError, match="v1 exists"):
        publish_folder(staging, target)
    assert staging.is_dir()
