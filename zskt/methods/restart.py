"""A generator that begins anew within a run: methods that invert a teacher do not go on with one for long.

A layer of PyTorch says itself how it begins. What began as zero, as the last layer of a network that shifts a prior,
is zero again.
"""

from __future__ import annotations

import torch
from torch import nn


class Restart:
    """What gives a module new parameters.

    Args:
        module: as it begins.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.zeros = [name for name, parameter in module.named_parameters() if not parameter.any()]

    @torch.no_grad()
    def __call__(self, rng: torch.Generator) -> None:
        """Initialise all layers again, from a seed that is drawn from ``rng``; torch's own stream stays where it is."""
        seed = int(torch.randint(2**62, (), generator=rng, device=rng.device))
        with torch.random.fork_rng(devices=[rng.device] if rng.device.type == "cuda" else []):
            torch.manual_seed(seed)
            for layer in self.module.modules():
                if hasattr(layer, "reset_parameters"):
                    layer.reset_parameters()
        for name in self.zeros:
            self.module.get_parameter(name).zero_()
