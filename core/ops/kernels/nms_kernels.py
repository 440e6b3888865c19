"""Non-maximum suppression of many groups at once, in three steps that never wait for the host.

`rank` sorts by counting. `overlaps` writes, for every box, one bit per better box of its group that
covers too much of it. `keep` reads these bits, one program per group.
"""

import triton
import triton.language as tl

WORD = 64  # boxes per word of bits
_WORD = tl.constexpr(WORD)
_STEP = tl.constexpr(128)  # boxes that are compared with at a time
_WORDS_AT_ONCE = tl.constexpr(16)


@triton.jit(do_not_specialize=["count"])
def rank(
    scores, majors, order, first, last, count,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Sort by (major rising, score falling, index rising): every box counts those before it.

    Args:
        scores: [N]; not-a-number counts as the lowest.
        majors: [N] integers.
        order: [N] int32, written: the boxes in their new order.
        first: [N] int32, written, in the new order: where the run of the same major begins.
        last: [N] int32, written, in the new order: where it ends.
        count: N.
    """
    boxes = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    real = boxes < count
    major = tl.load(majors + boxes, mask=real, other=0)[:, None]
    score = tl.load(scores + boxes, mask=real, other=0.0)[:, None]
    score = tl.where(score == score, score, float("-inf"))
    before = tl.zeros((BLOCK,), tl.int32)
    lower = tl.zeros((BLOCK,), tl.int32)
    equal = tl.zeros((BLOCK,), tl.int32)
    for start in range(0, count, _STEP):
        others = start + tl.arange(0, _STEP)
        there = (others < count)[None, :]
        other_major = tl.load(majors + others, mask=others < count, other=0)[None, :]
        other = tl.load(scores + others, mask=others < count, other=0.0)[None, :]
        other = tl.where(other == other, other, float("-inf"))
        better = (other > score) | ((other == score) & (others[None, :] < boxes[:, None]))
        same = there & (other_major == major)
        below = there & (other_major < major)
        lower += tl.sum(below.to(tl.int32), axis=1)
        equal += tl.sum(same.to(tl.int32), axis=1)
        before += tl.sum((same & better).to(tl.int32), axis=1)
    place = lower + before
    tl.store(order + place, boxes, mask=real)
    tl.store(first + place, lower, mask=real)
    tl.store(last + place, lower + equal, mask=real)


@triton.jit(do_not_specialize=["count", "threshold"])
def overlaps(boxes, order, first, bits, count, threshold, words):
    """Write one word per box and per 64 sorted boxes up to its own; grid (blocks, words).

    Args:
        boxes: `boxes_xyxy` [N, 4] float32, unsorted.
        order: [N] int32.
        first: [N] int32, equal for boxes of one group only.
        bits: [N, words] int64, written: word d of a box speaks of the block that lies d blocks
            before its own; words before its group's first block are left alone.
        count: N.
        threshold: a larger IoU covers too much; float32.
        words: per box.
    """
    block = tl.program_id(0)
    back = tl.program_id(1)
    if back <= block:
        rows = block * _WORD + tl.arange(0, _WORD)
        there = rows < count
        begin = tl.load(first + rows, mask=there, other=2147483647)
        columns = (block - back) * _WORD + tl.arange(0, _WORD)
        if tl.min(begin, axis=0) < (block - back + 1) * _WORD:
            ours = boxes + tl.load(order + rows, mask=there, other=0) * 4
            x1 = tl.load(ours)[:, None]
            y1 = tl.load(ours + 1)[:, None]
            x2 = tl.load(ours + 2)[:, None]
            y2 = tl.load(ours + 3)[:, None]
            known = columns < count
            theirs = boxes + tl.load(order + columns, mask=known, other=0) * 4
            u1 = tl.load(theirs)[None, :]
            v1 = tl.load(theirs + 1)[None, :]
            u2 = tl.load(theirs + 2)[None, :]
            v2 = tl.load(theirs + 3)[None, :]
            width = tl.maximum(tl.minimum(x2, u2) - tl.maximum(x1, u1), 0.0)
            height = tl.maximum(tl.minimum(y2, v2) - tl.maximum(y1, v1), 0.0)
            shared = width * height
            union = (u2 - u1) * (v2 - v1) + (x2 - x1) * (y2 - y1) - shared
            # Two boxes without area cover nothing of each other.
            covered = tl.div_rn(shared, tl.where(union > 0.0, union, 1.0)) > threshold
            better = (columns[None, :] >= begin[:, None]) & (columns[None, :] < rows[:, None])
            flags = (covered & better).to(tl.int64) << tl.arange(0, _WORD).to(tl.int64)[None, :]
            word = tl.sum(flags, axis=1)
            tl.store(bits + rows.to(tl.int64) * words + back, word, mask=there)


@triton.jit(do_not_specialize=["count"])
def keep(
    bits, scores, order, first, last, kept, count, words,
    CHUNKS: tl.constexpr,
):  # fmt: skip
    """Decide on the boxes of the group that begins at this program's place; grid (N,).

    Args:
        bits: [N, words] int64, from `overlaps`.
        scores: [N], unsorted; boxes of minus infinity are no boxes.
        order: [N] int32; `first` and `last` as from `rank`.
        kept: [N] int32, written, unsorted: 1 or 0.
        count: N.
        words: per box.
        CHUNKS: times 16: blocks that a group may touch, at most.
    """
    begin = tl.program_id(0)
    if tl.load(first + begin) == begin:
        end = tl.load(last + begin)
        origin = begin // _WORD
        lanes = tl.arange(0, _WORD)
        chunk_ids = tl.arange(0, CHUNKS)[:, None]
        word_ids = chunk_ids * _WORDS_AT_ONCE + tl.arange(0, _WORDS_AT_ONCE)[None, :]
        # Of the blocks that are decided: which of their boxes stay.
        staying = tl.zeros((CHUNKS, _WORDS_AT_ONCE), tl.int64)
        for block in range(origin, tl.cdiv(end, _WORD)):
            rows = block * _WORD + lanes
            ours = (rows >= begin) & (rows < end)
            box = tl.load(order + rows, mask=ours, other=0)
            score = tl.load(scores + box, mask=ours, other=float("-inf"))
            alive = ours & (score > float("-inf"))
            row_bits = bits + rows.to(tl.int64) * words
            own = tl.load(row_bits, mask=ours, other=0)
            for chunk in range(tl.cdiv(block - origin, _WORDS_AT_ONCE)):
                words_here = tl.sum(tl.where(chunk_ids == chunk, staying, 0), axis=0)
                back = block - origin - chunk * _WORDS_AT_ONCE - tl.arange(0, _WORDS_AT_ONCE)
                known = ours[:, None] & (back > 0)[None, :]
                word = tl.load(row_bits[:, None] + back[None, :], mask=known, other=0)
                lost = tl.max(((word & words_here[None, :]) != 0).to(tl.int32), axis=1)
                alive = alive & (lost == 0)
            # Within the block the best box decides first; what depends on more needs more rounds.
            word = tl.sum(alive.to(tl.int64) << lanes.to(tl.int64), axis=0)
            previous = word + 1
            while word != previous:
                previous = word
                stays = alive & ((own & word) == 0)
                word = tl.sum(stays.to(tl.int64) << lanes.to(tl.int64), axis=0)
            tl.store(kept + box, ((word >> lanes.to(tl.int64)) & 1).to(tl.int32), mask=ours)
            staying = tl.where(word_ids == block - origin, word, staying)
