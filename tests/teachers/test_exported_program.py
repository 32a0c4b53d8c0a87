"""Taggers stored by `torch.export.save`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

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
