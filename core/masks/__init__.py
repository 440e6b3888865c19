"""Instance masks, and COCO's two ways to write them down."""

from core.masks.mask import Mask
from core.masks.rle import RunLengths, decode_rle, encode_rle

__all__ = ["Mask", "RunLengths", "decode_rle", "encode_rle"]
