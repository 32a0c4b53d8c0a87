"""How well CMS's scores come back from inputs rebuilt of PFNano: ``python benchmarks/pfnano.py FOLDER pfnano.root``.

FOLDER holds ``model.pt`` and ``preprocess.json`` of the Run-2 AK8 tagger. Writes ``benchmarks/pfnano.json``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from teachers.tagger import read_tagger
from zskt.jets.collections import ReconstructedJets
from zskt.jets.pfnano import read_pfnano
from zskt.jets.preprocess import read_preprocess
from zskt.jets.tagger_inputs import TaggerInputs

SCORES = {"Xbb": ("label_H_bb",), "Xcc": ("label_H_cc",), "Xqq": ("label_H_qq",), "QCD": None}
"""CMS's names, and the outputs that they are the sum of; QCD is all others."""


@torch.no_grad()
def main() -> None:
    folder, file = map(Path, sys.argv[1:3])
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
    result = {"jets": len(jets), "scores": found}
    Path(__file__).with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
