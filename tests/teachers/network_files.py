"""Small networks in files of every kind and layout, for tests of what reads them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from teachers.layouts import arrange
from teachers.network_file import Argument
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.random_inputs import random_inputs

OUTPUTS = ("label_b", "label_c", "label_light")
FEATURES = ("pfcand_pt_log", "pfcand_e_log", "pfcand_etarel", "pfcand_phirel", "pfcand_charge")


def group(
    name: str, variables: Sequence[str], most: int, least: int = 1, *, layout: str = "", pad: float = 0.0
) -> InputGroup:
    return InputGroup(name, tuple(Variable(v, pad=pad) for v in variables), least, most, layout=layout)


def particles(most: int = 12, features: Sequence[str] = FEATURES, least: int = 1) -> Preprocess:
    """Features and mask of particles."""
    return Preprocess(
        (group("pf_features", features, most, least), group("pf_mask", ["pfcand_mask"], most, least)), OUTPUTS
    )


def outer(inputs: int, outputs: int = 3) -> nn.Sequential:
    torch.manual_seed(7)
    return nn.Sequential(nn.Linear(inputs, 8), nn.Tanh(), nn.Linear(8, outputs))


class MaskedSum(nn.Module):
    """Probabilities of masked sums, of (B, C, P) and (B, 1, P)."""

    def __init__(self, variables: int = 5) -> None:
        super().__init__()
        self.outer = outer(variables)

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        return self.outer((pf_features * pf_mask).sum(2) / 4).softmax(1)


class OfEntries(MaskedSum):
    """The same of (B, P, C) and (B, P)."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        return self.outer((pf_features * pf_mask.unsqueeze(2)).sum(1) / 4).softmax(1)


class OfImages(MaskedSum):
    """The same of (B, C, P, 1) and (B, 1, P, 1)."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        return self.outer((pf_features * pf_mask).squeeze(3).sum(2) / 4).softmax(1)


class OfOneJet(nn.Module):
    """A number for each class of one jet, (1, C) and (P, C), as ATLAS has them; every entry counts in the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.outer = outer(6)

    def forward(self, jet_features: Tensor, track_features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = torch.tanh(track_features).mean(0, keepdim=True)
        p = self.outer(torch.cat([jet_features, h], 1)).softmax(1)[0]
        return p[0], p[1], p[2]


TRACKS = Preprocess(
    (
        group("jet_features", ["jet_pt", "jet_eta"], 1),
        group("track_features", ["track_d0", "track_dphi", "track_deta", "track_pt"], 9),
    ),
    ("GN2_pb", "GN2_pc", "GN2_pu"),
)
"""What `OfOneJet` takes."""


def described_in(folder: Path, preprocess: Preprocess) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    where = folder / "preprocess.json"
    where.write_text(json.dumps(preprocess.to_json()))
    return where


def as_script(folder: Path, network: nn.Module) -> Path:
    path = folder / "model.pt"
    torch.jit.script(network.eval()).save(str(path))
    return path


def as_onnx(
    folder: Path,
    network: nn.Module,
    preprocess: Preprocess,
    layouts: Sequence[str],
    *,
    free: str = "BP",
    outputs: Sequence[str] = ("softmax",),
    opset: int = 15,
) -> Path:
    """Write a network that takes the described inputs in some layouts.

    Args:
        free: letters of the axes of any length; "" fixes all.
    """
    x = random_inputs([InputGroup(g.name, g.variables, g.max_length, g.max_length) for g in preprocess.groups], 2)
    own = [arrange(t if "B" in w else t[:1], w) for t, w in zip(x, layouts, strict=True)]
    axes = {
        g.name: {i: ("N" if letter == "B" else f"n_{g.collection}") for i, letter in enumerate(w) if letter in free}
        for g, w in zip(preprocess.groups, layouts, strict=True)
    }
    if all("B" in w for w in layouts) and "B" in free:
        axes |= {name: {0: "N"} for name in outputs}
    path = folder / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(), tuple(own), str(path), input_names=[g.name for g in preprocess.groups],
            output_names=list(outputs), dynamic_axes={k: v for k, v in axes.items() if v}, opset_version=opset,
            dynamo=False,
        )  # fmt: skip
    return path


class Held:
    """A network in memory, as a file says what it says."""

    runtime = "PyTorch"

    def __init__(self, network: nn.Module, arguments: Sequence[Argument], outputs: Sequence[str] = ()) -> None:
        self.path, self.held = Path("model.x"), network
        self.arguments, self.outputs = tuple(arguments), tuple(outputs)

    @torch.no_grad()
    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        answer = self.held(*x)
        return (answer,) if isinstance(answer, Tensor) else tuple(answer)

    def network(self, x: Sequence[Tensor], groups: Sequence[InputGroup]) -> nn.Module:
        del x, groups
        return self.held

    def as_onnx(self, tagger: object, folder: Path) -> None:
        del tagger, folder
