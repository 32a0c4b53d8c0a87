"""Taggers stored by `torch.export.save`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.exported_program import sniff
from teachers.tagger import read_tagger
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError
from zskt.jets.random_inputs import random_inputs


def exported(folder: Path) -> tuple[Path, Path, Toy]:
    """Write a small tagger as an exported program, of any number of jets and entries."""
    preprocess = described()
    network = Toy(preprocess).eval()
    _, where = write(folder, preprocess, network)
    jets, particles, vertices = (torch.export.Dim(name, min=1, max=4096) for name in ("jets", "particles", "vertices"))
    shapes = tuple({0: jets, 2: entries} for entries in (particles, particles, vertices, vertices))
    program = torch.export.export(network, random_inputs(preprocess.groups, 3), dynamic_shapes=shapes)
    torch.export.save(program, folder / "model.pt2")
    return folder / "model.pt2", where, network


def test_an_exported_program_answers_and_has_gradients_like_its_network(tmp_path: Path) -> None:
    path, where, network = exported(tmp_path)
    assert sniff(path)
    tagger, _ = read_tagger(path, described(), where)
    x = [t.requires_grad_() if t.is_floating_point() else t for t in random_inputs(described().groups, 5)]
    expected = network(*x)
    answer = tagger(*x)
    assert torch.allclose(answer.softmax(1), expected, atol=1e-6)
    gradients = [torch.autograd.grad(out[:, 0].sum(), x[0])[0] for out in (answer, expected.log())]
    assert torch.allclose(*gradients, atol=1e-5)


def test_a_truncated_program_is_one_line(tmp_path: Path) -> None:
    path, where, _ = exported(tmp_path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match=r"not a readable torch\.export file") as told:
        read_tagger(path, described(), where)
    assert "\n" not in str(told.value)


class OfDictionary(nn.Module):
    """A network that takes a dictionary of entries before variables, and a keyword, and answers in a table."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.outer = nn.Linear(7, 3)

    def forward(self, inputs: dict[str, Tensor], mask: Tensor) -> dict[str, Tensor]:
        pf = (inputs["pf_features"] * mask.transpose(1, 2)).sum(1)
        return {"classes": self.outer(torch.cat([pf, inputs["sv_features"].sum(1)], 1)).softmax(1)}


@pytest.mark.parametrize("free", [True, False])
def test_a_program_of_a_dictionary_is_fed_by_its_names(tmp_path: Path, free: bool) -> None:
    """Its arguments are in an order of its own, and the mask of vertices was dropped."""
    preprocess, network = described(), OfDictionary().eval()
    _, where = write(tmp_path, preprocess, Toy(preprocess))
    features, mask, vertices, _ = random_inputs(preprocess.groups, 3)
    inputs = {"sv_features": vertices.transpose(1, 2), "pf_features": features.transpose(1, 2)}
    jets, particles, entries = (torch.export.Dim(name, min=1, max=4096) for name in ("jets", "particles", "vertices"))
    sizes = {
        "inputs": {"sv_features": {0: jets, 1: entries}, "pf_features": {0: jets, 1: particles}},
        "pf_mask": {0: jets, 2: particles},
    }

    class Keyword(OfDictionary):
        def forward(self, inputs: dict[str, Tensor], pf_mask: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
            return super().forward(inputs, pf_mask)

    program = torch.export.export(
        Keyword().eval(), (inputs,), {"pf_mask": mask}, dynamic_shapes=sizes if free else None
    )  # fmt: skip
    torch.export.save(program, tmp_path / "model.pt2")
    tagger, read = read_tagger(tmp_path / "model.pt2", preprocess, where)
    named = {preprocess.groups[i].name: layout for i, layout in zip(tagger.order, tagger.layouts, strict=True)}
    assert named == {"sv_features": "BPC", "pf_features": "BPC", "pf_mask": "BCP"}
    assert read.groups[3].layout == ""
    assert tagger.origin == f"torch.export, {'as it is' if free else 'in pieces of 3'}"
    assert [g.min_length == g.max_length for g in read.groups[:3]] == [not free] * 3
    x = random_inputs(read.groups, 6, seed=3)
    expected = network({"pf_features": x[0].transpose(1, 2), "sv_features": x[2].transpose(1, 2)}, x[1])["classes"]
    assert torch.allclose(tagger(*x).softmax(1), expected, atol=1e-6)
