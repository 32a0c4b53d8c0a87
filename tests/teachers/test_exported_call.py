"""Programs of torch.export are called with tensors in a row, whatever signature they were exported with."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from teachers.exported_call import Argument, ExportedCall
from tests.toy_taggers import Toy, described
from zskt.jets.random_inputs import random_inputs
from zskt.outputs import raw_outputs

NAMES = [group.name for group in described().groups]


class Outer(nn.Module):
    """The toy behind another signature."""

    def __init__(self) -> None:
        super().__init__()
        self.toy = Toy(described())


class NamedAnswers(Outer):
    def forward(self, pf_features: Tensor, pf_mask: Tensor, sv_features: Tensor, sv_mask: Tensor) -> Any:
        y = self.toy(pf_features, pf_mask, sv_features, sv_mask)
        return {"b": y[:, :1], "others": y[:, 1:]}


class Dictionary(Outer):
    def forward(self, inputs: dict[str, Tensor]) -> Any:
        return self.toy(*(inputs[name] for name in NAMES))


class Pairs(Outer):
    def forward(self, pf: tuple[Tensor, Tensor], sv: tuple[Tensor, Tensor]) -> Any:
        return self.toy(*pf, *sv)


class Keywords(Outer):
    def forward(self, *, sv_features: Tensor, sv_mask: Tensor, pf_features: Tensor, pf_mask: Tensor) -> Any:
        return self.toy(pf_features, pf_mask, sv_features, sv_mask)


class Constants(Outer):
    def forward(self, pf_features: Tensor, scale: float, pf_mask: Tensor, sv_features: Tensor, sv_mask: Tensor,
                extra: Tensor | None = None) -> Any:  # fmt: skip
        return self.toy(pf_features, pf_mask, sv_features, sv_mask) * scale


def dynamic(folder: Path, network: nn.Module, arguments: Any, keywords: Any, shapes: Any) -> ExportedCall:
    program = torch.export.export(network.eval(), arguments, keywords, dynamic_shapes=shapes)
    torch.export.save(program, folder / "model.pt2")
    return ExportedCall(torch.export.load(folder / "model.pt2"))


def cases() -> dict[str, Callable[[Path], ExportedCall]]:
    x = random_inputs(described().groups, 3)
    jets, particles, vertices = (torch.export.Dim(name, min=1, max=4096) for name in ("jets", "particles", "vertices"))
    axes = {name: {0: jets, 2: particles if name.startswith("pf") else vertices} for name in NAMES}
    named = dict(zip(NAMES, x, strict=True))
    pairs = ((axes[NAMES[0]], axes[NAMES[1]]), (axes[NAMES[2]], axes[NAMES[3]]))
    wide = tuple(t.double() for t in x)
    return {
        "tensors": lambda f: dynamic(f, Toy(described()), x, {}, axes),
        "named answers": lambda f: dynamic(f, NamedAnswers(), x, {}, axes),
        "a dictionary": lambda f: dynamic(f, Dictionary(), (named,), {}, {"inputs": axes}),
        "pairs": lambda f: dynamic(f, Pairs(), (x[:2], x[2:]), {}, {"pf": pairs[0], "sv": pairs[1]}),
        "keywords": lambda f: dynamic(f, Toy(described()), (), named, axes),
        "keywords in another order": lambda f: dynamic(f, Keywords(), (), named, axes),
        "some keywords": lambda f: dynamic(f, Toy(described()), x[:2], {n: named[n] for n in NAMES[2:]}, axes),
        "constants": lambda f: dynamic(f, Constants(), (x[0], 1.0, *x[1:]), {"extra": None},
                                       axes | {"scale": None, "extra": None}),
        "64 bits": lambda f: dynamic(f, copy.deepcopy(Toy(described())).double(), wide, {}, axes),
    }  # fmt: skip


@pytest.mark.parametrize("case", cases())
def test_any_signature_answers_and_has_gradients_like_its_network(tmp_path: Path, case: str) -> None:
    call = cases()[case](tmp_path)
    x = [t.requires_grad_() for t in random_inputs(described().groups, 5)]
    order = [argument.name for argument in call.arguments]
    if case != "pairs":
        assert sorted(order) == sorted(NAMES)
        answer = raw_outputs(call, [x[NAMES.index(name)] for name in order])
    else:
        answer = raw_outputs(call, x)
    expected = Toy(described())(*x)
    assert torch.allclose(answer, expected, atol=1e-6)
    gradients = [torch.autograd.grad(out[:, 0].sum(), x[0])[0] for out in (answer, expected)]
    assert torch.allclose(*gradients, atol=1e-5) and gradients[1].abs().max() > 1e-4


def test_shapes_are_those_of_the_export(tmp_path: Path) -> None:
    x = random_inputs(described().groups, 3)
    call = dynamic(tmp_path, Toy(described()), x, {}, {name: {0: torch.export.Dim("jets")} for name in NAMES})
    assert call.arguments[0] == Argument("pf_features", (None, 5, 30), torch.float32)
    assert call.arguments[3].shape == (None, 1, 4)
    fixed = dynamic(tmp_path, Toy(described()), x, {}, None)
    assert [argument.shape[0] for argument in fixed.arguments] == [3, 3, 3, 3]
    assert call.train() is call
