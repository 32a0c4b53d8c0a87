"""How well CMS's scores come back from inputs rebuilt of PFNano.

``python -m benchmarks --only pfnano --size folder=FOLDER file=pfnano.root``; FOLDER holds ``model.pt`` and
``preprocess.json`` of the Run-2 AK8 tagger. It times nothing: it is a comparison that needs files of the user's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from benchmarks.bench import Bench, Skipped

SCORES = {"Xbb": ("label_H_bb",), "Xcc": ("label_H_cc",), "Xqq": ("label_H_qq",), "QCD": None}
"""CMS's names, and the outputs that they are the sum of; QCD is all others."""


@torch.no_grad()
def measure(bench: Bench) -> dict[str, Any]:
    """Compare our scores with those that CMS stored."""
    from teachers.tagger import read_tagger
    from zskt.jets.collections import ReconstructedJets
    from zskt.jets.pfnano import read_pfnano
    from zskt.jets.preprocess import read_preprocess
    from zskt.jets.tagger_inputs import TaggerInputs

    if not (bench.text("folder") and bench.text("file")):
        raise Skipped("needs a tagger and a file of CMS: --size folder=FOLDER file=pfnano.root")
    folder, file = Path(bench.text("folder")), Path(bench.text("file"))
    where = folder / "preprocess.json"
    tagger, preprocess = read_tagger(folder / "model.pt", read_preprocess(where), where)
    jets = read_pfnano(file, 0.8, preprocess.outputs).samples
    assert isinstance(jets, ReconstructedJets)
    p = tagger(*TaggerInputs(preprocess=preprocess)(jets)).softmax(1)
    named = [name for names in SCORES.values() if names for name in names]
    found = {}
    for score, names in SCORES.items():
        columns = [i for i, n in enumerate(preprocess.outputs) if (n in names if names else n not in named)]
        mine, stored = p[:, columns].sum(1), jets.scores[f"particleNetMD_{score}"]
        found[score] = {
            "median_difference": float((mine - stored).abs().median()),
            "largest_difference": float((mine - stored).abs().max()),
            "correlation": float(torch.corrcoef(torch.stack([mine, stored]))[0, 1]),
        }
    return {"jets": len(jets), "scores": found}
