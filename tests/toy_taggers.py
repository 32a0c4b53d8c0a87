"""Small taggers as an experiment might publish them, written here for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.random_inputs import random_inputs


def described(
    outputs: Sequence[str] = ("label_b", "label_c", "label_light"), *, names: Sequence[str] = (), most: int = 30
) -> Preprocess:
    """Particles and vertices, as a publisher might describe them."""
    particles = ("pfcand_pt_log", "pfcand_etarel", "pfcand_phirel", "pfcand_dxysig", "pfcand_charge", *names)
    vertices = ("sv_mass", "sv_dxysig")
    pf = tuple(Variable(n, 0.5, 0.7, 0.0, -5.0, 5.0) for n in particles)
    sv = tuple(Variable(n, 1.0, 0.3, 0.0, -5.0, 5.0) for n in vertices)
    return Preprocess(
        (
            InputGroup("pf_features", pf, 4, most),
            InputGroup("pf_mask", (Variable("pfcand_mask"),), 4, most),
            InputGroup("sv_features", sv, 1, 4),
            InputGroup("sv_mask", (Variable("sv_mask"),), 1, 4),
        ),
        tuple(outputs),
    )


class Toy(nn.Module):
    """Masked sums and two layers; classes after a softmax if asked, a mass beside them if asked."""

    def __init__(self, preprocess: Preprocess, *, softmax: bool = True, values: int = 0) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.softmax, self.values = softmax, values
        a, b = (len(preprocess.groups[i].variables) for i in (0, 2))
        self.inner = nn.Linear(a + b, 32)
        self.outer = nn.Linear(32, len(preprocess.outputs))

    def forward(self, pf_features: Tensor, pf_mask: Tensor, sv_features: Tensor, sv_mask: Tensor) -> Tensor:
        pf = (pf_features * pf_mask).sum(2) / 10
        sv = (sv_features * sv_mask).sum(2)
        y: Tensor = self.outer(torch.relu(self.inner(torch.cat([pf, sv], 1))))
        if self.values == y.shape[1]:
            return 80 + 10 * y
        classes = y[:, : y.shape[1] - self.values]
        if self.softmax:
            classes = (3 * classes).softmax(1)
        return torch.cat([classes, 80 + 10 * y[:, y.shape[1] - self.values :]], 1)


def write(
    folder: Path, preprocess: Preprocess, network: nn.Module, kind: str = "pt", opset: int = 13
) -> tuple[Path, Path]:
    """Network and preprocess.json in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    where = folder / "preprocess.json"
    where.write_text(json.dumps(preprocess.to_json()))
    path = folder / f"model.{kind}"
    x = random_inputs(preprocess.groups, 2)
    if kind == "pt":
        torch.jit.script(network.eval()).save(str(path))
        return path, where
    axes = {g.name: {0: "N"} if g.flat else {0: "N", 2: g.collection} for g in preprocess.groups}
    torch.onnx.export(
        network.eval(), x, str(path), input_names=list(axes), output_names=["softmax"], dynamic_axes=axes,
        opset_version=opset, dynamo=False,
    )  # fmt: skip
    return path, where
