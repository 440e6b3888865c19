import platform
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from core.ops import inference_conv as module
from core.ops.inference_conv import PointwiseConv, inference_conv, onednn_clips

# Channels in and out, side of the kernel, stride, groups.
SHAPES = [(8, 12, 1, 1, 1), (8, 12, 3, 2, 1), (8, 8, 5, 1, 8), (8, 8, 3, 2, 8)]


@pytest.fixture(params=["oneDNN", "torch"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of both ways, whatever is there: without oneDNN the same way twice."""
    if request.param == "torch":
        monkeypatch.setattr(module, "onednn_clips", lambda: False)


@pytest.fixture(params=[1, 2])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    """PyTorch chooses by the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_way", "_threads")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("clips", [True, False])
def test_it_is_the_convolution_and_the_clipping(
    shape: tuple[int, int, int, int, int], clips: bool
) -> None:
    inputs, outputs, kernel, stride, groups = shape
    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(2, inputs, 13, 10, generator=generator)
    x = x.contiguous(memory_format=torch.channels_last)
    weight = torch.randn(outputs, inputs // groups, kernel, kernel, generator=generator)
    bias = torch.randn(outputs, generator=generator)
    expected = F.conv2d(x.double(), weight.double(), bias.double(), stride, kernel // 2, 1, groups)
    expected = expected.clamp(0, 6) if clips else expected
    with torch.inference_mode():
        found = inference_conv(x, weight, bias, stride, kernel // 2, groups, clips=clips)
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=1e-4)
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="made for x86")
def test_the_operator_of_this_torch_is_found() -> None:
    """It is none of the public ones: if it goes, all still works, but slower."""
    assert onednn_clips()


@pytest.mark.usefixtures("_way")
@pytest.mark.parametrize("padding", [0, 1])
def test_a_pointwise_conv_is_the_one_it_was_made_of(padding: int) -> None:
    conv = nn.Conv2d(8, 4, 1, stride=2, padding=padding)
    x = torch.randn(1, 8, 6, 6)
    before = torch.get_rng_state()
    alike = PointwiseConv.of(conv)
    assert torch.equal(torch.get_rng_state(), before)
    with torch.inference_mode():
        torch.testing.assert_close(alike(x), conv(x))


def test_where_gradients_are_on_it_has_them() -> None:
    x, weight = torch.randn(1, 8, 6, 6), torch.randn(4, 8, 1, 1, requires_grad=True)
    inference_conv(x, weight, None, 1, 0, clips=True).sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.any()


@pytest.mark.filterwarnings("ignore")  # tracing is deprecated: the export to ONNX stands on it
def test_a_tracer_sees_what_it_can_write_down() -> None:
    x, conv = torch.randn(1, 8, 6, 6), PointwiseConv(8, 4, 1)
    with torch.no_grad():
        traced = torch.jit.trace(conv, x)  # type: ignore[no-untyped-call]
        torch.testing.assert_close(traced(x), conv(x))
    assert "aten::_convolution" in str(traced.graph)
    assert "mkldnn" not in str(traced.graph)


@pytest.mark.usefixtures("_way")
def test_what_is_not_a_number_stays_where_nothing_is_clipped() -> None:
    with torch.inference_mode():
        found = inference_conv(
            torch.full((1, 8, 6, 6), torch.nan), torch.ones(4, 8, 1, 1), None, 1, 0
        )
    assert found.isnan().all()
