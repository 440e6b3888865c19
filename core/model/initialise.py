"""The weights a model starts from, drawn from one generator."""

import torch
from torch import nn

from core.model.efficientnet_lite import PaddedConv

# The last layers start near 0: every box at its reference, every score undecided.
_NARROW = {"objectness": 0.01, "deltas": 0.001, "classes": 0.01, "logits": 0.01}


def initialise(model: nn.Module, generator: torch.Generator) -> None:
    """Draw every weight of the model anew: He's rule, narrow normals for the last layers.

    Args:
        model: any of ours; normalisations keep their identity.
        generator: on the CPU; modules are visited in their order of definition.
    """
    for name, module in model.named_modules():
        last = name.rpartition(".")[2]
        if not isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear | PaddedConv):
            continue
        if last in _NARROW:
            nn.init.normal_(module.weight, std=_NARROW[last], generator=generator)
        else:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        if not isinstance(module, PaddedConv) and module.bias is not None:
            nn.init.zeros_(module.bias)
