"""Leave out jets that no detector can have recorded, by one stated rule, and say how many.

The rule for jets in the layout of JetClass, GeV and mm: a jet has particles; every number of it is finite; its own pT
and that of each particle are above 0; no jet has a pT above 7 TeV, half of the LHC's energy; no energy or momentum is
above 100 TeV; no particle's energy is below its momentum by more than 1 % and 10 MeV, which is twenty times the
rounding of half precision; the particles add up to the jet's pT within a factor of five, whatever was corrected or left
out; no other number is above 10^6. Where more than half of the jets are left out, the file is refused: something is
wrong with all of it, such as units of MeV.

Particles of zero momentum and energy that fill up lists of one length are padding, and no particles.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import awkward as ak
import numpy as np

from zskt.errors import UserError
from zskt.terminal import note

MAX_PT = 7e3
"""GeV, of a jet: half of what a collision at the LHC has. Jets of 20 GeV whose units are MeV have 20 000."""
MAX_ENERGY = 1e5
"""GeV, of any jet or particle, whose energy grows with its pseudorapidity."""
MAX_RATIO = 5.0
"""Of a jet's pT and that of its particles together, either way."""
MAX_OTHER = 1e6
"""Of impact parameters in mm, their errors, angles and charges: larger numbers are marks of what is missing."""
ROUNDING, ROUNDING_GEV = 0.01, 0.01
"""How far an energy may lie below the momentum: a share of it, and GeV."""
MOMENTA = ("part_px", "part_py", "part_pz", "part_energy", "jet_pt", "jet_energy")
MAX_SHARE = 0.5
"""Share of impossible jets up to which the others are used."""


def possible_jets(events: ak.Array, path: Path) -> ak.Array:
    """Return the jets that can be; one line on standard error counts the others by what is wrong with them.

    Raises:
        UserError: if more than half of them cannot be.
    """
    return keep_possible(events, _impossible(events), path)


def without_padding(events: ak.Array) -> ak.Array:
    """Drop the particles without momentum and energy at the end of lists, where all lists are equally long."""
    px = ak.from_regular(events["part_px"])
    slots = np.unique(ak.to_numpy(ak.num(px, axis=1)))
    if len(slots) != 1 or not slots[0]:
        return events
    momenta = [ak.to_numpy(ak.to_regular(events[f"part_{name}"])) for name in ("px", "py", "pz", "energy")]
    is_particle = np.any([values != 0 for values in momenta], axis=0)  # (B, P); of NaN, too: it is told elsewhere
    if is_particle[:, -1].all():
        return events
    counts = np.where(is_particle.any(1), slots[0] - is_particle[:, ::-1].argmax(1), 0)
    kept = ak.local_index(px) < counts
    columns = {
        name: ak.from_regular(events[name])[kept] if events[name].ndim == 2 else events[name] for name in events.fields
    }
    return ak.zip(columns, depth_limit=1)


def keep_possible(events: ak.Array, wrong: Mapping[str, np.ndarray], path: Path) -> ak.Array:
    """Return the jets of which nothing is wrong; see `possible_jets`.

    Args:
        wrong: what may be wrong -> which jets it is wrong of, (B,). Of several the first one counts.
    """
    counts, left_out = {}, np.zeros(len(events), dtype=bool)
    for what, jets in wrong.items():
        counts[what] = int((jets & ~left_out).sum())
        left_out |= jets
    if not left_out.any():
        return events
    words = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    first = int(left_out.argmax())
    if left_out.mean() > MAX_SHARE:
        raise UserError(
            f"{path}: {left_out.sum()} of {len(events)} jets cannot be ({words}; the first is jet {first}); "
            "are its units GeV and mm? Mend the file"
        )
    note(f"zskt: {path}: {left_out.sum()} of {len(events)} jets cannot be, left out: {words}; the first is jet {first}")
    return events[~left_out]


def _impossible(events: ak.Array) -> dict[str, np.ndarray]:
    """Return what may be wrong with jets, and with which it is, (B,)."""
    names = [name for name in events.fields if name.startswith(("part_", "jet_"))]
    px, py, pz, energy = (events[f"part_{name}"] for name in ("px", "py", "pz", "energy"))
    with np.errstate(all="ignore"):  # what overflows is told by the first two
        squares = [ak.values_astype(values, np.float64) ** 2 for values in (px, py, pz)]
        momentum = np.sqrt(squares[0] + squares[1] + squares[2])
        sums = [ak.sum(ak.values_astype(values, np.float64), axis=1) for values in (px, py)]
        total, pt = np.hypot(*sums), events["jet_pt"]
        tests = {
            "without particles": ak.num(px, axis=1) == 0,
            "with a number that is not finite": _any([~np.isfinite(events[name]) for name in names]),
            "with more than 100 TeV": _any([np.abs(events[name]) > MAX_ENERGY for name in MOMENTA]),
            "with a pT of more than 7 TeV": _any([events["jet_pt"] > MAX_PT]),
            "with pT of 0 or less": _any([events["jet_pt"] <= 0, squares[0] + squares[1] <= 0]),
            "with less energy than momentum": _any([energy < momentum * (1 - ROUNDING) - ROUNDING_GEV]),
            "whose particles add up to another pT": _any([total * MAX_RATIO < pt, total > pt * MAX_RATIO]),
            "with a number above 10^6": _any([np.abs(events[name]) > MAX_OTHER for name in names]),
        }
        return {what: np.asarray(ak.to_numpy(jets), dtype=bool) for what, jets in tests.items()}


def _any(tests: list[ak.Array]) -> ak.Array:
    """Tell of which jets any test of them or of one of their particles is true, (B,)."""
    jets = [ak.any(test, axis=1) if test.ndim > 1 else test for test in tests]
    found = jets[0]
    for test in jets[1:]:
        found = found | test
    return found
