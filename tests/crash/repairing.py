"""A damaged project under repair."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from mrcnn_gui.project.backups import back_up
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.doctor import examine
from mrcnn_gui.workflows.repair import repair
from tests.crash.scene import END, Tell
from tests.project.samples import fill, instance

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_ROWS = 3000


class Repairing:
    """The doctor salvages rows and fills the gap from a backup."""

    endless = False

    def prepare(self, folder: Path) -> None:
        """A project with a backup, and nonsense in the middle of its database."""
        with Store.create(folder) as store:
            fill(store)
            store.insert_instances(1, [instance(number) for number in range(1, _ROWS + 1)])
            (folder.parent / "a.jpg").touch()
            back_up(folder, now=_NOW)
        path = folder / "project.db"
        data = bytearray(path.read_bytes())
        middle = len(data) // 8192 * 4096
        data[middle : middle + 4096] = b"\x07" * 4096
        path.write_bytes(data)

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Repair it."""
        list(repair(folder, now=_NOW))
        tell(END)

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """Another repair, if one is needed, finds all there is."""
        done = list(repair(folder, now=_NOW))
        if END in told and done:
            yield f"repaired, and then again: {done}"
        left = [each for each in examine(folder) if each.repairable]
        if left:
            yield f"not repaired: {left}"
        with Store.open(folder, read_only=True) as store:
            if store.instance_counts() != {1: _ROWS}:
                yield f"instances after the repair: {store.instance_counts()}"
