"""One optimiser step at a time: losses, gradients, and what to do when they are not finite."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from core.learning.config import TrainConfig
from core.learning.optimizer import WeightAverage, freeze, learning_rate, make_optimizer
from core.learning.progress import TrainingError
from core.model.mask_rcnn import MaskRCNN, Target

MAX_SKIPPED_IN_A_ROW = 20


class Learner:
    """A model that learns, with its optimiser, schedule and weight average.

    Attributes:
        step: Steps done, skipped ones included.
        skipped: Steps whose loss or gradient was not finite; they changed no weight.
        rate: Learning rate of the last step.
        device: Where it computes.
    """

    def __init__(self, model: MaskRCNN, config: TrainConfig, steps: int, device: str) -> None:
        self.model = model.to(device).train()
        freeze(model, config.stages, config.frozen_modules)
        self._config, self._steps, self.device = config, steps, device
        self._optimizer = make_optimizer(model, config)
        self._average = WeightAverage(model, config.ema_decay) if config.ema_decay else None
        self._skipped_in_a_row = 0
        self._micro_batch = config.micro_batch or config.batch_size
        self.step, self.skipped, self.rate = 0, 0, 0.0

    def learn(self, images: list[Tensor], targets: list[Target]) -> dict[str, float]:
        """Do one step.

        A batch may be done in parts (`micro_batch`), whose gradients are averaged: slower, but the
        same step. Where a part does not fit into the GPU's memory it is halved.

        Args:
            images: Each [3, H, W] in 0..1.
            targets: What is on them.

        Returns:
            The losses by name and their sum as "total".

        Raises:
            torch.OutOfMemoryError: A single image does not fit.
            TrainingError: Too many steps in a row were not finite.
        """
        self.rate = learning_rate(self._config, self.step, self._steps)
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate * group["rate_factor"]
        losses = self._gradients(images, targets)
        self._count(self._apply(losses))
        self.step += 1
        return losses

    def _gradients(self, images: list[Tensor], targets: list[Target]) -> dict[str, float]:
        while True:
            try:
                return self._accumulate(images, targets)
            except torch.OutOfMemoryError:
                self._optimizer.zero_grad(set_to_none=True)
                torch.cuda.empty_cache()
                if self._micro_batch == 1:
                    raise
                self._micro_batch = min(self._micro_batch, len(images) + 1) // 2

    def _accumulate(self, images: list[Tensor], targets: list[Target]) -> dict[str, float]:
        self._optimizer.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for start in range(0, len(images), self._micro_batch):
            part = slice(start, start + self._micro_batch)
            losses = self._losses(images[part], targets[part])
            share = len(images[part]) / len(images)
            total = torch.stack(list(losses.values())).sum() * share
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + share * value.item()
            if not torch.isfinite(total):
                break
            total.backward()
        sums["total"] = sum(sums.values())
        return sums

    def _losses(self, images: list[Tensor], targets: list[Target]) -> dict[str, Tensor]:
        inputs = [image.to(self.device) for image in images]
        truth = [_to_device(target, self.device) for target in targets]
        # Autocast is thread-local: it is set here, where the run's own thread passes.
        kind = torch.device(self.device).type
        half = self._config.precision == "bf16" or (
            self._config.precision == "auto" and kind == "cuda"
        )
        with torch.autocast(kind, torch.bfloat16, enabled=half):
            losses: dict[str, Tensor] = self.model(inputs, truth, self._generator())
        return losses

    def _generator(self) -> torch.Generator:
        """Draws the anchors and RoIs of a step; a resumed run draws the same ones."""
        return torch.Generator().manual_seed(self._config.seed * 1_000_003 + self.step)

    def _apply(self, losses: dict[str, float]) -> bool:
        """Change the weights, unless the loss or the gradient is not finite."""
        if not math.isfinite(losses["total"]):
            return False
        norm = nn.utils.clip_grad_norm_(self._learning(), self._config.clip_norm)
        if not torch.isfinite(norm):
            return False
        self._optimizer.step()
        if self._average is not None:
            self._average.update(self.model)
        return True

    def _learning(self) -> list[nn.Parameter]:
        return [parameter for parameter in self.model.parameters() if parameter.requires_grad]

    def _count(self, applied: bool) -> None:
        if applied:
            self._skipped_in_a_row = 0
            return
        self.skipped += 1
        self._skipped_in_a_row += 1
        if self._skipped_in_a_row > MAX_SKIPPED_IN_A_ROW:
            raise TrainingError(
                f"the loss was not finite in {self._skipped_in_a_row} steps in a row, up to step "
                f"{self.step + 1}: try a learning rate below {self._config.learning_rate:g}"
            )

    def weights(self) -> dict[str, Tensor]:
        """A copy of the weights to validate and keep: the average where there is one."""
        state = self._average.state if self._average else self.model.state_dict()
        return {name: value.detach().cpu().clone() for name, value in state.items()}

    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on exactly; the tensors are those in use, no copies."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state if self._average else None,
            "average_updates": self._average.updates if self._average else 0,
            "step": self.step,
            "skipped": self.skipped,
            "skipped_in_a_row": self._skipped_in_a_row,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average is not None:
            self._average.restore(state["average"], state["average_updates"])
        self.step, self.skipped = state["step"], state["skipped"]
        self._skipped_in_a_row = state["skipped_in_a_row"]


def _to_device(target: Target, device: str) -> Target:
    """A target with its tensors on a device; masks stay where they are."""
    known = target.get("known")
    return Target(
        boxes_xyxy=target["boxes_xyxy"].to(device),
        labels=target["labels"].to(device),
        masks=target["masks"],
        ignore_xyxy=target["ignore_xyxy"].to(device),
        known=None if known is None else known.to(device),
    )
