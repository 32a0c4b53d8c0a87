"""Generate proton-proton collisions at 13 TeV with Pythia 8 (arXiv:2203.11601) for the ten classes of JetClass.

JetClass: Qu, Li and Qian, arXiv:2202.03772. GeV and mm, natural units.
"""

from __future__ import annotations

from itertools import cycle
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zskt.simulation.detector import Columns, pseudorapidity


class Process(NamedTuple):
    """How Pythia makes one class."""

    resonance: int
    """PDG number of the jet's resonance; 0 for none."""
    settings: tuple[str, ...]
    """Lines that Pythia reads."""
    alternatives: tuple[tuple[str, ...], ...] = ((),)
    """Further lines, of which each batch of collisions takes the next."""


def _decays(pid: int, *rules: str) -> tuple[str, ...]:
    return (f"{pid}:onMode = off", *(f"{pid}:{rule}" for rule in rules))


_QUARKS = "onIfAny = 1 2 3 4 5"
_LEPTONS = "onIfAny = 11 13"
# The partner boson leaves no second large jet: invisible Z, or a leptonic W.
_INVISIBLE_Z = _decays(23, "onIfAny = 12 14 16")
_HIGGS = ("HiggsSM:ffbar2HZ = on", *_INVISIBLE_Z)
_TOPS = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")

PROCESSES: dict[str, Process] = {
    # As in JetClass (its ZJetsToNuNu files): dijets would have more gluons and a fifth more particles.
    "QCD": Process(
        0,
        ("WeakBosonAndParton:qqbar2gmZg = on", "WeakBosonAndParton:qg2gmZq = on", "WeakZ0:gmZmode = 2", *_INVISIBLE_Z),
    ),
    "Hbb": Process(25, (*_HIGGS, *_decays(25, "onIfMatch = 5 -5"))),
    "Hcc": Process(25, (*_HIGGS, *_decays(25, "onIfMatch = 4 -4"))),
    "Hgg": Process(25, (*_HIGGS, *_decays(25, "onIfMatch = 21 21"))),
    "H4q": Process(25, (*_HIGGS, *_decays(25, "onIfMatch = 24 -24"), *_decays(24, _QUARKS))),
    # Leptonic W+ and W- alternate: letting Pythia choose freely would waste two thirds of the collisions.
    "Hqql": Process(
        25,
        (*_HIGGS, *_decays(25, "onIfMatch = 24 -24")),
        (
            _decays(24, "onPosIfAny = 1 2 3 4 5", "onNegIfAny = 11 13"),
            _decays(24, "onNegIfAny = 1 2 3 4 5", "onPosIfAny = 11 13"),
        ),
    ),
    "Zqq": Process(23, ("WeakDoubleBoson:ffbar2ZW = on", *_decays(23, _QUARKS), *_decays(24, _LEPTONS))),
    "Wqq": Process(24, ("WeakDoubleBoson:ffbar2ZW = on", *_INVISIBLE_Z, *_decays(24, _QUARKS))),
    "Tbqq": Process(6, (*_TOPS, *_decays(24, _QUARKS))),
    "Tbl": Process(6, (*_TOPS, *_decays(24, _LEPTONS))),
}

_COMMON = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    "Random:setSeed = on",
    # A jet of 500 to 1000 GeV seldom comes from a parton outside this range.
    "PhaseSpace:pTHatMin = 480.",
    "PhaseSpace:pTHatMax = 1100.",
)
_NEUTRINOS = (12, 14, 16)


class Products(NamedTuple):
    """The visible quarks, gluons and leptons of the hard decays, one row each.

    For QCD each outgoing parton is its own resonance.
    """

    event: NDArray[np.int64]
    """Number of the collision."""
    origin: NDArray[np.int64]
    """Row number of the resonance, shared by its products."""
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    origin_eta: NDArray[np.float64]
    """Pseudorapidity of the resonance."""
    origin_phi: NDArray[np.float64]
    """Azimuth of the resonance."""


class Collider:
    """A Pythia generator of one class.

    Args:
        process: the class.
        seed: from 1 to 900 000 000.

    Raises:
        ImportError: without pythia8mc.
    """

    def __init__(self, process: Process, seed: int) -> None:
        import pythia8mc

        self._resonance, self._alternatives = process.resonance, cycle(process.alternatives)
        self._pythia: Any = pythia8mc.Pythia("", False)
        self._set(*_COMMON, f"Random:seed = {seed}", *process.settings, *process.alternatives[0])
        if not self._pythia.init():
            raise RuntimeError(f"Pythia cannot start with {process.settings}")

    def _set(self, *lines: str) -> None:
        for line in lines:
            if not self._pythia.readString(line):
                raise RuntimeError(f"Pythia does not know the setting '{line}'")

    def collide(self, count: int) -> tuple[Columns, Products]:
        """Generate ``count`` collisions: the visible final state, as the detector takes it, and the truth."""
        import awkward as ak

        self._set(*next(self._alternatives))
        record = self._pythia.nextBatch(count).prt
        lengths = ak.to_numpy(ak.num(record))
        particles = ak.flatten(record)
        columns: Columns = {"event": np.repeat(np.arange(len(lengths)), lengths)}
        for name, field in (("pid", "id"), ("status", "status"), ("mother", "mother1"), ("mass", "m")):
            columns[name] = ak.to_numpy(particles[field])
        for name, field in (("px", "px"), ("py", "py"), ("pz", "pz"), ("energy", "e")):
            columns[name] = ak.to_numpy(particles.p[field])
        columns["mother"] = columns["mother"] + np.repeat(np.cumsum(lengths) - lengths, lengths)
        return self._visible(columns, particles), _products(columns, self._resonance)

    def _visible(self, columns: Columns, particles: Any) -> Columns:
        """Select the visible final state, with charges and production vertices."""
        import awkward as ak

        selected = np.flatnonzero((columns["status"] > 0) & ~np.isin(np.abs(columns["pid"]), _NEUTRINOS))
        visible = {name: columns[name][selected] for name in ("event", "pid", "px", "py", "pz", "energy")}
        visible["mass"] = np.maximum(columns["mass"][selected], 0.0)
        for name, field in (("x", "px"), ("y", "py"), ("z", "pz")):
            # No vertex is stored for particles from the collision point itself.
            visible[name] = ak.to_numpy(ak.fill_none(particles.vProd[field][selected], 0.0))
        species, index = np.unique(visible["pid"], return_inverse=True)
        charges = np.array([self._pythia.particleData.charge(int(pid)) for pid in species])
        visible["charge"] = charges[index]
        return visible


def _products(columns: Columns, resonance: int) -> Products:
    """Follow each outgoing parton of the hard process (status 23) up to the resonance that it came from."""
    hard = (np.abs(columns["status"]) == 23) & ~np.isin(np.abs(columns["pid"]), _NEUTRINOS)
    products = np.flatnonzero(hard)
    origin = products.copy()
    if resonance:
        while True:
            above = columns["mother"][origin]
            climbing = (np.abs(columns["pid"][origin]) != resonance) & (above != origin)
            if not climbing.any():
                break
            origin = np.where(climbing, above, origin)
        is_resonance = np.abs(columns["pid"][origin]) == resonance
        products, origin = products[is_resonance], origin[is_resonance]
    eta, phi = pseudorapidity(columns), np.arctan2(columns["py"], columns["px"])
    return Products(columns["event"][products], origin, eta[products], phi[products], eta[origin], phi[origin])
