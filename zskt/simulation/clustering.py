"""Cluster particle-flow candidates into anti-kT R = 0.8 jets (arXiv:0802.1189), and match them to the truth.

FastJet: arXiv:1111.6097; soft drop: arXiv:1402.2657. GeV, natural units.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zskt.jets.angles import wrap
from zskt.simulation.detector import FLAGS, IMPACTS, Columns, keep_bits, pseudorapidity, rows
from zskt.simulation.pythia import Products

RADIUS = 0.8
MIN_PT = 500.0
MAX_PT = 1000.0
MAX_ETA = 2.0
MAX_PARTICLES = 128
_ANY_RADIUS = 1000.0  # Cambridge/Aachen with this R puts all constituents into one jet

PARTICLE_NAMES = ("px", "py", "pz", "energy", "deta", "dphi", "charge", *FLAGS, *IMPACTS)


def find_jets(candidates: Columns, collisions: int, truth: Products) -> tuple[Columns, Columns]:
    """Find the truth-matched jets with 500 < pT < 1000 GeV and abs(eta) < 2 in a batch of collisions.

    Args:
        candidates: particle-flow candidates, as `zskt.simulation.detector.reconstruct` returns them.
        collisions: number of collisions in the batch.
        truth: products of the hard decays.

    Returns:
        Two tables. One row per jet: pt, eta, phi, energy, nparticles, sdmass (GeV, float32), and ``written``, the
        number of constituents in the second table (at most 128). One row per written constituent: `PARTICLE_NAMES`,
        jet after jet, each by descending pT; deta is sign(jet eta) (eta - jet eta), dphi lies in [-pi, pi].
    """
    import awkward as ak
    import fastjet

    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    counts = np.bincount(candidates["event"], minlength=collisions)
    clustering = _cluster(candidates, counts, fastjet.antikt_algorithm, RADIUS)
    members = clustering.constituent_index(min_pt=MIN_PT)
    event = np.repeat(np.arange(collisions), ak.to_numpy(ak.num(members)))
    members = ak.flatten(members)
    sizes = ak.to_numpy(ak.num(members))
    flat = ak.to_numpy(ak.flatten(members)) + np.repeat((np.cumsum(counts) - counts)[event], sizes)
    jets = _sum_constituents(rows(candidates, flat), sizes)
    good = (jets["pt"] > MIN_PT) & (jets["pt"] < MAX_PT) & (np.abs(jets["eta"]) < MAX_ETA)
    axes = zip(event, jets["eta"], jets["phi"], strict=True)
    good &= np.array([_is_matched(int(e), eta, phi, truth) for e, eta, phi in axes], dtype=np.bool_)
    flat, jets, sizes = flat[np.repeat(good, sizes)], rows(jets, good), sizes[good]
    constituents = rows(candidates, flat)
    jets["nparticles"] = sizes.astype(np.float32)
    if len(sizes):
        groomer = _cluster(constituents, sizes, fastjet.cambridge_algorithm, _ANY_RADIUS)
        groomed = groomer.exclusive_jets_softdrop_grooming(beta=0, symmetry_cut=0.1, R0=RADIUS)
        jets["sdmass"] = np.maximum(ak.to_numpy(groomed.msoftdrop), 0).astype(np.float32)
    else:
        jets["sdmass"] = np.zeros(0, dtype=np.float32)
    return _sort_constituents(constituents, jets, sizes)


def _cluster(particles: Columns, counts: NDArray[Any], algorithm: int, radius: float) -> Any:
    """Cluster particles event by event; ``counts`` holds the number of particles in each."""
    import awkward as ak
    import fastjet

    names = {"px": "px", "py": "py", "pz": "pz", "E": "energy"}
    momenta = ak.zip({name: particles[column].astype(np.float64) for name, column in names.items()})
    return fastjet.ClusterSequence(ak.unflatten(momenta, counts), fastjet.JetDefinition(algorithm, radius))


def _sum_constituents(constituents: Columns, sizes: NDArray[Any]) -> Columns:
    """Compute pt, eta, phi and energy (float32) of jets from their constituents' summed four-momenta."""
    starts = np.cumsum(sizes) - sizes
    total: Columns = {}
    for name in ("px", "py", "pz", "energy"):
        values = constituents[name].astype(np.float64)
        total[name] = np.add.reduceat(values, starts) if len(starts) else values
    jets = {
        "pt": np.hypot(total["px"], total["py"]),
        "eta": pseudorapidity(total),
        "phi": np.arctan2(total["py"], total["px"]),
        "energy": total["energy"],
    }
    return {name: values.astype(np.float32) for name, values in jets.items()}


def _is_matched(event: int, eta: float, phi: float, truth: Products) -> bool:
    """Return whether a resonance and all its visible products lie within R of the jet's axis."""
    in_event = truth.event == event
    near = np.hypot(truth.eta - eta, wrap(truth.phi - phi)) < RADIUS
    near &= np.hypot(truth.origin_eta - eta, wrap(truth.origin_phi - phi)) < RADIUS
    return any(bool(near[truth.origin == origin].all()) for origin in np.unique(truth.origin[in_event]))


def _sort_constituents(constituents: Columns, jets: Columns, sizes: NDArray[Any]) -> tuple[Columns, Columns]:
    """Sort each jet's constituents by descending pT, keep the first 128, add deta and dphi."""
    jet = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((-np.hypot(constituents["px"].astype(np.float64), constituents["py"]), jet))
    rank = np.arange(len(jet)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    order, jet = order[rank < MAX_PARTICLES], jet[rank < MAX_PARTICLES]
    table = rows(constituents, order)
    side = np.where(jets["eta"] < 0, -1.0, 1.0)[jet]
    table["deta"] = keep_bits(side * (pseudorapidity(table) - jets["eta"][jet]))
    table["dphi"] = keep_bits(wrap(np.arctan2(table["py"], table["px"]) - jets["phi"][jet]))
    jets["written"] = np.minimum(sizes, MAX_PARTICLES)
    return jets, {name: table[name] for name in PARTICLE_NAMES}
