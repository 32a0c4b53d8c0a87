"""What a gradient by a tagger's inputs says of the particles: by log pT, pseudorapidity and azimuth of each.

Shapes: B jets, P particle slots (padding included), F features. Units: GeV, radians.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from zskt.jets.constituents import Constituents
from zskt.jets.decode import CloudDecoder
from zskt.jets.features import FEATURES
from zskt.jets.jets import TINY


def by_particle(names: Sequence[str], x: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """Pull gradients by a JetClass tagger's inputs back to particles, (B, 3, P): by log pT, deta, dphi.

    The jet's own momentum and energy follow the particle's, its axis stays where it is: deta and dphi are what they
    are by definition, relative to that axis. A feature at its clip does not move. Linear in the gradients, with a
    graph to them.

    Args:
        names: of the F features; they tell momenta by part_pt_log.
        x: points (B, 2, P), features (B, F, P), mask (B, 1, P).
        gradients: by points and by features.
    """
    points, features, mask = (t.detach() for t in x)
    jets = CloudDecoder(tuple(names))(points, features, mask)
    with torch.enable_grad():
        shift = points.new_zeros(len(points), 3, points.shape[2]).requires_grad_()
        moved = _moved(tuple(names), points, features, jets, shift)
        (pulled,) = torch.autograd.grad(moved, shift, list(gradients[:2]), create_graph=True)
    return pulled * jets.mask.unsqueeze(1)


def _moved(
    names: tuple[str, ...], points: Tensor, features: Tensor, jets: Constituents, shift: Tensor
) -> tuple[Tensor, Tensor]:
    """Return points and features of jets whose particles moved by (log pT, deta, dphi), (B, 3, P), about 0."""
    log_pt, deta, dphi = shift.unbind(1)
    angles = jets.eta + deta, jets.phi + dphi
    changes: dict[str, Callable[[], Tensor]] = {
        "part_pt_log": lambda: log_pt,
        "part_e_log": lambda: _log_energy(jets, log_pt, deta),
        "part_logptrel": lambda: log_pt - _log_sum(jets, log_pt, jets.pt * angles[1].cos(), jets.pt * jets.phi.cos()),
        "part_logerel": lambda: _log_relative_energy(jets, log_pt, deta),
        "part_deltaR": lambda: _distance(*angles) - _distance(jets.eta, jets.phi),
        "part_deta": lambda: deta,
        "part_dphi": lambda: dphi,
    }
    rows = []
    for i, name in enumerate(names):
        feature, value = FEATURES[name], features[:, i]
        if name in changes:
            inside = (value.abs() < feature.clip) & jets.mask
            value = value + torch.where(inside, feature.multiply * changes[name](), 0.0)
        else:
            value = value + 0 * log_pt  # of particle types and tracks nothing moves
        rows.append(value)
    return points + shift[:, 1:], torch.stack(rows, 1)


def _distance(eta: Tensor, phi: Tensor) -> Tensor:
    return (eta.square() + phi.square() + TINY).sqrt()


def _log_energy(jets: Constituents, log_pt: Tensor, deta: Tensor) -> Tensor:
    """Return the change of log E = log pT + log cosh eta, of eta from where the jet is."""
    assert jets.abs_eta is not None
    eta = jets.eta + jets.abs_eta.unsqueeze(1)
    return log_pt + (eta + deta).cosh().log() - eta.cosh().log()


def _log_relative_energy(jets: Constituents, log_pt: Tensor, deta: Tensor) -> Tensor:
    """Return the change of log(E / jet E)."""
    change = _log_energy(jets, log_pt, deta)
    assert jets.abs_eta is not None
    energy = jets.pt * (jets.eta + jets.abs_eta.unsqueeze(1)).cosh()
    return change - _log_sum(jets, change, energy, energy)


def _log_sum(jets: Constituents, log_scale: Tensor, after: Tensor, before: Tensor) -> Tensor:
    """Return the change of the logarithm of a sum over particles, each scaled: (B, 1)."""
    sums = [(torch.where(jets.mask, part, 0.0)).sum(1, keepdim=True) for part in (after * log_scale.exp(), before)]
    return sums[0].clamp(min=TINY).log() - sums[1].clamp(min=TINY).log()
