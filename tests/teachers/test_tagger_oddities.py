"""Taggers that do not behave as most do: padding that counts, dropout left in, other types, other outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from teachers.lengths import real_lengths
from teachers.tagger import read_tagger
from tests.toy_taggers import Toy, described, write
from zskt.errors import UserError
from zskt.jets.jetclass import read_jets
from zskt.jets.preprocess import InputGroup, Preprocess, Variable, read_preprocess
from zskt.jets.random_inputs import random_inputs
from zskt.jets.sample import SAMPLE
from zskt.jets.tagger_inputs import TaggerInputs

NAMES = ("pfcand_pt_log", "pfcand_etarel", "pfcand_phirel")
UNMASKED = Preprocess(
    (InputGroup("pf_features", tuple(Variable(n, 0.5, 0.7, 0.0, -5.0, 5.0) for n in NAMES), 2, 60),),
    ("label_b", "label_c", "label_light"),
)


class Mean(nn.Module):
    """Padding counts in the mean."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv1d(3, 16, 1), nn.Linear(16, 3)

    def forward(self, pf_features: Tensor) -> Tensor:
        answered: Tensor = self.out(torch.relu(self.conv(pf_features)).mean(2))
        return answered.softmax(1)


class Flat(Mean):
    """So many particles and no other number, flattened."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(16 * 60, 3)

    def forward(self, pf_features: Tensor) -> Tensor:
        answered: Tensor = self.out(torch.relu(self.conv(pf_features)).flatten(1))
        return answered.softmax(1)


def saved(network: nn.Module, preprocess: Preprocess, folder: Path) -> tuple[Path, Path]:
    """Traced as it is, in whatever mode it is in, answers of any kind."""
    where, path = folder / "preprocess.json", folder / "model.pt"
    where.write_text(json.dumps(preprocess.to_json()))
    torch.jit.trace(network, random_inputs(preprocess.groups, 3), strict=False, check_trace=False).save(str(path))  # type: ignore[no-untyped-call]
    return path, where


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", [Mean, Flat])
def test_where_padding_counts_a_jet_is_answered_alike_alone_and_in_company(
    kind: type[nn.Module], tmp_path: Path
) -> None:
    path, where = saved(kind().eval(), UNMASKED, tmp_path)
    tagger, preprocess = read_tagger(path, read_preprocess(where), where)
    inputs, jets = TaggerInputs(preprocess=preprocess), read_jets(SAMPLE, most=40).samples
    few = torch.argsort(jets.mask.sum(1))[:5]  # type: ignore[attr-defined]
    together = tagger(*inputs(jets))[few]
    alone = torch.cat([tagger(*inputs(jets[i : i + 1])) for i in few.tolist()])
    assert torch.allclose(alone, together, atol=1e-5)
    assert preprocess.groups[0].min_length == (60 if kind is Flat else 2)
    assert tagger.origin.endswith("answers depend on padding") == (kind is Mean)


@pytest.mark.filterwarnings("ignore")
def test_networks_that_tell_padding_keep_their_lengths(tmp_path: Path) -> None:
    preprocess = described()
    path, where = write(tmp_path, preprocess, Toy(preprocess))
    assert read_tagger(path, read_preprocess(where), where)[1].without_layouts() == preprocess


@pytest.mark.filterwarnings("ignore")
def test_dropout_left_in_a_trace_is_told(tmp_path: Path) -> None:
    path, where = saved(nn.Sequential(Mean(), nn.Dropout(0.5)).train(), UNMASKED, tmp_path)
    with pytest.raises(UserError, match=r"asked twice.*evaluation mode"):
        read_tagger(path, read_preprocess(where), where)


class Named(Mean):
    """Answers in a dictionary."""

    def forward(self, pf_features: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        return {"classes": super().forward(pf_features)}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("network", [Named(), Mean().double()])
def test_dictionaries_and_other_precisions_are_answers_too(network: nn.Module, tmp_path: Path) -> None:
    where, path = tmp_path / "preprocess.json", tmp_path / "model.pt"
    where.write_text(json.dumps(UNMASKED.to_json()))
    (x,) = random_inputs(UNMASKED.groups, 7)
    dtype = next(network.parameters()).dtype
    torch.jit.trace(network.eval(), (x.to(dtype),), strict=False).save(str(path))  # type: ignore[no-untyped-call]
    tagger, _ = read_tagger(path, read_preprocess(where), where)
    expected = []
    for i, n in enumerate(real_lengths([x], UNMASKED.groups)[0] or []):
        said: Any = network(x[i : i + 1, :, :n].to(dtype))
        expected.append(said["classes"] if isinstance(said, dict) else said)
    assert torch.allclose(tagger(x).softmax(1), torch.cat(expected).float(), atol=1e-5)


class Embedded(nn.Module):
    """A whole number as an index, clipped."""

    def __init__(self) -> None:
        super().__init__()
        self.emb, self.out = nn.Embedding(3, 4), nn.Linear(7, 3)

    def forward(self, pf_features: Tensor, pf_charge: Tensor, pf_mask: Tensor) -> Tensor:
        charge = self.emb((pf_charge[:, 0].long() + 1).clamp(0, 2)).transpose(1, 2)
        answered: Tensor = self.out((torch.cat([pf_features, charge], 1) * pf_mask).sum(2))
        return answered


@pytest.mark.filterwarnings("ignore")
def test_clipped_whole_numbers_stay_whole_in_onnx(tmp_path: Path) -> None:
    (features,) = UNMASKED.groups
    names = (("pf_charge", "pfcand_charge"), ("pf_mask", "pfcand_mask"))
    groups = (features, *(InputGroup(g, (Variable(v),), 2, 60) for g, v in names))
    preprocess, network = Preprocess(groups, UNMASKED.outputs), Embedded()
    path, where = write(tmp_path, preprocess, network, "onnx", 14)
    tagger, _ = read_tagger(path, read_preprocess(where), where)
    x = random_inputs(groups, 9)
    assert torch.allclose(tagger(*x), network(*x), atol=1e-4)


class Attending(nn.Module):
    """A transformer over the particles, in whose graph onnxruntime finds something to simplify."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.out = nn.Linear(3, 16), nn.Linear(16, 3)
        self.layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True), 2)

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        real = pf_mask.transpose(1, 2)
        x = self.layers(self.embed(pf_features.transpose(1, 2)), src_key_padding_mask=pf_mask[:, 0] < 0.5)
        answered: Tensor = self.out((x * real).sum(1) / real.sum(1))
        return answered


@pytest.mark.filterwarnings("ignore")
def test_transformers_convert_from_onnx(tmp_path: Path) -> None:
    groups = (*UNMASKED.groups, InputGroup("pf_mask", (Variable("pf_mask"),), 2, 60))
    preprocess, network = Preprocess(groups, UNMASKED.outputs), Attending().train()
    path, where = write(tmp_path, preprocess, network, "onnx", 17)
    tagger, _ = read_tagger(path, read_preprocess(where), where)
    x = random_inputs(groups, 9)
    assert torch.allclose(tagger(*x), network(*x), atol=1e-4)
