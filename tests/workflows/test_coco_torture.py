"""The fate of every record of a file that has everything, exactly."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.masks import Mask
from mrcnn_gui.project.annotation import Instance
from mrcnn_gui.project.store import Store
from mrcnn_gui.workflows.coco_export import export_coco
from mrcnn_gui.workflows.coco_import import import_coco
from mrcnn_gui.workflows.export_options import ExportOptions, MaskForm
from mrcnn_gui.workflows.import_report import ReportLine
from tests.core.masks.strategies import pycocotools_decode
from tests.helpers.data import REPOSITORY
from tests.helpers.photos import write_bomb
from tests.workflows.conftest import HEIGHT, WIDTH, write_picture
from tests.workflows.torture import (
    ANNOTATIONS,
    CATEGORIES,
    IMAGES,
    KEPT,
    Case,
    annotation,
    category,
    image,
    reference_rle,
    torture_file,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")

ALL = ExportOptions(all_images=True)
TAKEN = [case for case in ANNOTATIONS if case.fate not in ("refused", "duplicate")]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("torture")
    for number in range(7):
        write_picture(root / "photos" / f"{number}.png", number)
    write_picture(root / "photos" / "süb" / "写真 1.png")
    write_picture(root / "out.png")
    (root / "photos" / "text.png").write_text("no image at all")
    (root / "photos" / "link.png").symlink_to(root / "out.png")
    (root / "photos" / "linked").symlink_to(root)
    write_bomb(root / "photos" / "bomb.png", 100_000, 100_000)
    return root / "photos"


@pytest.fixture(scope="module")
def lines() -> list[ReportLine]:
    """Filled by `project`."""
    return []


@pytest.fixture(scope="module")
def project(photos: Path, lines: list[ReportLine]) -> Path:
    """A project with all of the file that could be taken."""
    path = photos.parent / "torture.json"
    path.write_text(json.dumps(torture_file()), encoding="utf-8")
    with Store.create(photos.parent / "project") as store:
        import_coco(store, path, photos, on_line=lines.append)
    return photos.parent / "project"


def instances(project: Path) -> Iterator[tuple[str, Instance]]:
    with Store.open(project, read_only=True) as store:
        for entry in store.images():
            for instance in store.instances(entry.id):
                yield json.loads(instance.original)["case"], instance


def expected_mask(case: Case) -> Mask:
    segmentation = case.reference or annotation(0, case)["segmentation"]
    if not segmentation:
        return Mask.empty()
    return Mask.from_bitmap(pycocotools_decode(reference_rle(segmentation)))


def exported(project: Path, out: Path) -> Any:
    export_coco(project, out, ALL)
    return json.loads(out.read_text(encoding="utf-8"))


def names(case: Case, place: int) -> set[str]:
    """What the report may call the record of a case."""
    name, number = case.changes.get("file_name", "6.png"), annotation(place, case)["id"]
    own = f"annotation {number}" if type(number) is int and number < 2**53 else f"[{place}]"
    return {f"{kind}[{place}]" for kind in ("images", "categories")} | {
        own,
        f"annotations[{place}]",
        f"0.png: {own}",
        f"0.png: annotations[{place}]",
        name,
        f"{name}: image {case.changes.get('id')!r}",
        f"category {case.changes.get('name')!r}",
    }


def test_every_record_has_its_fate(project: Path, lines: list[ReportLine]) -> None:
    left = list(lines)
    for cases in (IMAGES, CATEGORIES, ANNOTATIONS):
        for place, case in enumerate(cases):
            if case.fate == KEPT:
                continue
            of_it = [
                line
                for line in left
                if line.record in names(case, place)
                and line.fate == case.fate
                and case.why in line.why
            ]
            assert of_it, f"{case.what}: no such line in {[str(line) for line in left]}"
            left.remove(of_it[0])
    assert not left


def test_all_that_was_not_refused_is_there_with_the_masks_of_pycocotools(project: Path) -> None:
    found = dict(instances(project))
    assert sorted(found) == sorted(case.what for case in TAKEN)
    for case in TAKEN:
        assert found[case.what].mask == expected_mask(case), case.what
        assert found[case.what].is_crowd == bool(case.changes.get("iscrowd"))
    assert len({instance.id for instance in found.values()}) == len(TAKEN)


def test_an_export_keeps_what_was_kept_and_reads_back(project: Path, tmp_path: Path) -> None:
    dataset = exported(project, tmp_path / "out.json")
    for kind, cases, record_of in (
        ("images", IMAGES, lambda _, case: image(case)),
        ("categories", CATEGORIES, lambda _, case: category(case)),
        ("annotations", ANNOTATIONS, annotation),
    ):
        records = {record["case"]: record for record in dataset[kind]}
        taken = [case for case in cases if case.fate not in ("refused", "duplicate")]
        assert sorted(records) == sorted(case.what for case in taken)
        for place, case in enumerate(cases):
            if case.fate == KEPT:
                assert records[case.what] == record_of(place, case)
    assert (dataset["info"], dataset["unknown"], dataset["licenses"]) == tuple(
        torture_file()[key] for key in ("info", "unknown", "licenses")
    )


def test_the_export_of_an_export_is_the_same(project: Path, photos: Path, tmp_path: Path) -> None:
    export_coco(project, tmp_path / "out.json", ALL)
    again: list[ReportLine] = []
    with Store.create(tmp_path / "again") as store:
        import_coco(store, tmp_path / "out.json", photos, on_line=again.append)
    assert {line.fate.value for line in again} == {"noted"}
    export_coco(tmp_path / "again", tmp_path / "again.json", ALL)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "out.json").read_bytes()


@pytest.mark.parametrize("form", [MaskForm.RLE, MaskForm.KEYHOLE])
def test_every_exact_form_gives_every_mask_back(
    project: Path, photos: Path, tmp_path: Path, form: MaskForm
) -> None:
    export_coco(project, tmp_path / "out.json", ExportOptions(all_images=True, masks=form))
    with Store.create(tmp_path / "again") as store:
        import_coco(store, tmp_path / "out.json", photos)
    before, after = dict(instances(project)), dict(instances(tmp_path / "again"))
    assert {what: each.mask for what, each in after.items()} == {
        what: each.mask for what, each in before.items()
    }


def test_the_file_is_about_every_size_of_mask() -> None:
    areas = {case.what: expected_mask(case).area for case in TAKEN}
    assert areas["image-sized mask"] == WIDTH * HEIGHT
    assert areas["1-pixel parts"] == 20
    assert np.size(annotation(0, ANNOTATIONS[13])["segmentation"]) == 2_000_000


def test_the_manual_lists_the_same_fates() -> None:
    text = (REPOSITORY / "docs" / "coco.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| ([^|]+) \| (kept|noted|mended|refused|duplicate) \|", text, re.M)
    assert dict(listed) == {case.what: case.fate for case in (*ANNOTATIONS, *IMAGES, *CATEGORIES)}
