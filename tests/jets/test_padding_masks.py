"""Masks that are one for padding, as PyTorch has them, against the same tagger with a mask of real entries."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.forward_arguments import FilledVectors
from teachers.one_jet import OneJetACall
from teachers.tagger import read_tagger
from zskt.jets.definitions import FileDefinition
from zskt.jets.inputs_in_words import describe
from zskt.jets.preprocess import InputGroup, Preprocess, Variable
from zskt.jets.random_inputs import random_inputs
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.networks.particle_flow import ParticleFlow

from .samples import sample_jets

NAMES = ("pf_padding_mask", "key_padding_mask", "is_padding", "pad_mask", "invalid")
FEATURES = InputGroup("pf_features", tuple(map(Variable, ("part_pt_log", "part_deta", "part_dphi"))), 1, 40)


def with_mask(name: str, variable: str = "") -> Preprocess:
    mask = InputGroup(name, (Variable(variable or name),), 1, 40, entries="pf")
    return Preprocess((FEATURES, mask), ("label_Tbqq", "label_QCD"))


REAL = with_mask("pf_mask")


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_named_after_padding_is_one_there(name: str) -> None:
    inputs, jets = TaggerInputs(preprocess=with_mask(name)), sample_jets(60)
    (x, mask), (own, real) = inputs(jets), TaggerInputs(preprocess=REAL)(jets)
    width = real.shape[2]
    assert x.shape[2] == mask.shape[2] == 40, "what joins batches pads with zeros, which must not be needed"
    assert torch.equal(mask[..., :width], 1 - real) and (mask[..., width:] == 1).all()
    assert torch.equal(x[..., :width], own) and 0 < real.mean() < 1
    (collection,) = inputs.collections()
    assert torch.equal(collection.real([x, mask], x), 1 - mask[:, 0])
    assert describe(inputs).endswith(f"{name}: particles, 1 to 40, 1 = padding")
    assert "pf_mask: particles, 1 to 40, 1 = real" in describe(TaggerInputs(preprocess=REAL))


def test_what_a_file_defines_counts_more_than_a_name() -> None:
    groups = with_mask("pf_padding_mask", "part_mask").groups
    entry = FileDefinition("part_mask", "ak.ones_like(part_energy)")
    inputs = TaggerInputs(preprocess=Preprocess(groups, ("a", "b"), (entry,)))
    x, mask = inputs(sample_jets(20))
    assert torch.equal(mask[:, 0] > 0, (x != 0).any(1)) and "1 = real" in describe(inputs)


@pytest.mark.parametrize("name", NAMES)
def test_random_inputs_are_of_real_entries(name: str) -> None:
    (x, mask), (own, real) = random_inputs(with_mask(name).groups, 30), random_inputs(REAL.groups, 30)
    assert torch.equal(mask, 1 - real) and torch.equal(x, own)


def test_a_student_sees_the_same_jets_by_either_mask() -> None:
    jets = sample_jets(30)
    a, b = TaggerInputs(preprocess=REAL), TaggerInputs(preprocess=with_mask("pf_padding_mask"))
    torch.manual_seed(0)
    first = ParticleFlow(a.collections(), 2, (8,), (8,)).eval()
    second = ParticleFlow(b.collections(), 2, (8,), (8,)).eval()
    second.load_state_dict(first.state_dict())
    for x, y in ((first, second), (first.unpacked(), second.unpacked())):
        assert torch.allclose(x(*a(jets)), y(*b(jets)), atol=1e-6)


class Masked(nn.Module):
    """Mean distance from the axis, of the entries that the mask (B, P) does not hide."""

    def forward(self, pf_features: Tensor, pf_padding_mask: Tensor) -> Tensor:
        real = 1 - pf_padding_mask
        distance = (pf_features[:, 1].square() + pf_features[:, 2].square() + 1e-9).sqrt()
        mean = (distance * real).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
        return torch.cat([40 * mean - 8, 8 - 40 * mean], 1).softmax(1)


def test_a_teacher_is_fed_as_its_name_says(tmp_path: Path) -> None:
    path, preprocess = tmp_path / "masked.onnx", with_mask("pf_padding_mask")
    dynamic = {"pf_features": {0: "N", 2: "n"}, "pf_padding_mask": {0: "N", 1: "n"}}
    x = (torch.rand(2, 3, 40), torch.zeros(2, 40))
    torch.onnx.export(Masked(), x, str(path), input_names=list(dynamic), dynamic_axes=dynamic, dynamo=False)
    tagger, read = read_tagger(path, preprocess, tmp_path / "preprocess.json")
    jets = sample_jets(30)
    answer = tagger(*TaggerInputs(preprocess=read)(jets)).softmax(1)
    distance = torch.hypot(jets.deta, jets.dphi)[:, :40]
    real = jets.mask[:, :40]
    mean = (distance * real).sum(1) / real.sum(1)
    assert torch.allclose(answer[:, 0], torch.sigmoid(80 * mean - 16), atol=1e-3)


def test_one_jet_a_call_gets_its_real_entries() -> None:
    class Count(nn.Module):
        def forward(self, features: Tensor, mask: Tensor) -> Tensor:
            return torch.tensor([float(len(features)), float(mask.sum())])

    x = random_inputs(with_mask("pf_padding_mask").groups, 5)
    (answer,) = OneJetACall(Count(), [0, 1], ["PC", "P"], with_mask("pf_padding_mask").groups)(*x)
    assert torch.equal(answer[:, 0], (x[1][:, 0] == 0).sum(1).float()) and (answer[:, 1] == 0).all()


def test_padded_vectors_are_filled_where_there_is_padding() -> None:
    vectors = InputGroup("vectors", tuple(map(Variable, ("part_px", "part_py", "part_pz", "part_energy"))), 1, 3)
    mask = InputGroup("mask", (Variable("part_padding_mask"),), 1, 3)

    class First(nn.Module):
        def forward(self, vectors: Tensor, mask: Tensor) -> Tensor:
            return vectors[:, 0]

    filled = FilledVectors(First(), (vectors, mask))
    answer = filled(torch.tensor([[[5.0, 6.0, 0.0]]]).expand(1, 4, 3), torch.tensor([[[0.0, 0.0, 1.0]]]))
    assert answer.tolist() == [[5.0, 6.0, 1.0]]
