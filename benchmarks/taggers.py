"""Speed of CMS's taggers as teachers, as ratios measured in one run: ``python benchmarks/taggers.py FOLDER``.

FOLDER holds ``model.pt`` and ``preprocess.json``. Compares the TorchScript file with the network that zskt runs in its
place, forward and with the gradient of the features, on pseudo-jets. Writes ``benchmarks/taggers-NAME.json``.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.particlenet import clock, forward
from generators import GENERATORS
from teachers.tagger import read_tagger
from zskt.jets.preprocess import read_preprocess
from zskt.jets.selection_hints import selection_by_length
from zskt.jets.tagger_inputs import TaggerInputs

BATCH = 64


def with_gradient(network: torch.nn.Module, x: tuple[torch.Tensor, ...]) -> Callable[[], object]:
    def job() -> None:
        asked = tuple(t.clone().requires_grad_() for t in x)
        network(*asked).log().sum().backward()

    return job


def main() -> None:
    folder = Path(sys.argv[1])
    where = folder / "preprocess.json"
    tagger, preprocess = read_tagger(folder / "model.pt", read_preprocess(where), where)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.load(str(folder / "model.pt"), map_location="cpu").eval()
    for parameter in script.parameters():
        parameter.requires_grad_(False)
    generator = GENERATORS["shower-prior"].build(
        TaggerInputs(preprocess=preprocess, selection=selection_by_length(preprocess))
    )
    rng = torch.Generator().manual_seed(0)
    x = tuple(t[:BATCH] for t in generator(torch.randn(3 * BATCH, generator.latent_size, generator=rng), rng).x)
    seconds = {
        "script_forward": clock(forward(script, x)),
        "ours_forward": clock(forward(tagger.network, x)),
        "script_gradient": clock(with_gradient(script, x)),
        "ours_gradient": clock(with_gradient(tagger.network, x)),
    }
    result = {
        "batch": len(x[0]),
        "slots": [t.shape[-1] for t in x],
        "threads": torch.get_num_threads(),
        "forward_ratio": seconds["script_forward"] / seconds["ours_forward"],
        "gradient_ratio": seconds["script_gradient"] / seconds["ours_gradient"],
        "seconds": seconds,
    }
    path = Path(__file__).with_name(f"taggers-{folder.name}.json")
    path.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
