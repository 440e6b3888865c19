"""What hypothesis draws for the tests of masks, and the reference that it is held against."""

import warnings
from typing import Any

import numpy as np
import pycocotools.mask as coco_mask
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from core.masks import Mask

quick = settings(deadline=None, max_examples=150, database=None)


def bitmaps(side: int = 12) -> st.SearchStrategy[NDArray[np.bool_]]:
    """Bool arrays from 1 x 1 on, noisy as well as nearly empty or full."""
    shapes = st.tuples(st.integers(1, side), st.integers(1, side))
    fills = st.sampled_from([st.nothing(), st.just(False), st.just(True)])
    return st.tuples(shapes, fills).flatmap(lambda drawn: arrays(np.bool_, drawn[0], fill=drawn[1]))


def masks() -> st.SearchStrategy[Mask]:
    """Masks around the origin, partly at negative coordinates."""
    offsets = st.integers(-8, 8)
    return st.builds(Mask.from_bitmap, bitmaps(), offsets, offsets)


def pycocotools_decode(rle: Any) -> NDArray[np.bool_]:
    """The whole bitmap; pycocotools' own arrays do not follow numpy 2's protocol and warn."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return np.asarray(coco_mask.decode(rle), dtype=np.bool_)
