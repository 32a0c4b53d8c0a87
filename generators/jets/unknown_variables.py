"""Unknown variables of a tagger: drawn from bounded distributions that an adversary shapes.

    x = bound tanh((mu + sigma n) / bound),   n of N(0, 1)

as preprocessed for the network. It starts as a standard normal number, as preprocessing makes most variables.

Shapes: B jets, P entries of a collection, U unknown variables.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from zskt.contracts import Batch, PseudoBatch
from zskt.generator import Draft, Generator, is_trainable, noise_of
from zskt.jets.tagger_inputs import ResolvedInput, TaggerInputs

DEFAULT_BOUND = 5.0
"""Bound of variables that ``preprocess.json`` does not bound."""
TAU = 0.15
"""Weight of the divergence from the standard normal distribution, which is in nats."""


class WithUnknownVariables(Generator):
    """A generator of jets that also draws the unknown variables of its tagger.

    Args:
        generator: of jets, for these inputs. If it has no parameters to train, nothing is learned here either.
        inputs: what the tagger is fed, some variables of which are unknown.
    """

    mean: Tensor
    log_spread: Tensor

    def __init__(self, generator: Generator, inputs: TaggerInputs) -> None:
        super().__init__()
        self.generator, self.roles = generator, inputs.roles
        self.latent_size, self.acceptance = generator.latent_size, generator.acceptance
        self.difference_step = generator.difference_step
        names = dict.fromkeys(f"{r.group.collection}/{r.group.names[i]}" for r in self.roles for i in r.unknown)
        self.names = list(names)
        self.adversarial = is_trainable(generator)
        for name in ("mean", "log_spread"):
            start = torch.zeros(len(self.names))
            if self.adversarial:
                self.register_parameter(name, nn.Parameter(start))
            else:  # a generator without parameters is no adversary
                self.register_buffer(name, start)

    def update(self, component: Tensor, reward: Tensor) -> None:
        """As the jets' own generator has it."""
        self.generator.update(component, reward)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into pseudo-jets, all inputs complete."""
        batch: PseudoBatch = self.generator(z, rng)
        x, penalty = self._completed(batch.x, rng), self._penalty()
        if penalty is None:
            return batch._replace(x=x)
        return batch._replace(x=x, penalty=penalty if batch.penalty is None else batch.penalty + penalty)

    def draft(self, z: Tensor, rng: torch.Generator) -> Draft:
        """As the jets' own generator has it; what shapes the unknown variables is moved by no difference."""
        draft = self.generator.draft(z, rng)
        noise = noise_of(rng)

        def make(numbers: Tensor, rows: Tensor) -> tuple[PseudoBatch, Tensor]:
            batch, out = draft.make(numbers, rows)
            return batch._replace(x=self._completed(batch.x, noise())), out

        return replace(draft, make=make)

    def _completed(self, x: Batch, rng: torch.Generator) -> Batch:
        """Fill in the unknown variables of all inputs, (B, C, P) each."""
        noise: dict[str, Tensor] = {}
        return tuple(self._filled(role, values, noise, rng) for role, values in zip(self.roles, x, strict=True))

    def _penalty(self) -> Tensor | None:
        """Return what is paid for leaving the standard normal distribution; None where nothing is learned."""
        if not self.adversarial:
            return None
        spread2 = (2 * self.log_spread).exp()
        return TAU * 0.5 * (spread2 + self.mean.square() - 1 - 2 * self.log_spread).sum()

    def _filled(self, role: ResolvedInput, values: Tensor, noise: dict[str, Tensor], rng: torch.Generator) -> Tensor:
        """Fill in the unknown variables of an input (B, C, P) where it has entries; equal names hold equal numbers."""
        if not role.unknown:
            return values
        rows = list(values.unbind(1))
        # A slot has an entry if any variable is not padding; an input of unknown variables alone is taken as full.
        pads = torch.tensor([v.pad for v in role.group.variables], device=values.device)
        filled = (values != pads.view(1, -1, *[1] * (values.dim() - 2))).any(1)
        has_entry = filled if len(role.unknown) < len(rows) else torch.ones_like(filled)
        for i in role.unknown:
            variable, key = role.group.variables[i], f"{role.group.collection}/{role.group.names[i]}"
            if key not in noise or noise[key].shape != rows[i].shape:
                noise[key] = torch.randn(rows[i].shape, generator=rng, device=values.device)
            j = self.names.index(key)
            bound = min(variable.upper_bound, -variable.lower_bound, DEFAULT_BOUND)
            bound = bound if bound > 0 else DEFAULT_BOUND  # a variable of one sign only is clamped below
            value = bound * torch.tanh((self.mean[j] + self.log_spread[j].exp() * noise[key]) / bound)
            value = value.clamp(variable.lower_bound, variable.upper_bound)
            rows[i] = torch.where(has_entry, value, torch.full_like(value, variable.pad))
        return torch.stack(rows, 1)


def with_unknown_variables(generator: Generator, inputs: object) -> Generator:
    """Return the generator, or where its tagger has unknown variables, one that draws these, too."""
    if isinstance(inputs, TaggerInputs) and any(role.unknown for role in inputs.roles):
        return WithUnknownVariables(generator, inputs)
    return generator
