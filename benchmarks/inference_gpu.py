"""A whole ResNet-50 Mask R-CNN on a GPU: photos that lie on the device, to masks on the device."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from benchmarks.gpu_timing import alternated, check, has_gpu, say
from benchmarks.inference_models import DETECTIONS, photos, twins
from benchmarks.row import Row
from core.model.fixed_shape import PaddedPrediction, predict_padded
from core.model.folding import inference_copy
from core.model.graphs import GraphedModel
from core.model.mask_rcnn import MaskRCNN
from core.model.preprocess import resize_short_side, to_batch
from core.ops.boxes import box_iou
from core.ops.fused import fused_kernels_work

_BARS = {1: 3.0, 8: 4.0}  # how many times as fast as the peer
_FOUND_AGAIN = 0.95  # of the peer's detections; random weights leave many scores nearly equal


def one_photo() -> Iterator[Row]:
    """`r50_gpu_b1`: milliseconds per photo, one at a time."""
    yield from _rows(1)


def eight_photos() -> Iterator[Row]:
    """`r50_gpu_b8`: milliseconds per batch of eight."""
    yield from _rows(8)


def _rows(count: int) -> Iterator[Row]:
    name = f"r50_gpu_b{count}"
    if not has_gpu(name):
        return
    torch.backends.cudnn.benchmark = True
    say(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    check("the fused kernels work", fused_kernels_work())
    theirs, ours = twins()
    theirs, ours = theirs.cuda(), ours.cuda()
    batch = [photo.cuda() for photo in photos(count)]
    _check_agreement(theirs, ours, batch)
    fast = _Ours(ours)
    _check_no_waiting(fast, batch)
    say(f"detections per photo: ours {fast(batch).counts.tolist()}")
    peers: dict[str, Callable[[], object]] = {
        "torchvision fp32": lambda: _theirs(theirs, batch, None),
        "torchvision autocast bf16": lambda: _theirs(theirs, batch, torch.bfloat16),
        "torchvision autocast fp16": lambda: _theirs(theirs, batch, torch.float16),
    }
    times = _times(
        {name: lambda: fast(batch), f"{name}_bitmaps": lambda: fast.bitmaps(batch)}, peers
    )
    best = min((peer for peer in peers if peer in times), key=lambda peer: times[peer])
    say(f"milliseconds: {times}")
    for row in (name, f"{name}_bitmaps"):
        if row in times:
            bar = times[best] / _BARS[count]
            yield Row(row, times[row], "ms", best, times[best], bar)


class _Ours:
    """The model as the program runs it: folded, in bf16, channels last, one graph per size."""

    def __init__(self, model: MaskRCNN) -> None:
        self._config = model.config
        self._selection = model.selection
        self._model = inference_copy(model, torch.bfloat16)
        self._graphed = GraphedModel(self._model, model.selection)
        self._sizes: dict[tuple[tuple[int, int], ...], Tensor] = {}

    @torch.inference_mode()
    def __call__(self, images: list[Tensor]) -> PaddedPrediction:
        batch, sizes = to_batch([resize_short_side(x, self._config) for x in images], self._config)
        key = tuple(sizes)
        if key not in self._sizes:
            self._sizes[key] = torch.tensor(sizes, device=batch.device)
        return self._graphed(batch, self._sizes[key])

    @torch.inference_mode()
    def bitmaps(self, images: list[Tensor]) -> tuple[PaddedPrediction, list[Tensor]]:
        """Also the whole masks [100, H, W] bool, as the peer makes them: nobody looks at them."""
        found = self(images)
        masks = [
            pasted(probs, boxes, (x.shape[1], x.shape[2]))
            for probs, boxes, x in zip(found.mask_probs, found.boxes_xyxy, images, strict=True)
        ]
        return found, masks


def pasted(probs: Tensor, boxes_xyxy: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize grids [n, g, g] onto their boxes [n, 4] and cut at 0.5: [n, H, W] bool."""
    x1, y1, x2, y2 = boxes_xyxy.unbind(1)
    down, across = _weights(y1, y2, size[0], probs), _weights(x1, x2, size[1], probs)
    return (down @ probs @ across.transpose(1, 2)) >= 0.5


def _weights(low: Tensor, high: Tensor, length: int, probs: Tensor) -> Tensor:
    """Return [n, length, g]: of which cells every pixel is made; 0 outside of the box."""
    grid = probs.shape[-1]
    centres = torch.arange(length, device=low.device) + 0.5
    share = (centres - low[:, None]) / (high - low).clamp_min(1e-6)[:, None]  # [n, length]
    places = (share * grid - 0.5).clamp(0, grid - 1)
    cells = torch.arange(grid, device=low.device)
    weights = (1 - (places[:, :, None] - cells).abs()).clamp_min(0)
    return weights * ((share >= 0) & (share < 1))[:, :, None]


@torch.inference_mode()
def _theirs(model: Any, images: list[Tensor], dtype: torch.dtype | None) -> list[dict[str, Tensor]]:
    with torch.autocast("cuda", dtype or torch.bfloat16, enabled=dtype is not None):
        found: list[dict[str, Tensor]] = model(images)
    return found


def _times(
    ours: dict[str, Callable[[], object]], peers: dict[str, Callable[[], object]]
) -> dict[str, float]:
    """Milliseconds by name, of those that run at all."""
    able = {}
    for name, work in {**ours, **peers}.items():
        try:
            work()
            able[name] = work
        except (RuntimeError, TypeError, ValueError) as error:
            check(f"{name}: {error}", good=False)
    return dict(zip(able, alternated(*able.values()), strict=True))


def _check_agreement(theirs: Any, ours: MaskRCNN, batch: list[Tensor]) -> None:
    """Compare both in full precision, before anything is timed."""
    torch.backends.cudnn.allow_tf32 = False
    expected = _theirs(theirs, batch, None)
    say(f"detections per photo: torchvision {[len(e['scores']) for e in expected]}")
    with torch.inference_mode():
        images, sizes = to_batch(batch, ours.config)
        limits = torch.tensor(sizes, device=images.device)
        found = predict_padded(inference_copy(ours), images, limits, ours.selection)
    for image, other in enumerate(expected):
        count = int(found.counts[image])
        check(f"photo {image}: both find {DETECTIONS}", count == len(other["scores"]) == DETECTIONS)
        boxes, labels = found.boxes_xyxy[image, :count], found.labels[image, :count]
        hits = (box_iou(other["boxes"], boxes) > 0.9) & (other["labels"][:, None] == labels)
        again = hits.any(dim=1).float().mean().item()
        check(f"photo {image}: {again:.0%} of the peer's are found again", again >= _FOUND_AGAIN)
    torch.backends.cudnn.allow_tf32 = True


def _check_no_waiting(fast: _Ours, batch: list[Tensor]) -> None:
    for _ in range(2):  # the second records
        fast(batch)
    torch.cuda.set_sync_debug_mode("error")
    try:
        fast(batch)
        check("nothing waits between photo and result", good=True)
    except RuntimeError as error:
        check(f"nothing waits between photo and result: {error}", good=False)
    finally:
        torch.cuda.set_sync_debug_mode("default")
