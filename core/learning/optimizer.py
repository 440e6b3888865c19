"""What learns in a run, how fast, and the moving average of the weights."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from core.learning.config import TrainConfig

# Parts of the model that stay as they are, for each choice of `TrainConfig.stages`.
_FROZEN = {"all": (), "heads": ("backbone",), "roi_heads": ("backbone", "fpn", "rpn")}


def freeze(model: nn.Module, stages: str, modules: Iterable[str] = ()) -> None:
    """Keep the parameters outside `stages`, and those of `modules`, from learning.

    Raises:
        ValueError: The model has no module of such a name.
    """
    for name in (*_FROZEN[stages], *modules):
        try:
            module = model.get_submodule(name)
        except AttributeError as error:
            raise ValueError(f"frozen_modules: the model has no module {name!r}") from error
        module.requires_grad_(False)


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
        for name, value in model.state_dict().items():
            average = self.state[name]
            if average.is_floating_point():
                average.lerp_(value, weight)
            else:
                average.copy_(value)

    def restore(self, state: dict[str, Tensor], updates: int) -> None:
        """Go on from a saved average."""
        self.updates = updates
        for name, value in self.state.items():
            value.copy_(state[name])
