"""A small file of PFNano, written for tests."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import uproot


def write_pfnano(path: Path, **changes: object) -> Path:
    """Two events with a large jet each, the first with a vertex: what PFNano holds, in small."""
    n = 6
    pt = ak.Array([np.linspace(90, 10, n), np.linspace(80, 20, n)])
    flat = ak.ones_like(pt)
    index = ak.local_index(pt)
    candidates = {
        "pt": pt, "eta": 0.1 * flat + 0.01 * index, "phi": 0.2 * flat + 0.01 * index, "mass": 0.13 * flat,
        "charge": ak.values_astype(index % 2, np.int32), "pdgId": ak.values_astype(22 + 189 * (index % 2), np.int32),
        "puppiWeight": flat, "d0": 0.01 * flat, "d0Err": ak.where(index % 2 == 1, 0.005, -1.0), "dz": 0.02 * flat,
        "dzErr": 0.005 * flat, "trkChi2": flat, "lostInnerHits": ak.values_astype(-flat, np.int32),
        "pvAssocQuality": ak.values_astype(7 * flat, np.int32), "trkQuality": ak.values_astype(5 * flat, np.int32),
    }  # fmt: skip
    names = ("btagEtaRel", "btagPtRatio", "btagPParRatio", "btagSip3dVal", "btagSip3dSig", "btagJetDistVal")
    links = dict.fromkeys(names, 0.1 * flat)
    links |= {"jetIdx": ak.values_astype(0 * index, np.int32), "pFCandsIdx": ak.values_astype(index, np.int32)}
    jets = {"pt": [[400.0], [350.0]], "eta": [[0.12], [0.12]], "phi": [[0.22], [0.22]], "mass": [[50.0], [40.0]]}
    vertices = {name: [[1.0], []] for name in ("mass", "chi2", "dxy", "dxySig", "dlen", "dlenSig", "pAngle", "ntracks")}
    vertices |= {"pt": [[20.0], []], "eta": [[0.1], []], "phi": [[0.25], []]}
    tables = {"PFCands": candidates, "FatJetPFCands": links, "FatJet": jets, "SV": vertices}
    branches = {f"{table}_{name}": ak.Array(v) for table, columns in tables.items() for name, v in columns.items()}
    branches = {name: value for name, value in (branches | changes).items() if value is not None}
    with uproot.recreate(path) as file:
        file["Events"] = branches
    return path
