"""Instance masks, and COCO's two ways to write them down."""

from core.masks.contours import (
    Compressed,
    Filled,
    Ring,
    fill_polygons,
    mask_to_rings,
    polygons_to_counts,
    polygons_to_mask,
    rasterise_polygon,
    reaches_far,
)
from core.masks.mask import Bitmap, Mask
from core.masks.rle import (
    RunLengths,
    canonical_counts,
    decode_rle,
    empty_counts,
    encode_changes,
    encode_rle,
    odd_ones,
)

__all__ = [
    "Bitmap",
    "Compressed",
    "Filled",
    "Mask",
    "Ring",
    "RunLengths",
    "canonical_counts",
    "decode_rle",
    "empty_counts",
    "encode_changes",
    "encode_rle",
    "fill_polygons",
    "mask_to_rings",
    "odd_ones",
    "polygons_to_counts",
    "polygons_to_mask",
    "rasterise_polygon",
    "reaches_far",
]
