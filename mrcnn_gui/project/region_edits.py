"""Marking parts of an image as finished or to be ignored."""

from collections.abc import Callable, Iterable

from core.masks import Mask
from mrcnn_gui.project.annotation import Region, RegionKind
from mrcnn_gui.project.edits import AddRegion, Batch, Edit, RemoveRegion


def mark_region(
    regions: Iterable[Region], area: Mask, kind: RegionKind | None, new_id: Callable[[], int]
) -> Batch | None:
    """The edits that make an area, and no other, of a kind; None where nothing changes.

    A pixel is of one kind: the area is taken from regions of other kinds, and regions of its own
    that it touches grow together with it.

    Args:
        regions: Of the image.
        area: Clipped to the image.
        kind: What it is from now on; None for neither.
        new_id: A number that no region has.
    """
    edits: list[Edit] = []
    for region in regions:
        overlap = not region.mask.intersect(area).is_empty
        if not overlap:
            continue
        if region.kind is kind:
            if area.subtract(region.mask).is_empty:
                return None  # all of it is marked already
            area = area.union(region.mask)
        edits.append(RemoveRegion(region))
        rest = region.mask.subtract(area)
        if region.kind is not kind and not rest.is_empty:
            edits.append(AddRegion(Region(new_id(), region.kind, rest)))
    if kind is not None and not area.is_empty:
        edits.append(AddRegion(Region(new_id(), kind, area)))
    return Batch(tuple(edits), _TITLES[kind]) if edits else None


_TITLES = {
    RegionKind.FINISHED: "Mark as finished",
    RegionKind.IGNORE: "Mark to be ignored",
    None: "Clear marked region",
}
