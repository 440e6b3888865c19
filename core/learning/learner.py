"""One optimiser step at a time: losses, gradients, and what to do when they are not finite."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from core.learning.config import TrainConfig
from core.learning.optimizer import WeightAverage, freeze, learning_rate, make_optimizer
from core.learning.progress import TrainingError
from core.learning.retreat import Retreat
from core.model.mask_rcnn import MaskRCNN, Target
from core.model.roi_inputs import RoiInputs

MAX_SKIPPED_IN_A_ROW = 20

LossesOf = Callable[[slice], dict[str, Tensor]]
"""The losses of a part of a batch."""


class Learner:
    """A model that learns, with its optimiser, schedule and weight average.

    Attributes:
        step: Steps done, skipped ones included.
        skipped: Steps whose loss or gradient was not finite; the learner went back after them.
        rate: Learning rate of the last step.
        notes: What it did by itself, for people.
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
        self.notes: list[str] = []
        self._retreat = Retreat(self._weights_state, self._restore_weights)

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
        return self._step(len(images), lambda part: self._losses(images[part], targets[part]))

    def learn_heads(self, parts: Sequence[RoiInputs]) -> dict[str, float]:
        """Do a step of the RoI heads alone; the rest as `learn`.

        Args:
            parts: Of each image what the heads learn from.
        """
        return self._step(len(parts), lambda part: self._head_losses(parts[part]))

    def roi_inputs(self, image: Tensor, target: Target, generator: torch.Generator) -> RoiInputs:
        """What the RoI heads learn from on an image [3, H, W], on the learner's device.

        Exactly, whatever the precision: it is made once, and inference may not do it in bf16.
        """
        return self.model.roi_inputs(
            [image.to(self.device)], [_to_device(target, self.device)], generator
        )

    def _step(self, count: int, losses_of: LossesOf) -> dict[str, float]:
        self.rate = self._retreat.factor * learning_rate(self._config, self.step, self._steps)
        for group in self._optimizer.param_groups:
            group["lr"] = self.rate * group["rate_factor"]
        losses = self._gradients(count, losses_of)
        self._count(self._apply(losses))
        self.step += 1
        return losses

    def _gradients(self, count: int, losses_of: LossesOf) -> dict[str, float]:
        while True:
            try:
                return self._accumulate(count, losses_of)
            except torch.OutOfMemoryError:
                self._optimizer.zero_grad(set_to_none=True)
                torch.cuda.empty_cache()
                if self._micro_batch == 1:
                    raise
                self._micro_batch = min(self._micro_batch, count + 1) // 2
                self.notes.append(
                    f"Step {self.step + 1}: the GPU's memory was too small. Goes on with "
                    f"{self._micro_batch} images at once."
                )

    def _accumulate(self, count: int, losses_of: LossesOf) -> dict[str, float]:
        self._optimizer.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        for start in range(0, count, self._micro_batch):
            part = slice(start, min(count, start + self._micro_batch))
            losses = losses_of(part)
            share = (part.stop - start) / count
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
        with self._autocast():
            losses: dict[str, Tensor] = self.model(inputs, truth, self._generator())
        return losses

    def _head_losses(self, parts: Sequence[RoiInputs]) -> dict[str, Tensor]:
        tensors = RoiInputs.joined(parts).tensors()
        moved = {name: value.to(self.device) for name, value in tensors.items()}
        half = torch.bfloat16 if self._is_half else torch.float32
        pooled = {name: moved[name].to(half) for name in ("box_pooled", "mask_pooled")}
        with self._autocast():
            return self.model.roi_losses(RoiInputs(**moved | pooled))

    @property
    def _is_half(self) -> bool:
        precision = self._config.precision
        return precision == "bf16" or (precision == "auto" and self._kind == "cuda")

    @property
    def _kind(self) -> str:
        return torch.device(self.device).type

    def _autocast(self) -> torch.autocast:
        """Autocast is thread-local: it is set where the run's own thread passes."""
        return torch.autocast(self._kind, torch.bfloat16, enabled=self._is_half)

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
            self._retreat.follow(self.step + 1)
            return
        self.skipped += 1
        self._skipped_in_a_row += 1
        if self._skipped_in_a_row > MAX_SKIPPED_IN_A_ROW:
            raise TrainingError(
                f"the loss was not finite in {self._skipped_in_a_row} steps in a row, up to step "
                f"{self.step + 1}: try a learning rate below {self._config.learning_rate:g}"
            )
        self.notes.append(self._retreat.go_back(self.step))

    def weights(self) -> dict[str, Tensor]:
        """A copy of the weights to validate and keep: the average where there is one."""
        state = self._average.state if self._average else self.model.state_dict()
        return {name: value.detach().cpu().clone() for name, value in state.items()}

    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on exactly; the tensors are those in use, no copies."""
        return {
            **self._weights_state(),
            "step": self.step,
            "skipped": self.skipped,
            "skipped_in_a_row": self._skipped_in_a_row,
            "rate_factor": self._retreat.factor,
            "notes": self.notes,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state, exactly.

        But should a later loss not be finite, this is the state to go back to; the learner that
        was interrupted remembered an earlier one.
        """
        self._restore_weights(state)
        self.step, self.skipped = state["step"], state["skipped"]
        self._skipped_in_a_row = state["skipped_in_a_row"]
        self._retreat.factor = state.get("rate_factor", 1.0)
        self._retreat.remember(self.step)
        self.notes = list(state.get("notes", []))

    def _weights_state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "average": self._average.state if self._average else None,
            "average_updates": self._average.updates if self._average else 0,
        }

    def _restore_weights(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average is not None:
            self._average.restore(state["average"], state["average_updates"])


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
