import pytest
import torch
import torch.nn.functional as F  # noqa: N812
import torchvision

from core.model.losses import (
    dice_loss,
    focal_objectness_loss,
    giou_loss,
    mask_loss,
    objectness_loss,
    smooth_l1_loss,
    softmax_focal_loss,
)


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
        smooth_l1_loss(torch.zeros(0, 4, requires_grad=True), torch.zeros(0, 4), 1 / 9),
        giou_loss(torch.zeros(0, 4, requires_grad=True), torch.zeros(0, 4)),
        dice_loss(grid, torch.zeros(0, 28, 28)),
        mask_loss(grid, torch.zeros(0, 28, 28)),
    ]
    total = torch.stack(losses).sum()
    torch.autograd.backward(total)
    assert total.item() == 0


def test_smooth_l1_bends_at_beta_b12() -> None:
    deltas = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.05, 0.0, 0.0, 0.0]])
    expected = (2 - 1 / 18) + 0.05**2 * 9 / 2
    assert smooth_l1_loss(deltas, torch.zeros(2, 4), 1 / 9).item() == pytest.approx(expected)
    assert smooth_l1_loss(deltas, torch.zeros(2, 4), 0.0).item() == pytest.approx(2.05)


def test_focal_objectness_is_its_formula() -> None:
    logits = torch.randn(60, dtype=torch.float64)
    truth = (torch.arange(60) % 3 == 0).double()
    p = torch.where(truth > 0, logits.sigmoid(), 1 - logits.sigmoid())
    alpha = torch.where(truth > 0, 0.25, 0.75)
    expected = (-alpha * (1 - p) ** 2 * p.log()).sum()
    loss = focal_objectness_loss(logits, truth, alpha=0.25, gamma=2.0)
    torch.testing.assert_close(loss, expected)
    ours = torchvision.ops.sigmoid_focal_loss(logits, truth, 0.25, 2.0, "sum")
    torch.testing.assert_close(loss, ours)


def test_focal_objectness_has_the_right_and_finite_gradient() -> None:
    truth = torch.tensor([0.0, 1.0, 0.0, 1.0], dtype=torch.float64)
    logits = torch.randn(4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: focal_objectness_loss(x, truth, alpha=0.25, gamma=2.0), (logits,)
    )
    extreme = torch.tensor([500.0, -500.0, -500.0, 500.0], requires_grad=True)
    torch.autograd.backward(focal_objectness_loss(extreme, truth.float(), alpha=0.25, gamma=2.0))
    assert extreme.grad is not None
    assert extreme.grad.isfinite().all()


def test_giou_is_its_formula_and_has_the_right_gradient() -> None:
    corners = torch.rand(20, 2, dtype=torch.float64) * 50
    truth = torch.cat((corners, corners + 5 + torch.rand(20, 2, dtype=torch.float64) * 30), dim=1)
    boxes = truth + torch.rand(20, 1, dtype=torch.float64) * 40 - 20
    boxes[:, 2:] += torch.rand(20, 2, dtype=torch.float64) * 9
    reference = torchvision.ops.generalized_box_iou_loss(boxes, truth, "sum", eps=0.0)
    torch.testing.assert_close(giou_loss(boxes, truth), reference)
    boxes.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: giou_loss(x, truth), (boxes,))


def test_giou_of_equal_boxes_is_0_and_grows_with_the_distance_of_separate_ones() -> None:
    truth = torch.tensor([[10.0, 10.0, 20.0, 20.0]])
    near, far = (giou_loss(truth + shift, truth).item() for shift in (15.0, 40.0))
    assert giou_loss(truth, truth).item() == pytest.approx(0, abs=1e-6)
    assert 1 < near < far < 2


def test_dice_is_0_when_right_1_when_wrong_and_has_the_right_gradient() -> None:
    truth = torch.zeros(2, 8, 8, dtype=torch.float64)
    truth[:, :4] = 1
    assert dice_loss((truth - 0.5) * 100, truth).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss((0.5 - truth) * 100, truth).item() > 0.95
    logits = torch.randn(2, 4, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: dice_loss(x, truth[:, 2:6, :4]), (logits,))
