"""Whether computing in bf16 pays on this machine."""

import time
from functools import cache

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

_WORTHWHILE = 1.3  # how much faster bf16 must be before its lower precision is accepted


@cache
def bf16_is_faster(device: str) -> bool:
    """Time one convolution of the mask head's kind in both precisions, once per process.

    Args:
        device: any of torch.
    """
    with torch.inference_mode():
        x = torch.zeros(8, 96, 14, 14, device=device).contiguous(memory_format=torch.channels_last)
        weight = torch.zeros(96, 96, 3, 3, device=device).contiguous(
            memory_format=torch.channels_last
        )
        half = _seconds(x.bfloat16(), weight.bfloat16())
        return _seconds(x, weight) > _WORTHWHILE * half


def _seconds(x: Tensor, weight: Tensor) -> float:
    """Return the best time of a few convolutions, after one to warm up."""
    times = []
    for _ in range(4):
        start = time.perf_counter()
        F.conv2d(x, weight, padding=1)
        if x.is_cuda:
            torch.cuda.synchronize(x.device)
        times.append(time.perf_counter() - start)
    return min(times[1:])
