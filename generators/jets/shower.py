"""Pseudo-jets from public physics: a differentiable shower whose continuous parameters an adversary moves.

z -> quantiles -> hard process -> parton shower -> hadrons -> decays -> detector -> x

Each jet has Z physical parameters (momentum, masses, decay angles, strength of the shower, of the string...), each
the quantile of a normal variable. The prior draws z from N(0, 1). The adversary is a network that shifts z, and a
categorical distribution over hard processes; both start at the prior and are bounded, so that whatever it does, a
pseudo-jet stays one that nature could make.

Shapes: B jets, Z physical parameters, H hard processes.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from generators.jets import decays as hadrons
from generators.jets import detector
from generators.jets import hard_process as hard
from generators.jets import parton_shower as lund
from generators.jets.four_vectors import pt_eta_phi
from generators.jets.hard_process import PROCESSES, Flavour
from generators.jets.mass_correction import restore_masses
from generators.jets.process_mixture import ExponentialWeights
from generators.jets.soft_activity import pileup, underlying_event
from zskt.contracts import PseudoBatch
from zskt.generator import Generator
from zskt.jets.jets import Jets
from zskt.jets.tagger_inputs import AnyJetInputs

MARGIN = 0.02  # of transverse momentum beyond the domain, for what the detector loses
GAIN = 10.0
"""Factor on what the adversary's shift is learned as. A step of Adam is as large as the learning rate: at the paper's
1e-3 it would not leave the prior within a run."""

LEPTONS = {
    Flavour.ELECTRON: hadrons.Kind.ELECTRON,
    Flavour.MUON: hadrons.Kind.MUON,
    Flavour.NEUTRINO: hadrons.Kind.INVISIBLE,
}

PARAMETERS = (
    *("pt", "eta", "mass", "mass_a", "mass_b"),
    *("cosine", "azimuth", "cosine_a", "azimuth_a", "cosine_b", "azimuth_b"),
    *("coupling", "density", "kt", "lead", "underlying_event"),
)
"""What each latent variable is the normal quantile of, or the normal variable of a log-normal.

The density of the string and the underlying event only set how many hadrons are sampled: they stay as drawn."""


class Adversary(nn.Module):
    """z -> shift of z, bounded in each direction, given the hard process."""

    def __init__(self, hidden: int, bound: float) -> None:
        super().__init__()
        self.bound = bound
        self.process = nn.Embedding(len(PROCESSES), hidden)
        self.inner = nn.Linear(len(PARAMETERS), hidden)
        self.outer = nn.Sequential(nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, len(PARAMETERS)))
        last = self.outer[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, z: Tensor, process: Tensor) -> Tensor:
        """(B, Z), (B,) -> (B, Z)."""
        return self.bound * torch.tanh(GAIN / self.bound * self.outer(self.inner(z) + self.process(process)))


class Shower(Generator):
    """z -> pseudo-jets, with or without adversary.

    The adversary maximises E[reward] - tau KL(adversary || prior), both in nats: by gradients through a shift of z, and
    in its mix of hard processes by what each of them was worth.

    Args:
        inputs: what the teacher is fed.
        adversarial: False leaves the pure prior, which has nothing to learn.
        hidden, bound: width of the adversary and largest shift of a latent variable, in standard deviations.
        floor: share of the jets whose hard process the prior draws, whatever the adversary prefers.
        tau: the price; without one the adversary collapses onto few processes.
    """

    latent_size = len(PARAMETERS)
    acceptance = 0.65

    def __init__(
        self,
        inputs: AnyJetInputs,
        *,
        adversarial: bool = True,
        hidden: int = 64,
        bound: float = 1.5,
        floor: float = 0.1,
        tau: float = 0.15,
    ) -> None:
        super().__init__()
        self.inputs, self.selection, self.tau = inputs, inputs.selection, tau
        weights = torch.tensor([p.weight for p in PROCESSES])
        self.mix = ExponentialWeights(weights / weights.sum(), floor, tau)
        self.adversary = Adversary(hidden, bound) if adversarial else None

    def update(self, component: Tensor, reward: Tensor) -> None:
        """What hard processes (B,), as in `PseudoBatch.component`, were worth, (B,)."""
        self.mix.update(component, reward)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Pseudo-jets from z (B, Z); ``rng`` draws the discrete structure and what happens to single particles."""
        process = torch.multinomial(self.mix.probabilities(), len(z), replacement=True, generator=rng)
        if self.adversary is None:
            jets, _ = self.jets(z, process, rng)
            return PseudoBatch(self.inputs(jets), jets)
        shift = self.adversary(z, process)
        jets, accepted = self.jets(z + shift, process, rng)
        # KL(N(shift, 1) || N(0, 1)): what keeps the adversary where the prior has weight.
        penalty = self.tau * shift.square().sum(1).mean() / 2
        return PseudoBatch(self.inputs(jets), jets, component=process[accepted], penalty=penalty)

    def jets(self, z: Tensor, process: Tensor, rng: torch.Generator) -> tuple[Jets, Tensor]:
        """Jets of given latent variables and hard processes, and which rows of them lie in the domain, (B,) of bool."""
        names = {name: i for i, name in enumerate(PARAMETERS)}
        u = (0.5 * (1 + torch.erf(z / math.sqrt(2)))).clamp(1e-4, 1 - 1e-4)
        partons, flavours, masses, axis = self._hard(u, process)

        def of_prong(value: Tensor) -> Tensor:
            return value.repeat_interleave(4)

        strength = of_prong(torch.exp(0.15 * z[:, names["coupling"]]))
        string = lund.String(
            density=of_prong(1.0 * torch.exp(0.25 * z[:, names["density"]])),
            kt=of_prong(0.6 * torch.exp(0.2 * z[:, names["kt"]])),
            lead=of_prong(0.6 * u[:, names["lead"]]),
        )
        coloured = ((flavours >= Flavour.LIGHT) & (flavours <= Flavour.GLUON)).flatten()
        flat = self._prongs(partons, flavours)
        final, leading = lund.hadronise(lund.shower(flat[coloured], strength, rng), string, rng)
        particles = self._particles(final, leading, flat[~coloured], rng)
        particles = restore_masses(particles, masses[:, 1:], masses[:, 0])
        particles = replace(particles, jet=particles.jet // 4)
        soft = [underlying_event(z[:, names["underlying_event"]], axis, rng)]
        soft += [pileup(self.selection.pileup, axis, rng)] if self.selection.pileup else []
        measured = detector.measure(hadrons.decay_pions(hadrons.join([particles, *soft]), rng), rng)
        clustered = detector.cluster(measured, len(z))
        jets = detector.assemble(clustered, len(z), rng, self._blur(len(z), rng, z.device))
        accepted = self._in_domain(jets, partons, flavours)
        return jets[accepted], accepted

    def _hard(self, u: Tensor, process: Tensor) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Final partons (B, 4, 4), flavours (B, 4), masses (B, 3) of root, A and B, direction of the visible sum."""
        low, high = (1 - MARGIN) * self.selection.pt_low, (1 + MARGIN) * self.selection.pt_high
        # A falling spectrum, as everything at a hadron collider.
        power = 1 - self.selection.pt_index
        pt = (
            (low**power + (high**power - low**power) * u[:, 0]) ** (1 / power)
            if power
            else low * (high / low) ** u[:, 0]
        )
        eta = self.selection.eta_max * (2 * u[:, 1] - 1)
        phi = torch.zeros_like(eta)
        angles = u[:, 5:11].view(-1, 3, 2)
        partons, flavours, _ = hard.decay(process, pt, eta, phi, u[:, 2:5], angles)
        visible = ((flavours != Flavour.NEUTRINO) & (flavours != Flavour.NONE)).float().unsqueeze(-1)
        # The domain is one of visible momentum: boost the root by what a neutrino carries away.
        seen, _, _ = pt_eta_phi((partons * visible).sum(1))
        partons, flavours, masses = hard.decay(process, pt * (pt / seen).clamp(max=3.0), eta, phi, u[:, 2:5], angles)
        _, eta, phi = pt_eta_phi((partons * visible).sum(1))
        return partons, flavours, masses, (eta, phi)

    @staticmethod
    def _prongs(partons: Tensor, flavours: Tensor) -> lund.Partons:
        """A flat list, (4 B,); each parton radiates within the angle to the nearest other one."""
        pt, eta, phi = pt_eta_phi(partons)
        present = (flavours != Flavour.NONE) & (flavours != Flavour.NEUTRINO)
        distance = (eta.unsqueeze(2) - eta.unsqueeze(1)).square() + (phi.unsqueeze(2) - phi.unsqueeze(1)).square()
        itself = torch.eye(4, dtype=torch.bool, device=pt.device)
        distance = distance.masked_fill(itself | ~present.unsqueeze(1), 1.0)
        angle = (distance.amin(2) + 1e-6).sqrt().clamp(max=1.0)
        prong = torch.arange(4 * len(pt), device=pt.device)
        return lund.Partons(*(t.flatten() for t in (prong, flavours, pt, eta, phi, angle, angle)))

    def _particles(
        self, final: lund.Partons, leading: Tensor, others: lund.Partons, rng: torch.Generator
    ) -> hadrons.Particles:
        """All particles of the hard process after decays, leptons included."""
        lists = []
        heavy = torch.zeros_like(leading)
        for flavour in hadrons.HEAVY:
            rows = leading & (final.flavour == flavour)
            heavy |= rows
            lists.append(hadrons.decay_heavy(final[rows], flavour, rng))
        light = final[~heavy]
        if self.selection.strange_fraction:
            odd = torch.rand(light.pt.shape, generator=rng, device=light.pt.device) < self.selection.strange_fraction
            lists.append(hadrons.decay_strange(light[odd], rng))
            light = light[~odd]
        lists.append(hadrons.draw_species(light, rng))
        for flavour, kind in LEPTONS.items():
            leptons = others[others.flavour == flavour]
            lists.append(hadrons.prompt(leptons, torch.full_like(leptons.flavour, int(kind)), rng))
        return hadrons.join(lists)

    def _blur(self, jets: int, rng: torch.Generator, device: torch.device) -> Tensor | None:
        """Factors on the errors of d0 and dz in each jet, (B, 2); None if the detector is taken to be known."""
        if not self.selection.resolution:
            return None
        return torch.exp(self.selection.resolution * torch.randn(jets, 2, generator=rng, device=device))

    def _in_domain(self, jets: Jets, partons: Tensor, flavours: Tensor) -> Tensor:
        """In the range of momentum; of whole jets, every visible parton within the radius of the visible sum."""
        _, eta, phi = pt_eta_phi(partons)
        visible = (flavours != Flavour.NONE) & (flavours != Flavour.NEUTRINO)
        _, eta_sum, phi_sum = pt_eta_phi((partons * visible.unsqueeze(-1)).sum(1))
        distance = (eta - eta_sum.unsqueeze(1)).square() + (phi - phi_sum.unsqueeze(1)).square()
        matched = ((distance < detector.RADIUS**2) | ~visible).all(1)
        momentum = jets.jet_pt.squeeze(1)
        inside = (momentum > self.selection.pt_low) & (momentum < self.selection.pt_high) & (jets.mask.sum(1) > 1)
        return inside & matched if self.selection.contains_decay else inside
