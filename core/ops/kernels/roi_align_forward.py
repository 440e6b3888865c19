"""RoIAlign over a whole pyramid in one launch: every program pools a few bins of one box."""

import triton
import triton.language as tl

from core.ops.kernels.sampling import extent, level_of, tap_weight

_SIZES = ["h0", "w0", "h1", "w1", "h2", "w2", "h3", "w3"]


@triton.jit
def _look_up(base, y, x, height, width, channels, usable, C: tl.constexpr, BICUBIC: tl.constexpr):
    """Return [bins, channels]: the features at the points (y, x), 0 beyond a cell outside."""
    inside = (y >= -1.0) & (y <= height) & (x >= -1.0) & (x <= width)
    y = tl.minimum(tl.maximum(y, 0.0), height - 1.0)
    x = tl.minimum(tl.maximum(x, 0.0), width - 1.0)
    top = tl.floor(y)
    left = tl.floor(x)
    FIRST: tl.constexpr = -1 if BICUBIC else 0
    TAPS: tl.constexpr = 4 if BICUBIC else 2
    total = tl.zeros((y.shape[0], channels.shape[0]), y.dtype)
    seen = inside[:, None] & usable[None, :]
    for i in tl.static_range(TAPS):
        row = top + (FIRST + i)
        row_weight = tap_weight(y - row, BICUBIC)
        row = tl.minimum(tl.maximum(row, 0.0), height - 1.0).to(tl.int32)
        for j in tl.static_range(TAPS):
            column = left + (FIRST + j)
            weight = row_weight * tap_weight(x - column, BICUBIC)
            column = tl.minimum(tl.maximum(column, 0.0), width - 1.0).to(tl.int32)
            cell = (row * width + column) * C
            value = tl.load(base + cell[:, None] + channels[None, :], mask=seen, other=0.0)
            total += value.to(total.dtype) * weight[:, None]
    return total


@triton.jit(do_not_specialize=_SIZES)
def pool(
    p0, p1, p2, p3,
    h0, w0, h1, w1, h2, w2, h3, w3,
    rois, pooled, chosen, scale0,
    C: tl.constexpr, BLOCK_C: tl.constexpr, SIZE: tl.constexpr, BINS: tl.constexpr,
    LEVELS: tl.constexpr, PER_BIN: tl.constexpr, ALIGNED: tl.constexpr, BICUBIC: tl.constexpr,
):  # fmt: skip
    """Pool `BINS` bins of one box, `BLOCK_C` channels of them; grid (boxes, bins, channels).

    Args:
        p0: features of P2 [B, H, W, C]; `p1`..`p3` of the other levels, `h` and `w` their sides.
        rois: [N, 5], the image and `boxes_xyxy` in its pixels.
        pooled: [N, SIZE * SIZE, C], written.
        chosen: [N] int32, written: the level of each box, 0 for P2.
        scale0: cells of P2 per pixel.
    """
    roi = tl.program_id(0)
    image = tl.load(rois + roi * 5).to(tl.int64)
    x1 = tl.load(rois + roi * 5 + 1)
    y1 = tl.load(rois + roi * 5 + 2)
    x2 = tl.load(rois + roi * 5 + 3)
    y2 = tl.load(rois + roi * 5 + 4)
    level = level_of(x1, y1, x2, y2, LEVELS)
    features, height, width, scale = p0, h0, w0, scale0
    if level == 1:
        features, height, width, scale = p1, h1, w1, scale0 / 2
    if level == 2:
        features, height, width, scale = p2, h2, w2, scale0 / 4
    if level == 3:
        features, height, width, scale = p3, h3, w3, scale0 / 8
    left, bin_width, across = extent(x1, x2, scale, SIZE, PER_BIN, ALIGNED)
    top, bin_height, down = extent(y1, y2, scale, SIZE, PER_BIN, ALIGNED)
    bins = tl.program_id(1) * BINS + tl.arange(0, BINS)
    channels = tl.program_id(2) * BLOCK_C + tl.arange(0, BLOCK_C)
    usable = channels < C
    bin_top = top + (bins // SIZE) * bin_height
    bin_left = left + (bins % SIZE) * bin_width
    base = features + image * height * width * C
    total = tl.zeros((BINS, BLOCK_C), x1.dtype)
    if PER_BIN > 0:
        for i in tl.static_range(PER_BIN):
            for j in tl.static_range(PER_BIN):
                y = bin_top + (i + 0.5) / PER_BIN * bin_height
                x = bin_left + (j + 0.5) / PER_BIN * bin_width
                total += _look_up(base, y, x, height, width, channels, usable, C, BICUBIC)
        total = total / (PER_BIN * PER_BIN)
    else:
        for i in range(down):
            for j in range(across):
                y = bin_top + (i + 0.5) * bin_height / down
                x = bin_left + (j + 0.5) * bin_width / across
                total += _look_up(base, y, x, height, width, channels, usable, C, BICUBIC)
        total = total / tl.maximum(down * across, 1)
    places = (roi.to(tl.int64) * SIZE * SIZE + bins) * C
    written = (bins < SIZE * SIZE)[:, None] & usable[None, :]
    value = total.to(pooled.dtype.element_ty)
    tl.store(pooled + places[:, None] + channels[None, :], value, mask=written)
    if (tl.program_id(1) == 0) & (tl.program_id(2) == 0):
        tl.store(chosen + roi, level)
