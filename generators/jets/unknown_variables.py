"""Variables of a tagger that nobody here knows: drawn from bounded distributions that an adversary shapes.

    x = bound tanh((mu + sigma n) / bound),   n of N(0, 1)

as prepared for the network. It starts as a standard normal number, which is what preparation makes of most variables.

Shapes: B jets, P entries of a collection, U unknown variables.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.jets.tagger_inputs import ResolvedInput, TaggerInputs

BOUND = 5.0  # of a variable that ``preprocess.json`` does not bound
TAU = 0.15
"""Price of leaving the standard normal distribution, per nat."""


class WithUnknown(Generator):
    """A generator of jets that fills in what its tagger's inputs hold beyond known quantities.

    Args:
        generator: of jets, for these inputs; without parameters of its own, nothing is learned here either.
        inputs: of which some variables are unknown.
    """

    def __init__(self, generator: Generator, inputs: TaggerInputs) -> None:
        super().__init__()
        self.generator, self.roles = generator, inputs.roles
        self.latent_size: int = generator.latent_size
        self.acceptance: float = generator.acceptance
        names = dict.fromkeys(f"{r.group.collection}/{r.group.names[i]}" for r in self.roles for i in r.unknown)
        self.names = list(names)
        learned = any(p.requires_grad for p in generator.parameters())
        self.mean = nn.Parameter(torch.zeros(len(self.names)), requires_grad=learned)
        self.log_spread = nn.Parameter(torch.zeros(len(self.names)), requires_grad=learned)

    def parameters(self, recurse: bool = True):  # type: ignore[no-untyped-def]
        """Only what is learned: a generator without parameters is no adversary."""
        return (p for p in super().parameters(recurse) if p.requires_grad)

    def update(self, component: Tensor, reward: Tensor) -> None:
        """As the generator's own, see `generators.draw.Bandit`."""
        self.generator.update(component, reward)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """z (B, Z) -> pseudo-jets, every input complete."""
        draw: PseudoBatch = self.generator(z, rng)
        noise: dict[str, Tensor] = {}
        x = tuple(self._filled(role, values, noise, rng) for role, values in zip(self.roles, draw.x, strict=True))
        if not self.mean.requires_grad:
            return draw._replace(x=x)
        spread2 = (2 * self.log_spread).exp()
        penalty = TAU * 0.5 * (spread2 + self.mean.square() - 1 - 2 * self.log_spread).sum()
        return draw._replace(x=x, penalty=penalty if draw.penalty is None else draw.penalty + penalty)

    def _filled(self, role: ResolvedInput, values: Tensor, noise: dict[str, Tensor], rng: torch.Generator) -> Tensor:
        """An input (B, C, P), its unknown variables drawn where there are entries; equal names hold equal numbers."""
        if not role.unknown:
            return values
        rows = list(values.unbind(1))
        # An entry is where any variable is not padding; an input of unknown variables alone is taken for full.
        pads = torch.tensor([v.pad for v in role.group.variables], device=values.device)
        known = (values != pads.view(1, -1, *[1] * (values.dim() - 2))).any(1)
        real = known if len(role.unknown) < len(rows) else torch.ones_like(known)
        for i in role.unknown:
            variable, key = role.group.variables[i], f"{role.group.collection}/{role.group.names[i]}"
            if key not in noise or noise[key].shape != rows[i].shape:
                noise[key] = torch.randn(rows[i].shape, generator=rng, device=values.device)
            j = self.names.index(key)
            bound = min(variable.upper_bound, -variable.lower_bound, BOUND)
            bound = bound if bound > 0 else BOUND  # of one sign only: what the clamp leaves of it
            drawn = bound * torch.tanh((self.mean[j] + self.log_spread[j].exp() * noise[key]) / bound)
            drawn = drawn.clamp(variable.lower_bound, variable.upper_bound)
            rows[i] = torch.where(real, drawn, torch.full_like(drawn, variable.pad))
        return torch.stack(rows, 1)


def complete(generator: Generator, inputs: object) -> Generator:
    """The generator itself, or one that draws unknown variables beside it, where there are any."""
    if isinstance(inputs, TaggerInputs) and any(role.unknown for role in inputs.roles):
        return WithUnknown(generator, inputs)
    return generator
