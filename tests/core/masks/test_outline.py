import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.masks import Mask
from core.masks.outline import Outline, Vertex
from tests.core.masks.strategies import masks, quick

tolerances = st.sampled_from([0.0, 0.8, 1.5, 4.0])


def ring_with_hole() -> Mask:
    bitmap = np.ones((40, 60), dtype=np.bool_)
    bitmap[10:30, 20:40] = False
    bitmap[0, 30] = False  # a dent below the tolerance
    return Mask.from_bitmap(bitmap, 5, 7)


def vertex_at(outline: Outline, x: float, y: float) -> Vertex:
    for index, ring in enumerate(outline.rings):
        for number, place in enumerate(ring.vertices.tolist()):
            if place == [x, y]:
                return index, number
    raise AssertionError([ring.vertices.tolist() for ring in outline.rings])


@quick
@given(masks(), tolerances)
def test_it_is_the_mask_whatever_the_tolerance(mask: Mask, tolerance: float) -> None:
    assert Outline.of(mask, tolerance).mask() == mask


@quick
@given(masks(), tolerances, st.data())
def test_only_pixels_near_the_moved_lines_change(
    mask: Mask, tolerance: float, data: st.DataObject
) -> None:
    outline = Outline.of(mask, tolerance)
    if not outline.rings:
        return
    index = data.draw(st.integers(0, len(outline.rings) - 1))
    ring = outline.rings[index]
    vertex = data.draw(st.integers(0, len(ring.anchors) - 1))
    place = data.draw(st.tuples(st.floats(-9, 22), st.floats(-9, 22)))
    moved = outline.moved({(index, vertex): place})
    changed = outline.changed_pixels(moved)
    assert mask.xor(changed) == moved.mask()
    count = len(ring.anchors)
    corners = [*ring.chain(vertex - 1), *ring.chain(vertex), place]
    corners += [ring.vertices[number % count] for number in (vertex - 1, vertex, vertex + 1)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    left, top, right, bottom = changed.box_xyxy
    if not changed.is_empty:
        assert left >= low[0] - 1
        assert top >= low[1] - 1
        assert right <= high[0] + 1
        assert bottom <= high[1] + 1


@quick
@given(masks(), tolerances, st.data())
def test_an_inserted_vertex_changes_no_pixel(
    mask: Mask, tolerance: float, data: st.DataObject
) -> None:
    outline = Outline.of(mask, tolerance)
    if not outline.rings:
        return
    index = data.draw(st.integers(0, len(outline.rings) - 1))
    after = data.draw(st.integers(0, len(outline.rings[index].anchors) - 1))
    place = data.draw(st.tuples(st.floats(-9, 22), st.floats(-9, 22)))
    inserted = outline.inserted((index, after), place)
    assert inserted.mask() == mask
    assert len(inserted.rings[index].anchors) == len(outline.rings[index].anchors) + 1


def test_few_vertices_stand_for_a_mask_with_a_hole() -> None:
    outline = Outline.of(ring_with_hole(), 1.5)
    assert [len(ring.anchors) for ring in outline.rings] == [4, 4]


def test_moving_a_corner_of_the_hole_leaves_the_rest_exact() -> None:
    mask = ring_with_hole()
    outline = Outline.of(mask, 1.5)
    moved = outline.moved({vertex_at(outline, 25, 17): (25.0, 27.0)})
    after = moved.mask()
    assert after.contains(26, 19)  # was in the hole
    assert not after.contains(35, 7)  # the dent
    assert mask.xor(after) == outline.changed_pixels(moved)
    assert mask.xor(after).box_xyxy[2] <= 45


def test_a_line_whose_vertex_moves_takes_no_crumbs_along() -> None:
    outline = Outline.of(ring_with_hole(), 1.5)
    moved = outline.moved(
        {vertex_at(outline, 5, 7): (5.0, 2.0), vertex_at(outline, 65, 7): (65.0, 2.0)}
    )
    assert moved.mask().contains(35, 7)
    assert moved.mask().box_xyxy == (5, 2, 65, 47)


@pytest.mark.parametrize(("gone", "rings"), [(1, 2), (2, 1)])
def test_a_ring_with_too_few_vertices_goes(gone: int, rings: int) -> None:
    outline = Outline.of(ring_with_hole(), 1.5)
    hole = vertex_at(outline, 25, 17)[0]
    left = outline.without({(hole, number) for number in range(gone)})
    assert len(left.rings) == rings
    if rings == 1:
        assert left.mask().area == 60 * 40 - 1
