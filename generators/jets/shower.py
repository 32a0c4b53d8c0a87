"""Pseudo-jets from public physics: a differentiable parton shower whose parameters an adversary moves.

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

from generators.jets import decays, detector, hard_process, parton_shower
from generators.jets.four_vectors import pt_eta_phi
from generators.jets.hard_process import PROCESSES, Flavour
from generators.jets.mass_correction import restore_masses
from generators.jets.process_mixture import ClassesOfComponents, ExponentialWeights
from generators.jets.soft_activity import pileup, underlying_event
from generators.vectors.features import divergence
from zskt.contracts import PseudoBatch
from zskt.generator import Draft, Generator, noise_of
from zskt.jets.jets import Jets
from zskt.jets.tagger_inputs import AnyJetInputs

PT_MARGIN = 0.02
"""Share by which the range of transverse momentum is widened, because the detector changes it."""
SHIFT_GAIN = 10.0
"""Factor on the output of the adversary. A step of Adam is as large as the learning rate: at the paper's 1e-3 the shift
would not leave the prior within a run."""

LEPTON_KINDS = {
    Flavour.ELECTRON: decays.ParticleKind.ELECTRON,
    Flavour.MUON: decays.ParticleKind.MUON,
    Flavour.NEUTRINO: decays.ParticleKind.INVISIBLE,
}
"""Kinds of the leptons that hard processes make."""

SHOWER_PARAMETERS = (
    *("pt", "eta", "mass", "mass_a", "mass_b"),
    *("cosine", "azimuth", "cosine_a", "azimuth_a", "cosine_b", "azimuth_b"),
    *("coupling", "density", "kt", "lead", "underlying_event"),
)
"""Physical parameters behind the latent variables: each is a normal quantile, or the normal variable of a log-normal.

The density of the string and the underlying event only set how many hadrons are sampled: they stay as drawn."""


class ShowerShift(nn.Module):
    """The adversary of continuous parameters: z -> a bounded shift of z, given the hard process.

    Args:
        hidden: width of the network.
        bound: largest shift of a latent variable, in standard deviations.
    """

    def __init__(self, hidden: int, bound: float) -> None:
        super().__init__()
        self.bound = bound
        self.process = nn.Embedding(len(PROCESSES), hidden)
        self.inner = nn.Linear(len(SHOWER_PARAMETERS), hidden)
        self.outer = nn.Sequential(
            nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, len(SHOWER_PARAMETERS))
        )
        last = self.outer[-1]
        assert isinstance(last, nn.Linear)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, z: Tensor, process: Tensor) -> Tensor:
        """Turn z (B, Z) and indices of hard processes (B,) into shifts (B, Z)."""
        return self.bound * torch.tanh(SHIFT_GAIN / self.bound * self.outer(self.inner(z) + self.process(process)))


class Shower(Generator):
    """z -> pseudo-jets, with or without adversary.

    The adversary maximises E[reward] - tau KL(adversary || prior), both in nats: by gradients through a shift of z, and
    in its mixture of hard processes by their rewards.

    Asked for classes, it draws the hard process of each jet from those in which the teacher has seen that class.

    Args:
        inputs: what the teacher is fed.
        adversarial: False leaves the pure prior, which has nothing to learn.
        mixes: whether the mix of hard processes follows what each was worth, also where nothing is adversarial: it
            takes rewards and no gradient.
        hidden, bound: width of the adversary and largest shift of a latent variable, in standard deviations.
        floor: fraction of the jets whose hard process the prior draws, whatever the adversary prefers.
        tau: weight of the divergence; without it the adversary collapses onto few processes.
    """

    latent_size = len(SHOWER_PARAMETERS)
    acceptance = 0.65
    difference_step = 0.5  # in standard deviations: what is random differs from call to call, as much of it is drawn
    class_tensor = "classes.answers"
    embeds_classes = False

    def __init__(
        self,
        inputs: AnyJetInputs,
        *,
        adversarial: bool = True,
        mixes: bool = False,
        hidden: int = 64,
        bound: float = 1.5,
        floor: float = 0.1,
        tau: float = 0.15,
    ) -> None:
        super().__init__()
        self.inputs, self.selection, self.tau, self.mixes = inputs, inputs.selection, tau, mixes or adversarial
        weights = torch.tensor([p.weight for p in PROCESSES])
        self.mix = ExponentialWeights(weights / weights.sum(), floor, tau)
        self.adversary = ShowerShift(hidden, bound) if adversarial else None
        self.classes: ClassesOfComponents | None = None

    def condition(self, classes: int) -> None:
        """Make the mix of hard processes depend on the class; the teacher's answers say how, see `learn_classes`."""
        weights = self.mix.get_buffer("prior")
        self.classes = ClassesOfComponents(classes, len(weights)).to(weights.device)
        self._classes = classes

    def learn_classes(self, component: Tensor, beliefs: Tensor) -> None:
        """Learn which classes the teacher sees in hard processes (B,): its probabilities, (B, K)."""
        if self.classes is not None:
            self.classes.learn(component, beliefs)

    def _processes(self, count: int, rng: torch.Generator, labels: Tensor | None) -> Tensor:
        """Draw hard processes: (count,)."""
        mix = self.mix.probabilities()
        if labels is None or self.classes is None:
            return torch.multinomial(mix, count, replacement=True, generator=rng)
        return torch.multinomial(self.classes.probabilities(mix)[labels], 1, generator=rng).squeeze(1)

    def update(self, component: Tensor, reward: Tensor) -> None:
        """Learn from the rewards (B,) of jets of hard processes (B,), as in `PseudoBatch.component`."""
        self.mix.update(component, reward)

    def forward(self, z: Tensor, rng: torch.Generator, labels: Tensor | None = None) -> PseudoBatch:
        """Turn z (B, Z) into at most B pseudo-jets; ``rng`` draws processes, emissions, hadrons and measurements."""
        process = self._processes(len(z), rng, labels)
        if self.adversary is None:
            jets, accepted = self.jets(z, process, rng)
            component = process[accepted] if self.mixes or self.classes is not None else None
            return PseudoBatch(self.inputs(jets), jets, component=component, accepted=accepted)
        shift = self.adversary(z, process)
        jets, accepted = self.jets(z + shift, process, rng)
        penalty = self.tau * divergence(shift)  # keeps the adversary where the prior has weight
        return PseudoBatch(self.inputs(jets), jets, component=process[accepted], penalty=penalty, accepted=accepted)

    def draft(self, z: Tensor, rng: torch.Generator) -> Draft:
        """Turn z (B, Z) into shifted latent variables (B, Z); the hard processes stay."""
        process = torch.multinomial(self.mix.probabilities(), len(z), replacement=True, generator=rng)
        shift = None if self.adversary is None else self.adversary(z, process)
        noise = noise_of(rng)

        def make(numbers: Tensor, rows: Tensor) -> tuple[PseudoBatch, Tensor]:
            jets, accepted = self.jets(numbers, process[rows], noise())
            return PseudoBatch(self.inputs(jets), jets), accepted.nonzero().squeeze(1)

        if shift is None:
            return Draft(z, make, component=process if self.mixes else None)
        return Draft(z + shift, make, component=process, penalty=self.tau * divergence(shift))

    def jets(self, z: Tensor, process: Tensor, rng: torch.Generator) -> tuple[Jets, Tensor]:
        """Simulate jets of latent variables (B, Z) and hard processes (B,).

        Returns:
            the jets that lie in the domain, and which rows of the B these are, (B,) of bool.
        """
        column = {name: i for i, name in enumerate(SHOWER_PARAMETERS)}
        u = (0.5 * (1 + torch.erf(z / math.sqrt(2)))).clamp(1e-4, 1 - 1e-4)
        partons, flavours, masses, axis = self._hard_partons(u, process)

        def of_prong(value: Tensor) -> Tensor:
            return value.repeat_interleave(4)

        strength = of_prong(torch.exp(0.15 * z[:, column["coupling"]]))
        string = parton_shower.StringParameters(
            density=of_prong(1.0 * torch.exp(0.25 * z[:, column["density"]])),
            kt=of_prong(0.6 * torch.exp(0.2 * z[:, column["kt"]])),
            lead=of_prong(0.6 * u[:, column["lead"]]),
        )
        coloured = ((flavours >= Flavour.LIGHT) & (flavours <= Flavour.GLUON)).flatten()
        flat = self._prongs(partons, flavours)
        final, leading = parton_shower.hadronise(parton_shower.shower(flat[coloured], strength, rng), string, rng)
        particles = self._particles(final, leading, flat[~coloured], rng)
        particles = restore_masses(particles, masses[:, 1:], masses[:, 0])
        particles = replace(particles, jet=particles.jet // 4)
        soft = [underlying_event(z[:, column["underlying_event"]], axis, rng)]
        soft += [pileup(self.selection.pileup, axis, rng)] if self.selection.pileup else []
        measured = detector.measure(decays.decay_neutral_pions(decays.join_particles([particles, *soft]), rng), rng)
        clustered = detector.cluster(measured, len(z))
        jets = detector.assemble(clustered, len(z), rng, self._error_factors(len(z), rng, z.device))
        accepted = self._in_domain(jets, partons, flavours)
        return jets[accepted], accepted

    def _hard_partons(self, u: Tensor, process: Tensor) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Final partons (B, 4, 4), flavours (B, 4), masses of root, A and B (B, 3), direction of the visible sum."""
        low, high = (1 - PT_MARGIN) * self.selection.pt_low, (1 + PT_MARGIN) * self.selection.pt_high
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
        partons, flavours, _ = hard_process.decay(process, pt, eta, phi, u[:, 2:5], angles)
        visible = ((flavours != Flavour.NEUTRINO) & (flavours != Flavour.NONE)).float().unsqueeze(-1)
        # The domain bounds the visible momentum: the root gets what a neutrino carries away on top.
        visible_pt, _, _ = pt_eta_phi((partons * visible).sum(1))
        partons, flavours, masses = hard_process.decay(
            process, pt * (pt / visible_pt).clamp(max=3.0), eta, phi, u[:, 2:5], angles
        )
        _, eta, phi = pt_eta_phi((partons * visible).sum(1))
        return partons, flavours, masses, (eta, phi)

    @staticmethod
    def _prongs(partons: Tensor, flavours: Tensor) -> parton_shower.Partons:
        """Flat list (4 B,) of partons; each radiates within the angle to the nearest other one."""
        pt, eta, phi = pt_eta_phi(partons)
        present = (flavours != Flavour.NONE) & (flavours != Flavour.NEUTRINO)
        distance = (eta.unsqueeze(2) - eta.unsqueeze(1)).square() + (phi.unsqueeze(2) - phi.unsqueeze(1)).square()
        itself = torch.eye(4, dtype=torch.bool, device=pt.device)
        distance = distance.masked_fill(itself | ~present.unsqueeze(1), 1.0)
        angle = (distance.amin(2) + 1e-6).sqrt().clamp(max=1.0)
        prong = torch.arange(4 * len(pt), device=pt.device)
        return parton_shower.Partons(*(t.flatten() for t in (prong, flavours, pt, eta, phi, angle, angle)))

    def _particles(
        self, final: parton_shower.Partons, leading: Tensor, others: parton_shower.Partons, rng: torch.Generator
    ) -> decays.Particles:
        """Particles of the hard process after decays, leptons included."""
        lists = []
        heavy = torch.zeros_like(leading)
        for flavour in decays.HEAVY_HADRONS:
            rows = leading & (final.flavour == flavour)
            heavy |= rows
            lists.append(decays.decay_heavy_hadrons(final[rows], flavour, rng))
        light = final[~heavy]
        if self.selection.strange_fraction:
            is_strange = (
                torch.rand(light.pt.shape, generator=rng, device=light.pt.device) < self.selection.strange_fraction
            )
            lists.append(decays.decay_strange_hadrons(light[is_strange], rng))
            light = light[~is_strange]
        lists.append(decays.sample_species(light, rng))
        for flavour, kind in LEPTON_KINDS.items():
            leptons = others[others.flavour == flavour]
            lists.append(decays.prompt_particles(leptons, torch.full_like(leptons.flavour, int(kind)), rng))
        return decays.join_particles(lists)

    def _error_factors(self, jets: int, rng: torch.Generator, device: torch.device) -> Tensor | None:
        """Draw factors on the errors of d0 and dz in each jet, (B, 2); None if the detector is taken as known."""
        if not self.selection.resolution:
            return None
        return torch.exp(self.selection.resolution * torch.randn(jets, 2, generator=rng, device=device))

    def _in_domain(self, jets: Jets, partons: Tensor, flavours: Tensor) -> Tensor:
        """Select jets in the range of momentum; those that contain decays need all visible partons inside: (B,)."""
        _, eta, phi = pt_eta_phi(partons)
        visible = (flavours != Flavour.NONE) & (flavours != Flavour.NEUTRINO)
        _, eta_sum, phi_sum = pt_eta_phi((partons * visible.unsqueeze(-1)).sum(1))
        distance = (eta - eta_sum.unsqueeze(1)).square() + (phi - phi_sum.unsqueeze(1)).square()
        matched = ((distance < detector.JET_RADIUS**2) | ~visible).all(1)
        momentum = jets.jet_pt.squeeze(1)
        inside = (momentum > self.selection.pt_low) & (momentum < self.selection.pt_high) & (jets.mask.sum(1) > 1)
        return inside & matched if self.selection.contains_decay else inside
