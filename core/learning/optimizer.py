"""What learns in a run, how fast, and the moving average of the weights."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.learning.config import TrainConfig
from core.model.mask_rcnn import MaskRCNN

_ROI_HEADS = ("box_head", "mask_head")
_HEADS = ("fpn", "rpn", *_ROI_HEADS)


def learning_modules(model: MaskRCNN, stages: str) -> tuple[str, ...]:
    """Return the names of the modules that learn, for a choice of `TrainConfig.stages` but "all".

    "5+" is the heads and what leads from C4 to C5 in the backbone; "4+" and "3+" go on from there.
    """
    if stages in ("roi_heads", "heads"):
        return _ROI_HEADS if stages == "roi_heads" else _HEADS
    parts = [name for i in range(int(stages[0]), 6) for name in model.backbone.parts[i]]
    return (*(f"backbone.{name}" for name in parts), *_HEADS)


def freeze(model: MaskRCNN, stages: str, modules: Iterable[str] = ()) -> None:
    """Let exactly the parameters of `stages` learn that are not in `modules`, whatever did before.

    Batch normalisations that do not learn keep their statistics too: they are put into evaluation
    mode, so call this after `train()`.

    Raises:
        ValueError: The model has no module of such a name.
    """
    frozen = tuple(modules)
    for name in frozen:
        try:
            model.get_submodule(name)
        except AttributeError as error:
            raise ValueError(f"frozen_modules: the model has no module {name!r}") from error
    learning = () if stages == "all" else learning_modules(model, stages)
    for name, parameter in model.named_parameters():
        learns = stages == "all" or _within(name, learning)
        parameter.requires_grad_(learns and not _within(name, frozen))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and not module.weight.requires_grad:
            module.eval()


def _within(name: str, modules: Iterable[str]) -> bool:
    return any(name.startswith(f"{module}.") for module in modules)


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """SGD with momentum, or AdamW; biases and norms do not decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            kind = (name.startswith("backbone."), parameter.ndim > 1)
            groups.setdefault(kind, []).append(parameter)
    settings = [
        {
            "params": parameters,
            "weight_decay": config.weight_decay if decays else 0.0,
            "rate_factor": config.backbone_rate_factor if in_backbone else 1.0,
        }
        for (in_backbone, decays), parameters in groups.items()
    ]
    if config.optimizer == "adamw":
        return torch.optim.AdamW(settings, config.learning_rate, betas=(config.momentum, 0.999))
    return torch.optim.SGD(settings, config.learning_rate, momentum=config.momentum)


def learning_rate(config: TrainConfig, step: int, steps: int) -> float:
    """Rate of a step, counted from 0: a linear rise, then half a cosine down to 0.

    The cosine is that of SGDR without restarts, https://arxiv.org/abs/1608.03983, eq. 5.
    """
    warmup = min(config.warmup_steps, steps // 2)
    if step < warmup:
        return config.learning_rate * (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


class WeightAverage:
    """Exponential moving average of a model's floating point state.

    Early in a run the decay is smaller, (1 + n) / (10 + n) after n updates, so that the random
    first weights are soon forgotten.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self.updates = 0
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move a little towards the model's weights."""
        self.updates += 1
        weight = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
        averages: list[Tensor] = []
        values: list[Tensor] = []
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                averages.append(self.state[name])
                values.append(value)
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(averages, values, weight)

    def restore(self, state: dict[str, Tensor], updates: int) -> None:
        """Go on from a saved average."""
        self.updates = updates
        for name, value in self.state.items():
            value.copy_(state[name])
