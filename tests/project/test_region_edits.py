from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest

from core.masks import Mask
from mrcnn_gui.project.annotation import Region, RegionKind
from mrcnn_gui.project.document import ImageDocument
from mrcnn_gui.project.region_edits import mark_region

FINISHED, IGNORE = RegionKind.FINISHED, RegionKind.IGNORE


def box(x: int, y: int, width: int, height: int) -> Mask:
    return Mask.from_bitmap(np.ones((height, width), np.bool_), x, y)


@pytest.fixture
def ids() -> Iterator[int]:
    return iter(count(1))


def mark(
    document: ImageDocument, area: Mask, kind: RegionKind | None, ids: Iterator[int]
) -> list[tuple[RegionKind, Mask]]:
    edit = mark_region(list(document.regions.values()), area, kind, lambda: next(ids))
    assert edit is not None
    before = dict(document.regions)
    document.apply(edit)
    after = dict(document.regions)
    document.apply(edit.inverse())
    assert document.regions == before
    document.apply(edit)
    assert document.regions == after
    return [(it.kind, it.mask) for it in after.values()]


def test_areas_of_one_kind_that_touch_become_one(ids: Iterator[int]) -> None:
    document = ImageDocument(1, 100, 100)
    first, second, apart = box(0, 0, 20, 20), box(10, 10, 20, 20), box(60, 60, 5, 5)
    mark(document, first, FINISHED, ids)
    mark(document, apart, FINISHED, ids)
    assert mark(document, second, FINISHED, ids) == [
        (FINISHED, apart),
        (FINISHED, first.union(second)),
    ]


def test_a_pixel_is_of_one_kind(ids: Iterator[int]) -> None:
    document = ImageDocument(1, 100, 100)
    mark(document, box(0, 0, 20, 20), FINISHED, ids)
    assert mark(document, box(10, 0, 20, 20), IGNORE, ids) == [
        (FINISHED, box(0, 0, 10, 20)),
        (IGNORE, box(10, 0, 20, 20)),
    ]
    assert mark(document, box(0, 0, 15, 20), None, ids) == [(IGNORE, box(15, 0, 15, 20))]
    assert mark(document, box(0, 0, 100, 100), None, ids) == []


def test_what_is_marked_already_makes_no_edit() -> None:
    region = Region(1, FINISHED, box(0, 0, 20, 20))
    assert mark_region([region], box(2, 2, 5, 5), FINISHED, lambda: 2) is None
    assert mark_region([region], box(50, 2, 5, 5), None, lambda: 2) is None
