"""Imports of mutated COCO files into a small project, and what must hold whatever the file says."""

import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyvips

from core.formats.coco_fields import CocoError
from core.masks import Mask
from mrcnn_gui.project.annotation import Instance, Provenance, Source
from mrcnn_gui.project.errors import ProjectError
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.coco_import import import_coco
from mrcnn_gui.workflows.export_options import ExportOptions
from mrcnn_gui.workflows.import_report import ImportReport
from tests.helpers.coco_mutations import HEIGHT, IMAGES, TURNED, WIDTH, mutated
from tests.helpers.photos import photo, write_bomb, write_photo

LONGEST = 5.0  # seconds for an import
_LONGEST_LINE = 2000  # characters that a reason may take


class Playground:
    """A project, its photos, and beside them what no import may touch.

    Attributes:
        imported: How many files were taken so far, with whatever left out.
    """

    def __init__(self, root: Path) -> None:
        self.imported = 0
        self._root = root.resolve()
        self._photos, self._outside = self._root / "photos", self._root / "outside"
        self._project, self._out = self._root / "project", self._root / "out"
        self._write_photos()
        self._template = self._write_project()
        self._before = self._rows()
        self._files = self._all_files()

    def failure(self, seed: int) -> str:
        """Import one mutated file; what went wrong that must not, "" when nothing did."""
        self._reset()
        path = self._root / "in.json"
        path.write_bytes(mutated(seed))
        started = time.monotonic()
        try:
            with _opened_files() as opened, Store.open(self._project) as store:
                outcome: ImportReport | Exception = import_coco(store, path, self._photos)
        except (CocoError, ProjectError) as error:
            outcome = error
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"import: {type(error).__name__}: {str(error)[:300]}"
        seconds = time.monotonic() - started
        if seconds > LONGEST:
            return f"the import took {seconds:.1f} s"
        return self._foreign(opened) or self._after(outcome)

    def _after(self, outcome: ImportReport | Exception) -> str:
        rows = self._rows()
        if isinstance(outcome, Exception):
            if not 0 < len(str(outcome)) <= _LONGEST_LINE:
                return f"a reason of {len(str(outcome))} characters"
            return "" if rows == self._before else "the import failed and left something behind"
        self.imported += 1
        if long := [line for line in outcome.problems if len(line) > _LONGEST_LINE]:
            return f"a reason of {len(long[0])} characters: {long[0][:100]}"
        added = len(rows["instances"]) - len(self._before["instances"])
        if added != outcome.instances:
            return f"{added} instances are new, the report says {outcome.instances}"
        try:
            export_coco(self._project, self._out / "out.json", ExportOptions(all_images=True))
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            return f"export: {type(error).__name__}: {str(error)[:300]}"
        return ""

    def _foreign(self, opened: list[str]) -> str:
        """Files that were opened or made where nothing must be."""
        code = sys.prefix, sys.base_prefix, str(Path(__file__).parents[2])
        allowed = (*code, str(self._root), "/proc/")  # the mount table says what is remote
        for name in opened:
            real = os.path.realpath(name)
            if real.startswith(str(self._outside)) or not real.startswith(allowed):
                return f"{real} was opened"
        made = self._all_files() - self._files
        return f"{made} are new" if made else ""

    def _all_files(self) -> set[str]:
        places = (self._photos, self._outside)
        return {str(path) for place in places for path in place.rglob("*")} | {
            path.name for path in self._root.iterdir() if path.name not in ("in.json", "project")
        }

    def _write_photos(self) -> None:
        for folder in (self._photos / "sub", self._outside, self._out):
            folder.mkdir(parents=True)
        for seed, name in enumerate(IMAGES):
            write_photo(self._photos / name, photo(seed, WIDTH, HEIGHT))
        write_photo(self._photos / TURNED, photo(3, WIDTH, HEIGHT))
        _turn(self._photos / TURNED)
        write_photo(self._outside / "secret.png", photo(9, WIDTH, HEIGHT))
        write_bomb(self._photos / "bomb.png", 100_000, 100_000)
        if sys.platform != "win32":  # links need rights there
            (self._photos / "link.png").symlink_to(self._outside / "secret.png")
            (self._photos / "linked").symlink_to(self._outside)
            os.mkfifo(self._photos / "pipe.png")

    def _write_project(self) -> bytes:
        with Store.create(self._project) as store:
            category = store.add_category("cat")
            (entry,) = store.add_images([self._photos / "a.png"])
            mask = Mask.from_bitmap(np.ones((3, 4), np.bool_), 5, 5)
            made = Instance(store.new_instance_id(), category.id, mask, Provenance(Source.HUMAN))
            store.insert_instances(entry.id, [made])
        return (self._project / "project.db").read_bytes()

    def _reset(self) -> None:
        shutil.rmtree(self._project)
        self._project.mkdir()
        (self._project / "project.db").write_bytes(self._template)

    def _rows(self) -> dict[str, list[Any]]:
        """Everything that stands in the project."""
        with closing(sqlite3.connect(self._project / "project.db")) as database:
            names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: database.execute(f'SELECT * FROM "{name}" ORDER BY 1').fetchall()
                for (name,) in names.fetchall()
            }


def _turn(path: Path) -> None:
    """Say that a JPEG file lies on its side."""
    image = pyvips.Image.new_from_buffer(path.read_bytes(), "").copy()
    image.set_type(pyvips.GValue.gint_type, "orientation", 6)
    image.write_to_file(str(path))


class _Watch:
    """Hears of every file that Python opens; such a hook can never be taken away again."""

    def __init__(self) -> None:
        self.names: list[str] | None = None
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.names is not None and isinstance(arguments[0], str):
            self.names.append(arguments[0])


_WATCH = _Watch()


@contextmanager
def _opened_files() -> Iterator[list[str]]:
    """The files that are opened inside; libvips' are not heard, Python looks at each before."""
    names: list[str] = []
    _WATCH.names = names
    try:
        yield names
    finally:
        _WATCH.names = None
