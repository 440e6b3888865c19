import pytest
import torch
import torch.nn.functional as F  # noqa: N812

from core.model.losses import box_loss, mask_loss, objectness_loss, softmax_focal_loss


def test_gamma_0_is_cross_entropy_bit_for_bit_b17() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(100, 5, generator=generator) * 10
    labels = torch.randint(0, 5, (100,), generator=generator)
    assert torch.equal(softmax_focal_loss(logits, labels, 0.0), F.cross_entropy(logits, labels))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.0])
def test_focal_loss_is_its_formula(gamma: float) -> None:
    logits = torch.randn(50, 4, dtype=torch.float64)
    labels = torch.arange(50) % 4
    p = logits.softmax(1)[torch.arange(50), labels]
    expected = (-((1 - p) ** gamma) * p.log()).mean()
    torch.testing.assert_close(softmax_focal_loss(logits, labels, gamma), expected)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_gradient_is_right_in_double_precision(gamma: float) -> None:
    logits = torch.randn(6, 3, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    assert torch.autograd.gradcheck(lambda x: softmax_focal_loss(x, labels, gamma), (logits,))


@pytest.mark.parametrize("gamma", [0.3, 0.5, 2.0])
def test_certainty_right_or_wrong_gives_finite_gradients_b17(gamma: float) -> None:
    logits = torch.tensor([[500.0, -500.0], [500.0, -500.0], [0.0, 0.0]], requires_grad=True)
    loss = softmax_focal_loss(logits, torch.tensor([0, 1, 0]), gamma)
    torch.autograd.backward(loss)
    assert loss.isfinite()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_half_precision_logits_are_computed_in_float32() -> None:
    logits, labels = torch.randn(8, 3).bfloat16(), torch.arange(8) % 3
    loss = softmax_focal_loss(logits, labels, 0.5)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, softmax_focal_loss(logits.float(), labels, 0.5))


def test_empty_losses_are_zero_and_can_be_differentiated_a5() -> None:
    logits = torch.zeros(0, 3, requires_grad=True)
    grid = torch.zeros(0, 28, 28, requires_grad=True)
    losses = [
        softmax_focal_loss(logits, torch.zeros(0, dtype=torch.int64), 0.5),
        objectness_loss(logits[:, 0], torch.zeros(0)),
        box_loss(torch.zeros(0, 4, requires_grad=True), torch.zeros(0, 4), 0),
        mask_loss(grid, torch.zeros(0, 28, 28)),
    ]
    total = torch.stack(losses).sum()
    torch.autograd.backward(total)
    assert total.item() == 0


def test_box_loss_divides_by_all_samples_and_bends_at_a_ninth_b12() -> None:
    deltas = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.05, 0.0, 0.0, 0.0]])
    expected = ((2 - 1 / 18) + 0.05**2 * 9 / 2) / 10
    assert box_loss(deltas, torch.zeros(2, 4), 10).item() == pytest.approx(expected)
