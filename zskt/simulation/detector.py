"""Simulate a parametric CMS-like detector: generated final-state particles -> particle-flow candidates.

Every table of particles is a dict of equally long numpy arrays, one row per particle of a whole batch of
collisions; ``event`` holds the collision's number. GeV and mm, natural units.

Resolutions: tracks from CMS, JINST 9 (2014) P10009; calorimeters from CMS, JINST 3 (2008) S08004 and the
combined barrel response of CMS, EPJ C 60 (2009) 359; the approach follows Delphes 3, JHEP 02 (2014) 057.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[Any]]

FLAGS = ("isChargedHadron", "isNeutralHadron", "isPhoton", "isElectron", "isMuon")
IMPACTS = ("d0val", "d0err", "dzval", "dzerr")

TRACKER_ETA = 2.5
CALORIMETER_ETA = 3.0
TRACKER_RADIUS_MM = 500.0  # a track born farther out leaves too few hits
TRACK_MIN_PT = 0.5
CALORIMETER_MIN_PT = 0.75  # softer charged particles curl up in 3.8 T before the ECAL at 1.29 m
TRACK_EFFICIENCY = 0.95

MOMENTUM_BITS = 12


def keep_bits(values: NDArray[Any], bits: int = MOMENTUM_BITS) -> NDArray[np.float32]:
    """Round values of any shape to float32 with ``bits`` bits after the leading one, so that files compress."""
    raw = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    step = np.uint32(1 << (23 - bits))
    return ((raw + step // np.uint32(2)) & ~(step - np.uint32(1))).view(np.float32)


def pseudorapidity(columns: Columns) -> NDArray[np.float64]:
    """Compute the pseudorapidity of each row from px, py and pz."""
    transverse = np.hypot(columns["px"].astype(np.float64), columns["py"])
    return np.arcsinh(columns["pz"] / np.maximum(transverse, 1e-9))


def rows(columns: Columns, chosen: NDArray[Any] | slice) -> Columns:
    """Return the rows that a mask, an index array or a slice chooses."""
    return {name: values[chosen] for name, values in columns.items()}


def reconstruct(generated: Columns, rng: np.random.Generator) -> Columns:
    """Reconstruct the particle-flow candidates of a batch of collisions.

    A charged particle that the tracker misses shows up in the calorimeters, as in the real detector.

    Args:
        generated: visible final-state particles with event, pid (PDG id), charge, px, py, pz, energy, mass (GeV) and
            the production vertex x, y, z (mm) relative to the collision.
        rng: source of random numbers.

    Returns:
        event, px, py, pz, energy, charge, the five type flags, d0val, d0err, dzval and dzerr (zero for neutral
        candidates), ordered by event.
    """
    flavour, pt = np.abs(generated["pid"]), np.hypot(generated["px"], generated["py"])
    eta, charged = np.abs(pseudorapidity(generated)), generated["charge"] != 0
    radius = np.hypot(generated["x"], generated["y"])
    tracked = charged & (eta < TRACKER_ETA) & (pt > TRACK_MIN_PT) & (radius < TRACKER_RADIUS_MM)
    tracked &= rng.random(len(pt)) < TRACK_EFFICIENCY
    stopped = ~tracked & (eta < CALORIMETER_ETA) & (flavour != 13) & (~charged | (pt > CALORIMETER_MIN_PT))
    electromagnetic = (flavour == 11) | (flavour == 22)
    parts = [
        _tracks(rows(generated, tracked), rng),
        _photons(rows(generated, stopped & electromagnetic), rng),
        _neutral_hadrons(rows(generated, stopped & ~electromagnetic), rng),
    ]
    candidates = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return rows(candidates, np.argsort(candidates["event"], kind="stable"))


def _tracks(true: Columns, rng: np.random.Generator) -> Columns:
    """Measure tracks with a pT resolution of 1.5 % at a few GeV and 2.8 % at 100 GeV (JINST 9 P10009, abstract).

    d0 = (x py - y px) / pT and dz = z - (x px + y py) pz / pT^2: the Delphes signs, as in JetClass, straight
    line from the production vertex. Their errors are 92 and 150 um at 1 GeV, 22 and 42 um at 10 GeV (same
    source). The mass is the true one, as in Delphes: it is far below the resolution.
    """
    count, pt = len(true["px"]), np.hypot(true["px"], true["py"])
    scale = 1 + np.hypot(0.015, 2.4e-4 * pt) * rng.standard_normal(count)
    scale = np.maximum(scale, 0.1)
    flavour = np.abs(true["pid"])
    candidates = _candidates(true, scale, true["mass"])
    candidates["charge"] = true["charge"].astype(np.float32)
    candidates["isElectron"][:], candidates["isMuon"][:] = flavour == 11, flavour == 13
    candidates["isChargedHadron"][:] = (flavour != 11) & (flavour != 13)
    d0 = (true["x"] * true["py"] - true["y"] * true["px"]) / pt
    dz = true["z"] - (true["x"] * true["px"] + true["y"] * true["py"]) * true["pz"] / pt**2
    for name, value, high_pt, scattering in (("d0", d0, 0.020, 0.090), ("dz", dz, 0.040, 0.145)):
        error = np.hypot(high_pt, scattering / (pt * scale))
        candidates[name + "err"] = keep_bits(error)
        candidates[name + "val"] = keep_bits(value + error * rng.standard_normal(count))
    return candidates


def _photons(true: Columns, rng: np.random.Generator) -> Columns:
    """Measure photons in ECAL crystals of 0.0174 x 0.0174: stochastic 2.8 %, noise 120 MeV, constant 0.5 %."""
    cells = _cells(true, np.pi / 180)
    energy = cells["energy"]
    spread = np.sqrt(0.028**2 * energy + 0.12**2 + (0.005 * energy) ** 2)
    return _smear_cells(cells, spread, 0.5, "isPhoton", rng)


def _neutral_hadrons(true: Columns, rng: np.random.Generator) -> Columns:
    """Measure neutral hadrons in HCAL towers of 0.087 x 0.087: stochastic 85 %, constant 7 %."""
    cells = _cells(true, np.pi / 36)
    spread = np.sqrt(0.85**2 * cells["energy"] + (0.07 * cells["energy"]) ** 2)
    return _smear_cells(cells, spread, 1.0, "isNeutralHadron", rng)


def _cells(true: Columns, width: float) -> Columns:
    """Sum the momenta in each cell: its direction is the energy-weighted one, which a cluster's shape gives."""
    eta, phi = pseudorapidity(true), np.arctan2(true["py"], true["px"])
    cell_index = np.stack([true["event"], np.floor(eta / width), np.floor(phi / width)]).astype(np.int64)
    order = np.lexsort(cell_index[::-1])
    cell_index = cell_index[:, order]
    starts = np.flatnonzero(np.any(np.diff(cell_index, axis=1, prepend=-(1 << 40)) != 0, axis=0))
    cells = {
        name: np.add.reduceat(true[name][order], starts) if len(starts) else true[name]
        for name in ("px", "py", "pz", "energy")
    }
    return cells | {"event": cell_index[0, starts]}


def _smear_cells(
    cells: Columns, spread: NDArray[Any], min_energy: float, flag: str, rng: np.random.Generator
) -> Columns:
    """Smear the cells' energies by ``spread`` (GeV), and return those above ``min_energy`` as massless candidates."""
    energy = cells["energy"] + spread * rng.standard_normal(len(spread))
    momentum = np.sqrt(cells["px"] ** 2 + cells["py"] ** 2 + cells["pz"] ** 2)
    visible = energy > min_energy
    candidates = _candidates(
        rows(cells, visible), (energy / np.maximum(momentum, 1e-9))[visible], np.zeros(visible.sum())
    )
    candidates[flag][:] = 1
    return candidates


def _candidates(true: Columns, scale: NDArray[Any], mass: NDArray[Any]) -> Columns:
    """Make candidates with the momenta times ``scale``; the energy keeps all its bits, else jets gain mass."""
    candidates: Columns = {name: keep_bits(true[name] * scale) for name in ("px", "py", "pz")}
    square = sum(candidates[name].astype(np.float64) ** 2 for name in ("px", "py", "pz")) + mass**2
    candidates["energy"] = np.nextafter(np.sqrt(square).astype(np.float32), np.float32(np.inf))
    for name in ("charge", *FLAGS, *IMPACTS):
        candidates[name] = np.zeros(len(mass), dtype=np.float32)
    return candidates | {"event": true["event"]}
