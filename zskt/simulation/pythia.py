"""Proton-proton collisions at 13 TeV from Pythia 8 (arXiv:2203.11601) for the ten classes of JetClass.

JetClass: Qu, Li and Qian, arXiv:2202.03772. GeV and mm, natural units.
"""

from itertools import cycle
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from zskt.simulation.detector import Columns, pseudorapidity


class Process(NamedTuple):
    """How Pythia makes one class: the PDG id of the jet's resonance (0: none) and the settings.

    ``turns``: settings that take turns from one batch of collisions to the next.
    """

    resonance: int
    settings: tuple[str, ...]
    turns: tuple[tuple[str, ...], ...] = ((),)


def _decays(pid: int, *rules: str) -> tuple[str, ...]:
    return (f"{pid}:onMode = off", *(f"{pid}:{rule}" for rule in rules))


_QUARKS: Final = "onIfAny = 1 2 3 4 5"
_LEPTONS: Final = "onIfAny = 11 13"
# The partner boson leaves no second large jet: invisible Z, or a leptonic W.
_INVISIBLE_Z: Final = _decays(23, "onIfAny = 12 14 16")
_HIGGS: Final = ("HiggsSM:ffbar2HZ = on", *_INVISIBLE_Z)
_TOPS: Final = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on")

PROCESSES: Final[dict[str, Process]] = {
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

_COMMON: Final = (
    "Print:quiet = on",
    "Beams:eCM = 13000.",
    "Random:setSeed = on",
    # A jet of 500 to 1000 GeV seldom comes from a parton outside this range.
    "PhaseSpace:pTHatMin = 480.",
    "PhaseSpace:pTHatMax = 1100.",
)
_NEUTRINOS: Final = (12, 14, 16)


class Products(NamedTuple):
    """The visible quarks, gluons and leptons of the hard decays, one row each.

    ``event``: the collision; ``origin``: row number of the resonance, shared by its products; eta and phi of
    the product and of the resonance. For QCD each outgoing parton is its own resonance.
    """

    event: NDArray[np.int64]
    origin: NDArray[np.int64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    origin_eta: NDArray[np.float64]
    origin_phi: NDArray[np.float64]


class Collider:
    """A Pythia generator of one class; ``seed`` is 1 to 900 000 000. Raises ImportError without pythia8mc."""

    def __init__(self, process: Process, seed: int) -> None:
        import pythia8mc

        self._resonance, self._turns = process.resonance, cycle(process.turns)
        self._pythia: Any = pythia8mc.Pythia("", False)
        self._set(*_COMMON, f"Random:seed = {seed}", *process.settings, *process.turns[0])
        if not self._pythia.init():
            raise RuntimeError(f"Pythia cannot start with {process.settings}")

    def _set(self, *lines: str) -> None:
        for line in lines:
            if not self._pythia.readString(line):
                raise RuntimeError(f"Pythia does not know the setting '{line}'")

    def collide(self, count: int) -> tuple[Columns, Products]:
        """``count`` collisions: the visible final state (see ``detector.reconstruct``) and the truth."""
        import awkward as ak

        self._set(*next(self._turns))
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
        import awkward as ak

        final = np.flatnonzero((columns["status"] > 0) & ~np.isin(np.abs(columns["pid"]), _NEUTRINOS))
        seen = {name: columns[name][final] for name in ("event", "pid", "px", "py", "pz", "energy")}
        seen["mass"] = np.maximum(columns["mass"][final], 0.0)
        for name, field in (("x", "px"), ("y", "py"), ("z", "pz")):
            # No vertex is stored for particles from the collision point itself.
            seen[name] = ak.to_numpy(ak.fill_none(particles.vProd[field][final], 0.0))
        species, index = np.unique(seen["pid"], return_inverse=True)
        charges = np.array([self._pythia.particleData.charge(int(pid)) for pid in species])
        seen["charge"] = charges[index]
        return seen


def _products(columns: Columns, resonance: int) -> Products:
    """Climb from each outgoing parton of the hard process (status 23) to the resonance it came from."""
    hard = (np.abs(columns["status"]) == 23) & ~np.isin(np.abs(columns["pid"]), _NEUTRINOS)
    chosen = np.flatnonzero(hard)
    origin = chosen.copy()
    if resonance:
        while True:
            above = columns["mother"][origin]
            climbing = (np.abs(columns["pid"][origin]) != resonance) & (above != origin)
            if not climbing.any():
                break
            origin = np.where(climbing, above, origin)
        found = np.abs(columns["pid"][origin]) == resonance
        chosen, origin = chosen[found], origin[found]
    eta, phi = pseudorapidity(columns), np.arctan2(columns["py"], columns["px"])
    return Products(columns["event"][chosen], origin, eta[chosen], phi[chosen], eta[origin], phi[origin])
