"""What makes this machine faster: bf16, or fewer multiplications in fp32.

Neither is ever assumed: each is measured once and remembered.
"""

import json
import logging
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.files import write_atomically
from core.ops.winograd import EDITION, winograd_conv, winograd_kernels

logger = logging.getLogger(__name__)

_WORTHWHILE = 1.3  # how much faster bf16 must be before its lower precision is accepted
_SECONDS = 1.0  # that the measurement may take
_FEWEST_ROUNDS = 3


@dataclass(frozen=True)
class Precision:
    """What a model computes in.

    Attributes:
        dtype: float32 or bfloat16.
        reason: why, in words for people.
        winograd: whether 3 x 3 convolutions are computed by Winograd's algorithm.
    """

    dtype: torch.dtype
    reason: str
    winograd: bool = False

    @property
    def name(self) -> str:
        """What to ask `choose_precision` for to get it again."""
        if self.winograd:
            return "winograd"
        return "bf16" if self.dtype == torch.bfloat16 else "fp32"


def choose_precision(
    device: str, wanted: str = "auto", kept: Path | None = None, *, for_inference: bool = False
) -> Precision:
    """Return bf16 where it is clearly faster, unless one is asked for.

    Args:
        device: any of torch.
        wanted: "auto", "bf16", "fp32" or, for inference on CPUs, "winograd": fp32 with fewer
            products.
        kept: a JSON file that remembers what was measured, per machine, device and edition of
            torch; None: measured once per process.
        for_inference: whether "auto" may choose Winograd's convolutions, which have no gradients:
            on CPUs, where bf16 is not faster and they are.

    Raises:
        ValueError: `wanted` is none of these.
    """
    allowed = ["auto", "bf16", "fp32"]
    can_be_fewer = for_inference and torch.device(device).type == "cpu"
    allowed += ["winograd"] if can_be_fewer else []
    if wanted not in allowed:
        raise ValueError(f"precision on {device}: expected {', '.join(allowed)}, got {wanted!r}")
    if wanted != "auto":
        dtype = torch.bfloat16 if wanted == "bf16" else torch.float32
        reason = f"{wanted} was asked for"
        return Precision(dtype, reason, winograd=wanted == "winograd")
    gain = bf16_gain(device, kept)
    if gain > _WORTHWHILE:
        return Precision(torch.bfloat16, f"bf16 was measured {gain:.1f} times as fast as fp32 here")
    reason = f"bf16 was measured only {gain:.1f} times as fast as fp32 here"
    if can_be_fewer and (fewer := winograd_gain(kept)) > _WORTHWHILE:
        reason += f", but 3 x 3 convolutions by Winograd's algorithm {fewer:.1f} times"
        return Precision(torch.float32, reason, winograd=True)
    return Precision(torch.float32, reason)


@cache
def bf16_gain(device: str, kept: Path | None = None) -> float:
    """Return how many times as fast as fp32 bf16 is; see `choose_precision`."""
    return _remembered(_machine(device), kept, lambda: _measure(device))


@cache
def winograd_gain(kept: Path | None = None) -> float:
    """Return how many times as fast Winograd's convolutions are; see `choose_precision`."""
    return _remembered(f"winograd {EDITION} {_machine('cpu')}", kept, _measure_winograd)


def _remembered(key: str, kept: Path | None, measure: Callable[[], float]) -> float:
    known = _read(kept)
    if key not in known:
        known[key] = round(measure(), 3)
        if kept is not None:
            _write(kept, known)
    return known[key]


def _machine(device: str) -> str:
    """Return what a measurement holds for."""
    name = torch.cuda.get_device_name() if device.startswith("cuda") else platform.machine()
    capability = torch.backends.cpu.get_cpu_capability()
    threads = torch.get_num_threads()
    return f"{platform.node()} {name} {capability} {threads} threads torch {torch.__version__}"


def _read(kept: Path | None) -> dict[str, float]:
    try:
        known = json.loads(kept.read_text(encoding="utf-8")) if kept else {}
        return {str(key): float(gain) for key, gain in known.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # not there, or not ours
        return {}


def _write(kept: Path, known: dict[str, float]) -> None:
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, json.dumps(known, indent=1))
    except OSError as error:
        logger.info("what was measured cannot be remembered: %s", error)


@torch.inference_mode()
def _measure(device: str) -> float:
    """Try the kinds of layers that a model has."""
    exact, half = _best_seconds(
        [_work(device, dtype) for dtype in (torch.float32, torch.bfloat16)], device
    )
    return exact / half


@torch.inference_mode()
def _measure_winograd() -> float:
    """Try the shapes that take the most time: a level of the pyramid, and the mask head's."""
    weight, *images = (
        torch.full(shape, 0.5).contiguous(memory_format=torch.channels_last)
        for shape in ((256, 256, 3, 3), (1, 256, 48, 64), (8, 256, 14, 14))
    )
    pairs = [(x, winograd_kernels(weight, size)) for x, size in zip(images, (4, 5), strict=True)]
    direct, winograd = _best_seconds(
        [
            lambda: [F.conv2d(x, weight, padding=1) for x in images],
            lambda: [winograd_conv(x, kernels, None) for x, kernels in pairs],
        ],
        "cpu",
    )
    return direct / winograd


def _best_seconds(works: Sequence[Callable[[], object]], device: str) -> list[float]:
    """Let all take turns; return the best time of each."""
    best = [float("inf")] * len(works)
    start = time.perf_counter()
    rounds = 0
    while rounds < _FEWEST_ROUNDS or time.perf_counter() - start < _SECONDS:
        for number, work in enumerate(works):
            seconds = _seconds(work, device)
            # The first round chooses algorithms and brings the processor up to speed.
            best[number] = min(best[number], seconds) if rounds else best[number]
        rounds += 1
    return best


def _work(device: str, dtype: torch.dtype) -> Callable[[], object]:
    def drawn(*shape: int) -> Tensor:
        values = torch.full(shape, 0.5, device=device, dtype=dtype)
        return values.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else values

    image, pooled = drawn(1, 96, 80, 80), drawn(256, 2048)
    full, expand, each = drawn(96, 96, 3, 3), drawn(384, 96, 1, 1), drawn(384, 1, 5, 5)
    dense = drawn(512, 2048)

    def work() -> None:
        F.conv2d(image, full, padding=1)
        F.conv2d(F.conv2d(image, expand), each, padding=2, groups=384)
        F.linear(pooled, dense)

    return work


def _seconds(work: Callable[[], object], device: str) -> float:
    start = time.perf_counter()
    work()
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
    return time.perf_counter() - start
