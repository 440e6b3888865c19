"""Frozen batch normalisation: its values, its gradient, and what it keeps for that."""

import pytest
import torch
from torch import Tensor

from core.model.norms import FrozenBatchNorm


def _norm(dtype: torch.dtype) -> FrozenBatchNorm:
    draw = torch.Generator().manual_seed(0)
    norm = FrozenBatchNorm(5, eps=1e-3)
    for name, value in norm.named_buffers():
        value.copy_(torch.rand(5, generator=draw) + (0.5 if name == "running_var" else 0))
    return norm.to(dtype)


def _by_definition(norm: FrozenBatchNorm, x: Tensor) -> Tensor:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()
    return (x - norm.running_mean.view(-1, 1, 1)) * scale.view(-1, 1, 1) + norm.bias.view(-1, 1, 1)


@pytest.mark.parametrize("learning", [False, True])
def test_values_are_those_of_the_definition(learning: bool) -> None:
    norm = _norm(torch.float64)
    x = torch.rand(2, 5, 3, 4, dtype=torch.float64, requires_grad=learning)
    torch.testing.assert_close(norm(x), _by_definition(norm, x))


def test_gradient_is_that_of_numeric_differences() -> None:
    x = torch.rand(2, 5, 3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(_norm(torch.float64), (x,))


def test_nothing_of_the_input_is_kept_for_the_gradient() -> None:
    kept: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    x = torch.rand(2, 5, 30, 40, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        _norm(torch.float32)(x)
    assert kept
    assert max(kept) == 5


def test_half_precision_stays_half_with_values_in_full() -> None:
    x = torch.rand(2, 5, 3, 4).to(torch.bfloat16).requires_grad_()
    norm = _norm(torch.float32)
    y = norm(x)
    y.sum().backward()
    assert y.dtype == torch.bfloat16
    assert x.grad is not None
    assert x.grad.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), _by_definition(norm, x.float()), atol=0.02, rtol=0.01)
