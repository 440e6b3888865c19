import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from core.ops.depthwise import DepthwiseConv, depthwise_conv


def test_each_channel_has_its_own_kernel() -> None:
    x, weight = torch.rand(2, 8, 9, 7), torch.rand(8, 1, 3, 3)
    found = depthwise_conv(x, weight, torch.arange(8.0), stride=2, pad=1)
    for c in range(8):
        alone = F.conv2d(x[:, c : c + 1], weight[c : c + 1], torch.tensor([float(c)]), 2, 1)
        torch.testing.assert_close(found[:, c : c + 1], alone)


def test_the_module_keeps_the_size() -> None:
    assert DepthwiseConv(8, 5)(torch.rand(1, 8, 9, 7)).shape == (1, 8, 9, 7)


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
