"""Whether the fused kernels can be used: they need a GPU, Triton, and a compiler that works."""

import logging
from functools import cache

import torch

logger = logging.getLogger(__name__)

MOST_LEVELS = 4  # of the pyramids that they pool from: P2..P5


@cache
def fused_kernels_work() -> bool:
    """Run each kernel once, on next to nothing; whatever fails leaves the work to torchvision."""
    if not torch.cuda.is_available():
        return False
    try:
        _try_kernels()
    except Exception as error:  # noqa: BLE001 - a compiler can fail in any way
        logger.warning("the fused kernels cannot be used here: %s", error)
        return False
    return True


def _try_kernels() -> None:
    from core.ops.kernels.nms import fused_keep
    from core.ops.kernels.roi_align import fused_roi_align
    from core.ops.roi_align import Sampling

    rois = torch.tensor([[0.0, 0.0, 0.0, 8.0, 8.0]], device="cuda")
    levels = [torch.ones(1, 16, 4, 4, device="cuda", requires_grad=True)]
    with torch.inference_mode(mode=False), torch.enable_grad():
        torch.autograd.backward(fused_roi_align(levels, rois, 2, Sampling()).sum())
    fused_keep(rois[:, 1:], rois[:, 4], rois[:, 0].long(), 0.5, None)
    torch.cuda.synchronize()
