"""Import, export, migration, relinking: each is wholly done or not at all."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from core.images import content_hash
from mrcnn_gui.project.history import History
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.coco_import import import_coco
from mrcnn_gui.workflows.export_options import ExportOptions
from mrcnn_gui.workflows.relink import relink
from tests.crash.scene import END, Tell
from tests.helpers.photos import write_photos

_IMAGES = 30
_ANNOTATIONS = 4000
_OLD_ROWS = 20_000
_OLD_FORMAT = Path(__file__).parents[1] / "project" / "formats" / "1.sql"
_EXPORT = ExportOptions(all_images=True)


class Importing:
    """A COCO file into a project that is empty."""

    endless = False

    def prepare(self, folder: Path) -> None:
        """An empty project, images, and a COCO file for them."""
        Store.create(folder).close()
        _write_coco(folder)

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Import it."""
        with Store.open(folder) as store:
            import_coco(store, folder / "coco.json", folder / "photos")
            tell(END)

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """It is in, or it is not."""
        with Store.open(folder) as store:
            found = len(store.images()), sum(store.instance_counts().values())
        whole = (_IMAGES, _ANNOTATIONS)
        if found not in ({whole} if END in told else {whole, (0, 0)}):
            yield f"images and instances of the import: {found}"


class Exporting:
    """A project into the place of an older COCO file."""

    endless = False

    def prepare(self, folder: Path) -> None:
        """A project with annotations, an old file, and what the new one must be."""
        Importing().prepare(folder)
        with Store.open(folder) as store:
            import_coco(store, folder / "coco.json", folder / "photos")
        export_coco(folder, folder / "expected.json", _EXPORT)
        (folder / "out").mkdir()
        (folder / "out" / "out.json").write_text("old")

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Export."""
        export_coco(folder, folder / "out" / "out.json", _EXPORT)
        tell(END)

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """The old file or the new one is there; what is left half written is hidden."""
        new = (folder / "expected.json").read_bytes()
        found = (folder / "out" / "out.json").read_bytes()
        if found not in ({new} if END in told else {new, b"old"}):
            yield f"{len(found)} bytes are neither the old file nor the new one"
        shown = [path.name for path in (folder / "out").iterdir() if path.name[0] != "."]
        if shown != ["out.json"]:
            yield f"files beside the exported one: {shown}"


class Migrating:
    """A project of the first format, brought up to date."""

    endless = False

    def prepare(self, folder: Path) -> None:
        """The project of the tests, with many more rows."""
        folder.mkdir()
        with closing(sqlite3.connect(folder / "project.db")) as database:
            database.executescript(_OLD_FORMAT.read_text(encoding="utf-8"))
            columns = [row[1] for row in database.execute("PRAGMA table_info(instances)")]
            others = ", ".join(columns[1:])
            database.execute("INSERT INTO images (id, path) VALUES (50, '../b.jpg')")
            database.execute(
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?) "
                f"INSERT INTO instances (id, {others}) SELECT 1000 + i, "
                f"{others.replace('image_id', '50')} FROM n, instances WHERE id = 1",
                (_OLD_ROWS,),
            )
            database.commit()

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Open it."""
        with Store.open(folder):
            tell(END)

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """It opens with all its rows and its history, and so does the copy made before."""
        backups = sorted((folder / "backups").glob("project-*.db"))
        for path in [folder / "project.db", *backups]:
            with closing(sqlite3.connect(path)) as database:
                [rows] = database.execute("SELECT count(*) FROM instances WHERE image_id = 50")
                if rows != (_OLD_ROWS,):
                    yield f"{path.name} has {rows[0]} of {_OLD_ROWS} instances"
        with Store.open(folder) as store:
            document = store.load_document(1)
            history = History(store, document)
            while history.can_undo:
                history.undo()
            if document.instances or store.load_document(1) != document:
                yield "its history cannot be undone"


class Relinking:
    """A project whose images were moved."""

    endless = False

    def prepare(self, folder: Path) -> None:
        """A project on images that are in another folder now."""
        _write_photos(folder)
        with Store.create(folder) as store:
            for entry in store.add_images(sorted((folder / "photos").iterdir())):
                store.update_image(entry.id, content_hash=content_hash(store.image_path(entry)))
        (folder / "photos").rename(folder / "moved")

    def act(self, folder: Path, seed: int, tell: Tell) -> None:
        """Relink all."""
        with Store.open(folder) as store:
            relink(store, folder / "moved")
            tell(END)

    def problems(self, folder: Path, template: Path, seed: int, told: list[str]) -> Iterator[str]:
        """All are found, or none; and if none, they still can be."""
        with Store.open(folder) as store:
            folders = {Path(entry.path).parent.name for entry in store.images()}
            if folders not in ([{"moved"}] if END in told else [{"moved"}, {"photos"}]):
                yield f"images are in {folders}"
            if relink(store, folder / "moved").missing:
                yield "images cannot be relinked any more"


def _write_photos(folder: Path) -> None:
    (folder / "photos").mkdir(parents=True)
    write_photos(folder / "photos", _IMAGES)


def _write_coco(folder: Path) -> None:
    _write_photos(folder)
    names = sorted(path.name for path in (folder / "photos").iterdir())
    images = [
        {"id": number, "file_name": name, "width": 64, "height": 48}
        for number, name in enumerate(names, start=1)
    ]
    annotations = [_annotation(number) for number in range(1, _ANNOTATIONS + 1)]
    dataset = {
        "images": images,
        "categories": [{"id": 3, "name": "thing"}],
        "annotations": annotations,
    }
    (folder / "coco.json").write_text(json.dumps(dataset))


def _annotation(number: int) -> dict[str, Any]:
    x, y = number % 40, number % 29
    return {
        "id": number,
        "image_id": number % _IMAGES + 1,
        "category_id": 3,
        "segmentation": [[x, y, x + 9, y, x + 9, y + 7, x, y + 7]],
        "bbox": [x, y, 9, 7],
        "area": 63,
        "iscrowd": 0,
    }
