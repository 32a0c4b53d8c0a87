"""Networks of weaver with random weights, as its training leaves them, and the inputs that they take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.networks.statistics import randomise
from zskt.jets.preprocess import InputGroup, Preprocess, Variable

OUTPUTS = ("label_Hbb", "label_Hcc", "label_QCD")


def group(name: str, count: int, most: int) -> InputGroup:
    if name.endswith("vectors"):
        names = [f"{name[:2]}cand_{part}" for part in ("px", "py", "pz", "energy")]
    elif name.endswith("mask"):
        names = [f"{name[:2]}cand_mask"]
    else:
        names = [f"{name}_{i}" for i in range(count)]
    return InputGroup(name, tuple(map(Variable, names)), 1, most)


def described(features: int = 6, *, vertices: bool = False, vectors: bool = True, points: bool = True) -> Preprocess:
    """Inputs in the order of weaver's examples."""
    groups = []
    for name, count, most in (("pf", features, 20), ("sv", 4, 6))[: 1 + vertices]:
        groups += [group(f"{name}_points", 2, most)] if points else []
        groups += [group(f"{name}_features", count, most)]
        groups += [group(f"{name}_vectors", 4, most)] if vectors else []
        groups += [group(f"{name}_mask", 1, most)]
    return Preprocess(tuple(groups), OUTPUTS)


def jets(preprocess: Preprocess, count: int = 9) -> tuple[Tensor, ...]:
    """Random inputs in the order of the description; energies are above momenta."""
    rng = torch.Generator().manual_seed(1)
    x = []
    for g in preprocess.groups:
        entries = torch.randint(3, g.max_length + 1, (count, 1, 1), generator=torch.Generator().manual_seed(2))
        mask = torch.arange(g.max_length) < entries.clamp(max=g.max_length)
        value = torch.randn(count, len(g.variables), g.max_length, generator=rng)
        if g.name.endswith("vectors"):
            value[:, 3] = value[:, :3].norm(dim=1) + 0.2
        x.append(mask.float() if g.is_mask else value * mask)
    return tuple(x)


def weaver_class(name: str) -> Any:
    module = pytest.importorskip(f"weaver.nn.model.{name.removesuffix('Tagger')}")
    return getattr(module, name)


def trained(network: nn.Module) -> nn.Module:
    """A network as if it were trained: no parameter is zero or one, statistics are those of some data."""
    torch.manual_seed(5)
    network = randomise(network)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() > 1:
                parameter.mul_(1.3)
            elif "norm" not in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return network.eval()


def by_name(preprocess: Preprocess, x: Sequence[Tensor], *names: str) -> list[Tensor]:
    position = {g.name: i for i, g in enumerate(preprocess.groups)}
    return [x[position[name]] for name in names]
