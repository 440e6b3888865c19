"""The fused kernels beside torchvision.ops, on the work of a batch of four photos."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import partial

import torch
import torchvision
from torch import Tensor

from benchmarks.gpu_timing import alternated, check, has_gpu, say
from benchmarks.row import Row
from core.ops.fused import fused_kernels_work
from core.ops.nms import nms_by_group, nms_in_batch
from core.ops.roi_align import Sampling

_IMAGES, _BOXES = 4, 1000  # boxes per image
_HEIGHT, _WIDTH = 800, 1088
_BAR = 2.0
_SAMPLING = Sampling(aligned=False, per_bin=2)  # torchvision's
_CANDIDATES = (1000, 1000, 1000, 1000, 663)  # of P2..P6
_THRESHOLD = 0.7


def roi_align() -> Iterator[Row]:
    """`roialign_gpu` and its gradient, of 4 x 1000 boxes, 7 x 7 bins of 256 channels, fp32.

    `roialign_gpu_bf16` is in bf16, the peer in fp16: it has no kernel for bf16.
    """
    if not (has_gpu("roialign_gpu") and _kernels_work()):
        return
    from core.ops.kernels.roi_align import fused_roi_align

    boxes, rois = _rois()
    pooler = torchvision.ops.MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)

    def theirs(levels: list[Tensor]) -> Tensor:
        named = OrderedDict((str(i), level) for i, level in enumerate(levels))
        pooled: Tensor = pooler(named, list(boxes), [(_HEIGHT, _WIDTH)] * _IMAGES)
        return pooled

    for suffix, ours_in, theirs_in, tolerance in (
        ("", torch.float32, torch.float32, 1e-4),
        ("_bf16", torch.bfloat16, torch.float16, 4e-2),
    ):
        ours, other = _levels(ours_in, torch.channels_last), _levels(theirs_in)
        _check_pooling(
            ours, other, lambda x: fused_roi_align(x, rois, 7, _SAMPLING), theirs, tolerance
        )
        with torch.no_grad():
            times = alternated(
                partial(fused_roi_align, ours, rois, 7, _SAMPLING),
                partial(theirs, other),
                repeats=10,
            )
            yield _row(f"roialign_gpu{suffix}", times, "torchvision.ops.MultiScaleRoIAlign", _BAR)
        times = alternated(
            _backward(lambda x: fused_roi_align(x, rois, 7, _SAMPLING), ours),
            _backward(theirs, other),
            repeats=10,
        )
        yield _row(
            f"roialign_gpu_backward{suffix}", times, "torchvision.ops.MultiScaleRoIAlign", 1.0
        )


def cuts() -> Iterator[Row]:
    """Say how other cuts of RoIAlign into programs do; no rows."""
    if not (has_gpu("cuts_gpu") and _kernels_work()):
        return
    from core.ops.kernels.roi_align import Blocks, fused_roi_align

    _, rois = _rois()
    for dtype in (torch.float32, torch.bfloat16):
        levels = _levels(dtype, torch.channels_last)
        for cut in (Blocks(), Blocks(2, 4, 128, 2), Blocks(8, 8, 64, 4), Blocks(8, 8, 256, 8)):
            pool = partial(_pool_cut, fused_roi_align, rois, cut)
            with torch.no_grad():
                (forward,) = alternated(partial(pool, levels), repeats=10)
            (backward,) = alternated(_backward(pool, levels), repeats=10)
            say(f"{dtype} {cut}: forward {forward:.3f}, backward {backward:.3f} ms")
    yield from ()


def _pool_cut(
    pool: Callable[..., Tensor], rois: Tensor, cut: object, levels: list[Tensor]
) -> Tensor:
    return pool(levels, rois, 7, _SAMPLING, cut)


def suppression() -> Iterator[Row]:
    """`nms_gpu`: the RPN's work on 4 photos, 5 levels each.

    `nms_gpu_graphed` is the same as the program runs it: replayed as a CUDA graph. The peer cannot
    be one, as the host must wait for the size of its answer.
    """
    if not (has_gpu("nms_gpu") and _kernels_work()):
        return
    most = sum(_CANDIDATES)
    boxes = _boxes(_IMAGES, most)
    scores = torch.rand(_IMAGES, most, device="cuda", generator=_generator())
    counts = torch.tensor(_CANDIDATES, device="cuda")
    levels = torch.arange(5, device="cuda").repeat_interleave(counts).expand(_IMAGES, -1)
    groups = torch.arange(_IMAGES, device="cuda")[:, None] * 5 + levels

    def ours() -> tuple[Tensor, Tensor]:
        return nms_in_batch(boxes, scores, levels, _THRESHOLD, limit=1000)

    def theirs() -> Tensor:
        kept: Tensor = torchvision.ops.batched_nms(
            boxes.flatten(0, 1), scores.flatten(), groups.flatten(), _THRESHOLD
        )
        return kept

    b, s, g = boxes.flatten(0, 1), scores.flatten(), groups.flatten()
    exact = nms_by_group(b.cpu(), s.cpu(), g.cpu(), _THRESHOLD)
    found = nms_by_group(b, s, g, _THRESHOLD, max(_CANDIDATES)).cpu()
    check("NMS: the CPU's answer", torch.equal(found, exact))
    check("NMS: the peer's answer", set(theirs().tolist()) == set(exact.tolist()))
    graph = _graphed(ours)
    eager, replayed, peer = alternated(ours, graph.replay, theirs, repeats=10)
    yield _row("nms_gpu", [eager, peer], "torchvision.ops.batched_nms", _BAR)
    yield _row("nms_gpu_graphed", [replayed, peer], "torchvision.ops.batched_nms", _BAR)


def _kernels_work() -> bool:
    check("the fused kernels work", fused_kernels_work())
    return fused_kernels_work()


def _generator() -> torch.Generator:
    return torch.Generator("cuda").manual_seed(5)


def _boxes(images: int, count: int) -> Tensor:
    """Boxes [B, n, 4] of all sizes from 12 to 600 pixels, the small ones more often."""
    generator = _generator()

    def drawn() -> Tensor:
        return torch.rand(images, count, device="cuda", generator=generator)

    side = 12 * 50 ** drawn()
    ratio = 2 ** (drawn() * 2 - 1)
    w, h = side * ratio.sqrt(), side / ratio.sqrt()
    x, y = drawn() * _WIDTH, drawn() * _HEIGHT
    limits = torch.tensor((_WIDTH, _HEIGHT, _WIDTH, _HEIGHT), device="cuda")
    boxes = torch.stack((x - w / 2, y - h / 2, x + w / 2, y + h / 2), dim=2)
    return torch.minimum(boxes.clamp_min(0), limits)


def _rois() -> tuple[Tensor, Tensor]:
    """The boxes [B, n, 4], and the same as [B * n, 5]."""
    boxes = _boxes(_IMAGES, _BOXES)
    owners = torch.arange(_IMAGES, device="cuda").repeat_interleave(_BOXES)
    return boxes, torch.cat((owners[:, None], boxes.flatten(0, 1)), dim=1)


def _levels(
    dtype: torch.dtype, memory: torch.memory_format = torch.contiguous_format
) -> list[Tensor]:
    generator = _generator()
    return [
        torch.rand(_IMAGES, 256, _HEIGHT // s, _WIDTH // s, device="cuda", generator=generator)
        .to(dtype)
        .contiguous(memory_format=memory)
        for s in (4, 8, 16, 32)
    ]


Pool = Callable[[list[Tensor]], Tensor]


def _check_pooling(
    ours: list[Tensor], other: list[Tensor], mine: Pool, theirs: Pool, tolerance: float
) -> None:
    """Compare the pooled values and the gradients of both."""
    results = []
    for levels, pool in ((ours, mine), (other, theirs)):
        leaves = [level.clone().requires_grad_() for level in levels]
        pooled = pool(leaves)
        torch.autograd.backward(pooled.float().square().sum())
        grads = [leaf.grad.float() for leaf in leaves if leaf.grad is not None]
        results.append([pooled.detach().float(), *grads])
    for what, first, second in zip(("pooled", "P2", "P3", "P4", "P5"), *results, strict=True):
        error = ((first - second).abs().max() / second.abs().max()).item()
        check(f"RoIAlign, {ours[0].dtype}, {what}: largest error {error:.1e}", error < tolerance)


def _backward(pool: Pool, levels: list[Tensor]) -> Callable[[], object]:
    """Return what computes the gradient of all levels, from one forward pass."""
    leaves = [level.clone().requires_grad_() for level in levels]
    pooled = pool(leaves)
    outer = torch.rand_like(pooled)
    return lambda: torch.autograd.grad(pooled, leaves, outer, retain_graph=True)


def _graphed(work: Callable[[], object]) -> torch.cuda.CUDAGraph:
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph


def _row(name: str, times: list[float], peer: str, bar: float) -> Row:
    ours, theirs = times
    return Row(name, ours, "ms", peer, theirs, theirs / bar)
