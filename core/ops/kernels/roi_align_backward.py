"""The gradient of RoIAlign, gathered: every program owns a tile of cells, so none adds to another.

The sums are taken in a fixed order. Equal inputs give equal gradients, which atomic additions
could not promise.
"""

import triton
import triton.language as tl

from core.ops.kernels.sampling import extent, tap_weight

_SIZES = ["h0", "w0", "h1", "w1", "h2", "w2", "h3", "w3", "end3", "end2", "end1"]
_AT_ONCE = tl.constexpr(32)  # boxes that are looked at together: one bit each
_AHEAD = tl.constexpr(4)  # bins of a row that are loaded before any is added


@triton.jit
def _touches(
    low, high, scale, first, last, limit,
    SIZE: tl.constexpr, PER_BIN: tl.constexpr, ALIGNED: tl.constexpr, REACH: tl.constexpr,
):  # fmt: skip
    """Return [boxes] bool: whether points of the box may move the cells first..last."""
    start, length, _ = extent(low, high, scale, SIZE, PER_BIN, ALIGNED)
    most = limit - 1.0
    begin = tl.minimum(tl.maximum(start, 0.0), most) - REACH
    end = tl.minimum(tl.maximum(start + length * SIZE, 0.0), most) + REACH
    return (begin <= last) & (end >= first)


@triton.jit
def _bins_at(start, length, first, last, limit, SIZE: tl.constexpr, REACH: tl.constexpr):
    """Return which bins may move the cells first..last: from the one up to before the other."""
    length = tl.maximum(length, 1e-3)
    begin = tl.floor(tl.minimum(tl.maximum((first - REACH - start) / length, 0.0), SIZE * 1.0))
    end = tl.ceil(tl.minimum(tl.maximum((last + REACH - start) / length, 0.0), SIZE * 1.0))
    # Points outside of the map count at its border.
    begin = tl.where(first == 0, 0, begin.to(tl.int32))
    end = tl.where(last >= limit - 1, SIZE, end.to(tl.int32))
    return begin, end


@triton.jit
def _pull(position, cells, limit, BICUBIC: tl.constexpr):
    """Return [cells]: the weights of the cells in what is looked up at one position."""
    place = tl.minimum(tl.maximum(position, 0.0), limit - 1.0)
    whole = tl.floor(place)
    FIRST: tl.constexpr = -1 if BICUBIC else 0
    TAPS: tl.constexpr = 4 if BICUBIC else 2
    weights = tl.zeros(cells.shape, position.dtype)
    for tap in tl.static_range(TAPS):
        at = whole + (FIRST + tap)
        cell = tl.minimum(tl.maximum(at, 0.0), limit - 1.0)
        weights += tl.where(cells == cell, tap_weight(place - at, BICUBIC), 0.0)
    return tl.where((position >= -1.0) & (position <= limit), weights, 0.0)


@triton.jit
def _pulls(
    start, length, points, cells, limit, PER_BIN: tl.constexpr, BICUBIC: tl.constexpr
):  # fmt: skip
    """Return [cells]: the weights of the cells in the mean over the points of a bin."""
    weights = tl.zeros(cells.shape, start.dtype)
    if PER_BIN > 0:
        for i in tl.static_range(PER_BIN):
            weights += _pull(start + (i + 0.5) / PER_BIN * length, cells, limit, BICUBIC)
        weights = weights / PER_BIN
    else:
        for i in range(points):
            weights += _pull(start + (i + 0.5) * length / points, cells, limit, BICUBIC)
        weights = weights / tl.maximum(points, 1)
    return weights


@triton.jit(do_not_specialize=_SIZES)
def gather(
    g0, g1, g2, g3,
    h0, w0, h1, w1, h2, w2, h3, w3,
    end3, end2, end1,
    rois, order, starts, outer, scale0,
    C: tl.constexpr, BLOCK_C: tl.constexpr, SIZE: tl.constexpr, TILE: tl.constexpr,
    LEVELS: tl.constexpr, PER_BIN: tl.constexpr, ALIGNED: tl.constexpr, BICUBIC: tl.constexpr,
):  # fmt: skip
    """Write the gradient of `TILE` x `TILE` cells, `BLOCK_C` channels; grid (tiles, channels).

    Args:
        g0: gradient of P2 [B, H, W, C], written; `g1`..`g3` of the other levels.
        end3: the tiles of the coarsest level come first, up to this number: they see most boxes.
        end2: up to where the tiles of P4 go; `end1`: those of P3.
        rois: [N, 5], the image and `boxes_xyxy` in its pixels.
        order: [N] int32, the boxes sorted by image and level.
        starts: [B * LEVELS + 1] int32, where in `order` those of an image and a level begin.
        outer: [N, SIZE * SIZE, C], the gradient of what was pooled.
        scale0: cells of P2 per pixel.
    """
    tile = tl.program_id(0)
    level = 0
    gradient, height, width, scale, before = g0, h0, w0, scale0, end1
    if tile < end1:
        level = 1
        gradient, height, width, scale, before = g1, h1, w1, scale0 / 2, end2
    if tile < end2:
        level = 2
        gradient, height, width, scale, before = g2, h2, w2, scale0 / 4, end3
    if tile < end3:
        level = 3
        gradient, height, width, scale, before = g3, h3, w3, scale0 / 8, 0
    tile -= before
    columns = tl.cdiv(width, TILE)
    rows = tl.cdiv(height, TILE)
    image = tile // (rows * columns)
    top = tile // columns % rows * TILE
    left = tile % columns * TILE
    bottom = tl.minimum(top + TILE, height) - 1
    right = tl.minimum(left + TILE, width) - 1
    ys = top + tl.arange(0, TILE * TILE) // TILE
    xs = left + tl.arange(0, TILE * TILE) % TILE
    channels = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    usable = channels < C
    REACH: tl.constexpr = 2 if BICUBIC else 1
    total = tl.zeros((TILE * TILE, BLOCK_C), rois.dtype.element_ty)
    end = tl.load(starts + image * LEVELS + level + 1)
    for block in range(tl.load(starts + image * LEVELS + level), end, _AT_ONCE):
        places = block + tl.arange(0, _AT_ONCE)
        real = places < end
        boxes = rois + tl.load(order + places, mask=real, other=0) * 5
        hit = real
        hit &= _touches(
            tl.load(boxes + 1, mask=real, other=0.0), tl.load(boxes + 3, mask=real, other=0.0),
            scale, left, right, width, SIZE, PER_BIN, ALIGNED, REACH,
        )  # fmt: skip
        hit &= _touches(
            tl.load(boxes + 2, mask=real, other=0.0), tl.load(boxes + 4, mask=real, other=0.0),
            scale, top, bottom, height, SIZE, PER_BIN, ALIGNED, REACH,
        )  # fmt: skip
        bits = tl.sum(hit.to(tl.int64) << tl.arange(0, _AT_ONCE).to(tl.int64), axis=0)
        while bits != 0:
            # The exponent of a power of two is its place: that of the lowest bit.
            lowest = (bits & -bits).to(tl.float32)
            roi = tl.load(order + block + ((lowest.to(tl.int32, bitcast=True) >> 23) - 127))
            bits = bits & (bits - 1)
            box = rois + roi * 5
            x0, wide, across = extent(
                tl.load(box + 1), tl.load(box + 3), scale, SIZE, PER_BIN, ALIGNED
            )
            y0, tall, down = extent(
                tl.load(box + 2), tl.load(box + 4), scale, SIZE, PER_BIN, ALIGNED
            )
            first, last = _bins_at(x0, wide, left, right, width, SIZE, REACH)
            upper, lower = _bins_at(y0, tall, top, bottom, height, SIZE, REACH)
            for i in range(upper, lower):
                pulls_y = _pulls(y0 + i * tall, tall, down, ys, height, PER_BIN, BICUBIC)
                source = outer + (roi.to(tl.int64) * SIZE * SIZE + i * SIZE) * C + channels
                for j in range(first, last, _AHEAD):
                    for k in tl.static_range(_AHEAD):
                        value = tl.load(
                            source + (j + k) * C, mask=usable & (j + k < last), other=0.0
                        )
                        pulls = pulls_y * _pulls(
                            x0 + (j + k) * wide, wide, across, xs, width, PER_BIN, BICUBIC
                        )
                        total += pulls[:, None] * value.to(total.dtype)[None, :]
    cells = (image.to(tl.int64) * height * width + ys * width + xs) * C
    written = ((ys < height) & (xs < width))[:, None] & usable[None, :]
    value = total.to(gradient.dtype.element_ty)
    tl.store(gradient + cells[:, None] + channels[None, :], value, mask=written)
