"""One writer at a time; its lock ends with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mrcnn_gui.project.store import ProjectError, Store

HOLD = """
import sys
from pathlib import Path
from mrcnn_gui.project.store import Store
store = Store.open(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_refused_and_told_who_writes(store: Store) -> None:
    with pytest.raises(ProjectError, match=rf"process {os.getpid()} on "):
        Store.open(store.folder)
    with pytest.raises(ProjectError, match="another window"):
        Store.create(store.folder)
    with Store.open(store.folder, read_only=True) as reader:
        assert len(reader.images()) == 1
    with pytest.raises(ProjectError):
        Store.open(store.folder)
    store.close()
    with Store.open(store.folder) as again:
        assert len(again.images()) == 1


def test_another_process_is_named_and_its_lock_dies_with_it(store: Store) -> None:
    store.close()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, store.folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        with pytest.raises(ProjectError, match=f"process {child.pid} on "):
            Store.open(store.folder)
        child.kill()
    Store.open(store.folder).close()


def test_a_holder_without_a_name(store: Store) -> None:
    (store.folder / "project.lock").write_text("")
    with pytest.raises(ProjectError, match="not known"):
        Store.open(store.folder)


def test_a_failed_opening_lets_go_of_the_lock(store: Store, tmp_path: Path) -> None:
    store.close()
    path = store.folder / "project.db"
    content = path.read_bytes()
    path.write_bytes(b"nonsense")
    with pytest.raises(ProjectError):
        Store.open(store.folder)
    path.write_bytes(content)
    Store.open(store.folder).close()
