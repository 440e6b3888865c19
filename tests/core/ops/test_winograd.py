"""Winograd's convolutions against direct ones in float64.

The tolerances bound the largest error, in shares of the outputs' root mean square: twice what was
measured with 256 channels of noise, 1.4e-5 for tiles of 4 and 4.8e-5 for tiles of 5. A direct
convolution in float32 has 4.8e-6 there, one in bfloat16 1.9e-2.
"""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from core.ops import winograd
from core.ops.winograd import WinogradConv, can_replace, matrices, winograd_conv, winograd_kernels

TOLERANCES = {4: 3e-5, 5: 1e-4}


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """How many tiles make a block follows from the threads: without it, one may hold all."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def assert_near(found: Tensor, x: Tensor, weight: Tensor, bias: Tensor, tolerance: float) -> None:
    exact = F.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    assert found.shape == exact.shape
    assert found.dtype == torch.float32
    assert (found - exact).abs().max() < tolerance * exact.pow(2).mean().sqrt()


@pytest.mark.parametrize("size", TOLERANCES)
def test_one_dimension_is_exact(size: int) -> None:
    inputs, filters, outputs = matrices(size)
    random = np.random.default_rng(size)
    pixels, taps = random.normal(size=size + 2), random.normal(size=3)
    found = outputs @ ((filters @ taps) * (inputs @ pixels))
    assert np.allclose(found, np.correlate(pixels, taps), atol=1e-12)


@pytest.mark.parametrize("size", TOLERANCES)
@pytest.mark.parametrize(
    "shape",
    [
        (1, 64, 33, 150),  # cut tiles, several blocks of rows
        (1, 256, 40, 60),  # no cut tiles, for both sizes
        (20, 64, 14, 14),  # several images in a block, the last block smaller
        (3, 64, 1, 1),
        (2, 64, 3, 700),  # one row of tiles is a block
        (0, 64, 14, 14),
    ],
)
def test_it_computes_what_a_direct_convolution_does(shape: tuple[int, ...], size: int) -> None:
    x = drawn(*shape).contiguous(memory_format=torch.channels_last)
    weight, bias = drawn(96, shape[1], 3, 3, seed=1), drawn(96, seed=2)
    found = winograd_conv(x, winograd_kernels(weight, size), bias)
    assert found.is_contiguous(memory_format=torch.channels_last)
    if shape[0] == 0:
        assert found.shape == (0, 96, 14, 14)
        return
    assert_near(found, x, weight, bias, TOLERANCES[size])


def test_what_comes_between_two_images_does_not_matter() -> None:
    """Buffers are used again: nothing may stay in the zeros around an image."""
    weight = drawn(64, 64, 3, 3, seed=1)
    kernels, images = winograd_kernels(weight, 4), drawn(40, 64, 14, 14) * 100
    images[20:] = 0
    found = winograd_conv(images, kernels, None)
    assert found[:20].abs().amax() > 1
    assert not found[20:].any()


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bias", [True, False])
def test_the_module_replaces_a_convolution(
    *, bias: bool, memory_format: torch.memory_format
) -> None:
    conv = nn.Conv2d(64, 64, 3, padding=1, bias=bias)
    x = drawn(2, 64, 14, 14).contiguous(memory_format=memory_format)
    found = WinogradConv(conv)(x)
    zero = torch.zeros(64) if conv.bias is None else conv.bias
    assert_near(found, x, conv.weight, zero, TOLERANCES[5])


def test_it_keeps_the_kernels_of_one_size_of_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(weight: Tensor, size: int) -> Tensor:
        made.append(size)
        return winograd_kernels(weight, size)

    monkeypatch.setattr(winograd, "winograd_kernels", counted)
    conv = nn.Conv2d(64, 64, 3, padding=1, bias=False)
    module = WinogradConv(conv)
    for side in (14, 14, 8, 8, 14):
        x = drawn(1, 64, side, side)
        assert_near(module(x), x, conv.weight, torch.zeros(64), TOLERANCES[5])
    assert made == [5, 4, 5]


def test_nothing_of_it_is_saved_or_learned() -> None:
    module = WinogradConv(nn.Conv2d(64, 64, 3, padding=1))
    module(drawn(1, 64, 4, 4))
    assert not module.state_dict()
    assert not list(module.parameters())


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (nn.Conv2d(64, 64, 3, padding=1), True),
        (nn.Conv2d(64, 128, 3, padding=1), True),
        (nn.Conv2d(64, 64, 3, padding=1, stride=2), False),
        (nn.Conv2d(64, 64, 3), False),
        (nn.Conv2d(64, 64, 3, padding=2, dilation=2), False),
        (nn.Conv2d(64, 64, 3, padding=1, groups=64), False),
        (nn.Conv2d(64, 64, 1), False),
        (nn.Conv2d(3, 64, 3, padding=1), False),
        (nn.Conv2d(64, 64, 3, padding=1, padding_mode="reflect"), False),
        (nn.Linear(64, 64), False),
    ],
)
def test_only_what_computes_the_same_is_replaced(module: nn.Module, *, expected: bool) -> None:
    assert can_replace(module) is expected
