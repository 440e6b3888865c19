import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from core.ops.depthwise import DepthwiseConv, depthwise_conv


def test_each_channel_has_its_own_kernel() -> None:
    x, weight = torch.rand(2, 8, 9, 7), torch.rand(8, 1, 3, 3)
    found = depthwise_conv(x, weight, torch.arange(8.0), stride=2, pad=1)
    for c in range(8):
        alone = F.conv2d(x[:, c : c + 1], weight[c : c + 1], torch.tensor([float(c)]), 2, 1)
        torch.testing.assert_close(found[:, c : c + 1], alone)


def test_the_module_keeps_the_size() -> None:
    assert DepthwiseConv(8, 5)(torch.rand(1, 8, 9, 7)).shape == (1, 8, 9, 7)


@pytest.mark.parametrize("size", [(9, 7), (12, 11)])
@pytest.mark.parametrize(
    ("kernel", "stride", "pad"), [(3, 1, 1), (5, 1, 2), (3, 2, 1), (5, 2, 2), (5, 2, 0), (7, 1, 3)]
)
def test_gradients_are_those_of_numeric_differences(
    kernel: int, stride: int, pad: int, size: tuple[int, int]
) -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(2, 3, *size, dtype=torch.float64, generator=draw).requires_grad_()
    weight = torch.rand(3, 1, kernel, kernel, dtype=torch.float64, generator=draw).requires_grad_()
    bias = torch.rand(3, dtype=torch.float64, generator=draw).requires_grad_()

    def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return depthwise_conv(x, weight, bias, stride, pad)

    assert torch.autograd.gradcheck(convolve, (x, weight, bias))


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(5, 1, 2), (3, 2, 1), (5, 2, 0)])
def test_a_step_in_half_precision_has_the_gradients_of_full(
    kernel: int, stride: int, pad: int
) -> None:
    x, weight = torch.rand(2, 16, 21, 18), torch.rand(16, 1, kernel, kernel)
    results = []
    for half in (False, True):
        a, w = x.clone().requires_grad_(), weight.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            y = depthwise_conv(a, w, None, stride, pad)
        assert y.dtype == (torch.bfloat16 if half else torch.float32)
        y.float().square().sum().backward()  # type: ignore[no-untyped-call]
        assert a.grad is not None
        assert w.grad is not None
        results.append((a.grad, w.grad))
    for full, halved in zip(*results, strict=True):
        assert halved.dtype == torch.float32
        torch.testing.assert_close(halved, full, rtol=0.03, atol=0.02 * float(full.max()))


def test_in_half_precision_what_is_double_stays_double() -> None:
    x = torch.rand(1, 4, 9, 8, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(4, 1, 5, 5, dtype=torch.float64)
    with torch.autocast("cpu", torch.bfloat16):
        found, usual = depthwise_conv(x, weight, None, 1, 2), F.conv2d(x, weight, None, 1, 2, 1, 4)
    assert found.dtype == usual.dtype == torch.float64
    torch.testing.assert_close(found, usual)


@pytest.mark.gpu
def test_on_a_gpu_the_values_and_gradients_are_those_of_the_cpu() -> None:
    x, weight = torch.rand(2, 40, 33, 29), torch.rand(40, 1, 5, 5)
    results = []
    for device in ("cpu", "cuda"):
        a = x.detach().to(device, memory_format=torch.channels_last).requires_grad_()
        w = weight.detach().to(device, memory_format=torch.channels_last).requires_grad_()
        y = depthwise_conv(a, w, None, stride=2, pad=2)
        y.square().sum().backward()  # type: ignore[no-untyped-call]
        assert a.grad is not None
        assert w.grad is not None
        results.append((y.detach().cpu(), a.grad.cpu(), w.grad.cpu()))
    for on_cpu, on_gpu in zip(*results, strict=True):
        torch.testing.assert_close(on_gpu, on_cpu, rtol=1e-4, atol=1e-4)
