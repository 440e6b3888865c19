"""The learner's own behaviour, with a model of one weight that the test controls."""

import copy
from collections.abc import Sequence
from typing import Any, cast

import pytest
import torch
from torch import Tensor, nn

from core.learning.learner import MAX_SKIPPED_IN_A_ROW, Learner
from core.learning.progress import TrainingError
from core.model.mask_rcnn import MaskRCNN, Target
from tests.core.learning.test_config import config


class Line(nn.Module):
    """Loss: the mean over the images of weight times the image's first pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, 1))
        self.most_images = 99
        self.seen: list[int] = []
        self.drawn: list[float] = []

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[Target], generator: torch.Generator
    ) -> dict[str, Tensor]:
        if len(images) > self.most_images:
            raise torch.OutOfMemoryError("too many images")
        self.seen.append(len(images))
        self.drawn.append(torch.rand(1, generator=generator).item())
        values = torch.stack([image[0, 0, 0] for image in images])
        return {"a": (values * self.weight).mean(), "b": self.weight.sum() * 0}


def images(*values: float) -> list[Tensor]:
    return [torch.full((3, 1, 1), value) for value in values]


def learner(model: Line, **changes: Any) -> Learner:
    settings: dict[str, Any] = {
        "batch_size": 4,
        "learning_rate": 0.1,
        "momentum": 0.0,
        "weight_decay": 0.0,
        "warmup_steps": 0,
    }
    run = config(**(settings | changes))
    return Learner(cast("MaskRCNN", model), run, 1000, "cpu")


def no_targets(count: int) -> list[Target]:
    boxes = torch.zeros(0, 4)
    empty: Target = {
        "boxes_xyxy": boxes,
        "labels": torch.zeros(0, dtype=torch.int64),
        "masks": [],
        "ignore_xyxy": boxes,
    }
    return [empty] * count


def learn(subject: Learner, *values: float) -> dict[str, float]:
    return subject.learn(images(*values), no_targets(len(values)))


def test_a_step_follows_the_gradient_and_reports_the_losses() -> None:
    model = Line()
    losses = learn(learner(model), 1.0, 3.0)
    assert losses == {"a": 2.0, "b": 0.0, "total": 2.0}
    assert model.weight.item() == pytest.approx(1 - 0.1 * 2)


def test_large_gradients_are_clipped() -> None:
    model = Line()
    learn(learner(model, clip_norm=0.5), 1000.0)
    assert model.weight.item() == pytest.approx(1 - 0.1 * 0.5)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_step_that_is_not_finite_is_skipped_and_counted(value: float) -> None:
    model = Line()
    subject = learner(model, ema_decay=0.9)
    learn(subject, value)
    assert model.weight.item() == 1
    assert (subject.step, subject.skipped) == (1, 1)
    learn(subject, 1.0)
    assert model.weight.item() < 1
    assert subject.weights()["weight"].isfinite().all()


def test_a_gradient_that_is_not_finite_is_skipped_although_the_loss_is() -> None:
    model = Line()
    subject = learner(model)
    model.weight.register_hook(lambda gradient: gradient * float("nan"))  # type: ignore[no-untyped-call]
    assert learn(subject, 1.0)["total"] == 1
    assert (model.weight.item(), subject.skipped) == (1, 1)


def test_too_many_skipped_steps_in_a_row_end_the_run() -> None:
    subject = learner(Line())
    for _ in range(MAX_SKIPPED_IN_A_ROW):
        learn(subject, float("nan"))
    learn(subject, 1.0)  # one good step, and the count begins anew
    for _ in range(MAX_SKIPPED_IN_A_ROW):
        learn(subject, float("nan"))
    with pytest.raises(TrainingError, match=r"21 steps in a row.*learning rate below 0\.1"):
        learn(subject, float("nan"))


def test_a_batch_that_does_not_fit_is_halved_until_it_does_with_the_same_step() -> None:
    whole, tight = Line(), Line()
    learn(learner(whole), 1.0, 2.0, 3.0, 5.0)
    tight.most_images = 1
    subject = learner(tight)
    losses = learn(subject, 1.0, 2.0, 3.0, 5.0)
    assert tight.weight.item() == pytest.approx(whole.weight.item())
    assert losses["total"] == pytest.approx(11 / 4)
    assert tight.seen == [1, 1, 1, 1]
    learn(subject, 1.0, 2.0, 3.0)  # it remembers
    assert tight.seen == [1] * 7


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_parts_of_a_batch_are_averaged_into_the_same_step_b4(parts: int) -> None:
    whole, split = Line(), Line()
    losses = learn(learner(whole), 1.0, 2.0, 3.0, 5.0)
    again = learn(learner(split, micro_batch=parts), 1.0, 2.0, 3.0, 5.0)
    assert max(split.seen) == parts
    assert split.weight.item() == pytest.approx(whole.weight.item())
    assert again == pytest.approx(losses)


@pytest.mark.parametrize(("precision", "half"), [("auto", False), ("fp32", False), ("bf16", True)])
def test_the_losses_are_computed_in_the_precision_asked_for(precision: str, half: bool) -> None:
    seen = []

    class Asks(Line):
        def forward(self, *arguments: Any) -> dict[str, Tensor]:
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().forward(*arguments)

    learn(learner(Asks(), precision=precision), 1.0)
    assert seen == [half]


def test_a_single_image_that_does_not_fit_is_the_callers_business() -> None:
    model = Line()
    model.most_images = 0
    with pytest.raises(torch.OutOfMemoryError):
        learn(learner(model), 1.0, 2.0)


def test_the_kept_weights_are_the_average_where_there_is_one() -> None:
    model = Line()
    plain, averaged = learner(Line()), learner(model, ema_decay=0.9)
    for _ in range(5):
        learn(plain, 1.0)
        learn(averaged, 1.0)
    assert plain.weights()["weight"].item() == pytest.approx(model.weight.item())
    assert model.weight.item() < averaged.weights()["weight"].item() < 1


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_a_restored_learner_goes_on_exactly_as_the_first(name: str) -> None:
    def fresh() -> tuple[Line, Learner]:
        model = Line()
        return model, learner(model, optimizer=name, momentum=0.9, ema_decay=0.9, seed=3)

    model, subject = fresh()
    for value in (1.0, -2.0, float("nan"), 4.0):
        learn(subject, value)
    state = copy.deepcopy(subject.state())
    resumed_model, resumed = fresh()
    resumed.restore(state)
    for value in (3.0, -1.0):
        learn(subject, value)
        learn(resumed, value)
    assert torch.equal(model.weight, resumed_model.weight)
    assert torch.equal(subject.weights()["weight"], resumed.weights()["weight"])
    assert model.drawn[-2:] == resumed_model.drawn  # the sampling in the losses, too
    assert (subject.step, subject.skipped) == (resumed.step, resumed.skipped) == (6, 1)


def test_the_schedule_sets_the_rate_of_each_group() -> None:
    model = Line()
    subject = learner(model, warmup_steps=4)
    learn(subject, 1.0)
    assert subject.rate == pytest.approx(0.1 / 4)
    assert model.weight.item() == pytest.approx(1 - 0.1 / 4)


def test_a_backbone_moves_at_its_share_of_the_rate() -> None:
    class Two(Line):
        def __init__(self) -> None:
            super().__init__()
            self.backbone = nn.Linear(1, 1, bias=False)
            nn.init.ones_(self.backbone.weight)

        def forward(self, *arguments: Any) -> dict[str, Tensor]:
            return super().forward(*arguments) | {"c": self.backbone.weight.sum()}

    model = Two()
    learn(learner(model, backbone_rate_factor=0.25), 1.0)
    assert model.weight.item() == pytest.approx(1 - 0.1)
    assert model.backbone.weight.item() == pytest.approx(1 - 0.1 * 0.25)


def test_sgd_has_the_momentum_asked_for() -> None:
    model = Line()
    subject = learner(model, momentum=0.5)
    learn(subject, 1.0)
    learn(subject, 1.0)
    assert model.weight.item() == pytest.approx(1 - 0.1 - 0.1 * 1.5, rel=1e-4)


def test_adamw_decays_weights_beside_the_gradient() -> None:
    model = Line()
    learn(learner(model, optimizer="adamw", momentum=0.9, weight_decay=0.5), 0.0)
    assert model.weight.item() == pytest.approx(1 - 0.1 * 0.5)


def test_after_a_loss_that_is_not_finite_it_goes_back_with_half_the_rate_and_says_so() -> None:
    model = Line()
    subject = learner(model, ema_decay=0.9, clip_norm=1e9)
    learn(subject, 1e9)  # finite, but it ruins the weight
    assert abs(model.weight.item()) > 1e6
    learn(subject, float("nan"))
    assert model.weight.item() == 1
    assert subject.weights()["weight"].item() == 1
    assert subject.notes == [
        "Step 2: the loss was not finite. Went back to the weights before step 1, and on with 1/2 "
        "of the learning rate."
    ]
    learn(subject, 1.0)
    assert subject.rate == pytest.approx(0.05, rel=1e-3)
    assert model.weight.item() == pytest.approx(0.95, rel=1e-3)
    for _ in range(9):
        learn(subject, float("inf"))
    assert subject.rate == pytest.approx(0.1 / 64, rel=0.5)  # not lower than that


def test_it_goes_back_with_the_optimiser_of_that_step_each_time() -> None:
    model = Line()
    subject = learner(model, momentum=0.9)
    learn(subject, 1.0)
    buffers = []
    for _ in range(2):
        learn(subject, float("nan"))
        buffers.append([group["momentum_buffer"] for group in moments(subject)])
        for _ in range(3):
            learn(subject, 5.0)
    assert buffers[0] == buffers[1] == []  # remembered before the first step
    restored = learner(Line(), momentum=0.9)
    restored.restore(copy.deepcopy(subject.state()))
    expected = moments(restored)[0]["momentum_buffer"].item()
    for _ in range(2):
        learn(restored, float("nan"))
        assert moments(restored)[0]["momentum_buffer"].item() == expected
        learn(restored, 5.0)


def moments(subject: Learner) -> list[dict[str, Tensor]]:
    return list(subject.state()["optimizer"]["state"].values())


def test_it_goes_back_to_good_weights_of_late() -> None:
    model = Line()
    subject = learner(model)
    for _ in range(60):
        learn(subject, 0.01)
    late = model.weight.item()
    learn(subject, float("nan"))
    assert late < model.weight.item() < 1
    assert "before step 51" in subject.notes[0]


def test_the_lower_rate_outlives_a_checkpoint() -> None:
    subject = learner(Line())
    learn(subject, float("nan"))
    again = learner(Line())
    again.restore(copy.deepcopy(subject.state()))
    learn(again, 1.0)
    assert again.rate == pytest.approx(0.05, rel=1e-3)
    assert again.notes == subject.notes
