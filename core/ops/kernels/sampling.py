"""How RoIAlign looks at a pyramid: what its forward and its backward kernel share.

Kernels are compiled by Triton for the GPU, or run by its interpreter where `TRITON_INTERPRET=1`.
A pyramid has at most four levels, P2..P5 of strides 4..32, all channels last.
"""

import triton
import triton.language as tl

# Of the area that a box needs for a level above P2: (112 * 2^k)^2, less what the reference's
# 1e-6 in floor(4 + log2(side / 224) + 1e-6) is of an area.
_FIRST_AREA = tl.constexpr(112.0 * 112.0 * (1 - 1.386e-6))


@triton.jit
def level_of(x1, y1, x2, y2, LEVELS: tl.constexpr):
    """Return 0 for P2, 1 for P3, ...: `core.ops.roi_align.pyramid_levels` without a logarithm."""
    area = tl.maximum(x2 - x1, 0.0) * tl.maximum(y2 - y1, 0.0)
    level = 0
    for above in tl.static_range(LEVELS - 1):
        level += (area >= _FIRST_AREA * 4**above).to(tl.int32)
    return level


@triton.jit
def extent(low, high, scale, SIZE: tl.constexpr, PER_BIN: tl.constexpr, ALIGNED: tl.constexpr):
    """Return where a side of a box starts, how long a bin is (in cells), and its points."""
    if ALIGNED:
        start = low * scale - 0.5
        side = high * scale - 0.5 - start
    else:
        start = low * scale
        side = tl.maximum(high * scale - start, 1.0)
    points = PER_BIN
    if PER_BIN == 0:
        points = tl.maximum(tl.ceil(side / SIZE), 0.0).to(tl.int32)
    return start, side / SIZE, points


@triton.jit
def tap_weight(distance, BICUBIC: tl.constexpr):
    """Return the weight of a cell at a distance in cells: a hat, or Keys' kernel, a = -0.75."""
    d = tl.abs(distance)
    if BICUBIC:
        near = (1.25 * d - 2.25) * d * d + 1.0
        far = ((-0.75 * d + 3.75) * d - 6.0) * d + 3.0
        weight = tl.where(d <= 1.0, near, tl.where(d < 2.0, far, 0.0))
    else:
        weight = tl.maximum(1.0 - d, 0.0)
    return weight
