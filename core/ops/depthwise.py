"""Convolutions that filter each channel by itself, without the slow paths of the libraries."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

_FAST = 3  # oneDNN computes the weights' gradient fast for kernels of this side


def depthwise_conv(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, pad: int) -> Tensor:
    """Convolve each channel with its own kernel.

    On CUDA, cuDNN compiles such a kernel for every new size of image, 0.1 s per layer and
    direction: where photos differ in size, that is 10 s per training step (measured on an H200 with
    PyTorch 2.11). PyTorch has a kernel of its own for the plain memory format, made once for all.

    On CPUs, oneDNN has no fast gradient for the weights of kernels above 3 x 3, nor for the input
    where the kernel strides: in bfloat16 they were half of a training step (`_OnCpu`).

    Args:
        x: [B, C, H, W].
        weight: [C, 1, k, k].
        bias: [C].
        stride: of the kernel.
        pad: zeros on every side.

    Returns:
        [B, C, about H / stride, about W / stride], channels last on CUDA.
    """
    if not x.is_cuda:
        if torch.is_grad_enabled() and (x.requires_grad or weight.requires_grad):
            return _learning_on_cpu(x, weight, bias, stride, pad)
        return F.conv2d(x, weight, bias, stride, pad, 1, len(weight))
    # A weight [C, 1, k, k] may carry the strides of channels last, which would choose cuDNN.
    plain = weight.flatten(1).unflatten(1, weight.shape[1:])
    y = F.conv2d(x.contiguous(), plain, bias, stride, pad, 1, len(weight))
    return y.contiguous(memory_format=torch.channels_last)


def _learning_on_cpu(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, pad: int
) -> Tensor:
    if torch.is_autocast_enabled(x.device.type):
        x, weight = _autocast(x), _autocast(weight)
        bias = None if bias is None else _autocast(bias)
    if stride > 1 and x.dtype == torch.float32:  # whose own gradients are fast enough
        return F.conv2d(x, weight, bias, stride, pad, 1, len(weight))
    y: Tensor = _OnCpu.apply(x, weight, bias, stride, pad)
    return y


def _autocast(x: Tensor) -> Tensor:
    """Do what autocast does with the arguments of a convolution: float64 stays."""
    if x.dtype == torch.float64:
        return x
    return x.to(torch.get_autocast_dtype(x.device.type))


class _OnCpu(torch.autograd.Function):
    """A depthwise convolution whose gradients are put together from what oneDNN does fast.

    Forward and back in bfloat16, on two cores with AMX: 288 channels of 92 x 88 cells with kernels
    of 5 x 5 take 23 ms instead of 168; 144 of 187 x 179 with stride 2, 37 ms instead of 233.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, pad: int
    ) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.pad = stride, pad
        return F.conv2d(x, weight, bias, stride, pad, 1, len(weight))

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (grad,) = grads
        about = (*ctx.saved_tensors, ctx.stride, ctx.pad)
        needs_x, needs_weight, needs_bias, *_ = ctx.needs_input_grad
        return (
            _gradient_of_input(grad, *about) if needs_x else None,
            _gradient_of_weight(grad, *about) if needs_weight else None,
            grad.sum((0, 2, 3)) if needs_bias else None,
            None,
            None,
        )


def _gradient_of_input(grad: Tensor, x: Tensor, weight: Tensor, stride: int, pad: int) -> Tensor:
    """Where the kernel strides: the flipped kernel over the gradient, spread apart with zeros."""
    if stride == 1:
        return _plain_gradient(grad, x, weight, stride, pad, of_input=True)
    around = weight.shape[-1] - 1 - pad
    height, width = (side - around + pad for side in x.shape[2:])
    spread = torch.empty(
        (*grad.shape[:2], height, width),
        dtype=grad.dtype,
        device=grad.device,
        memory_format=torch.channels_last,
    )
    spread.zero_()[:, :, ::stride, ::stride] = grad
    return F.conv2d(spread, weight.flip(2, 3), None, 1, around, 1, len(weight))


def _gradient_of_weight(grad: Tensor, x: Tensor, weight: Tensor, stride: int, pad: int) -> Tensor:
    """That of a kernel above 3 x 3 is put together from 3 x 3 parts, which may overlap."""
    side = weight.shape[-1]
    if side <= _FAST:
        return _plain_gradient(grad, x, weight, stride, pad, of_input=False)
    padded = F.pad(x, (pad, pad, pad, pad))
    height, width = (stride * (cells - 1) + _FAST for cells in grad.shape[2:])
    starts = sorted({*range(0, side - _FAST + 1, _FAST), side - _FAST})
    found = torch.empty_like(weight)
    for top in starts:
        for left in starts:
            seen = padded[:, :, top : top + height, left : left + width]
            part = (..., slice(top, top + _FAST), slice(left, left + _FAST))
            kernel = weight[part].contiguous()
            seen = seen.contiguous(memory_format=torch.channels_last)
            found[part] = _plain_gradient(grad, seen, kernel, stride, 0, of_input=False)
    return found


def _plain_gradient(
    grad: Tensor, x: Tensor, weight: Tensor, stride: int, pad: int, *, of_input: bool
) -> Tensor:
    """One gradient of a convolution, as PyTorch has it."""
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        grad,
        x,
        weight,
        None,
        [stride, stride],
        [pad, pad],
        [1, 1],
        False,
        [0, 0],
        len(weight),
        [of_input, not of_input, False],
    )
    return found[0] if of_input else found[1]


class DepthwiseConv(nn.Conv2d):
    """`depthwise_conv` with a weight to learn; neither stride nor bias."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__(
            channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [B, C, H, W] to the same shape."""
        return depthwise_conv(x, self.weight, None, 1, self.weight.shape[-1] // 2)
