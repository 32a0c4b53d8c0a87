"""Outputs that are answers about the jet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.network_file import Argument
from teachers.output_choice import kept_outputs
from teachers.tagger import read_tagger
from tests.teachers.network_files import (
    TRACKS,
    Held,
    MaskedSum,
    OfOneJet,
    as_onnx,
    as_script,
    described_in,
    particles,
)
from zskt.errors import UserError
from zskt.jets.preprocess import Preprocess
from zskt.jets.random_inputs import random_inputs


class Answers(nn.Module):
    """Answers that it holds, whatever is asked."""

    def __init__(self, *answers: Tensor) -> None:
        super().__init__()
        self.answers = answers

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return self.answers


def kept(answers: list[Tensor], names: list[str], outputs: list[str] = [], jets: int = 6) -> tuple[int, ...] | None:  # noqa: B006
    """Positions for inputs of 6 jets, 4 variables and 9 entries, or of one jet without an axis of jets."""
    x = torch.zeros(6, 4, 9) if jets > 1 else torch.zeros(9, 4)
    return kept_outputs(Held(Answers(*answers), [Argument("x")], outputs), [x], Preprocess((), tuple(names)), jets)


def test_one_output_is_all() -> None:
    assert kept([torch.zeros(6, 3)], ["b", "c"]) is None


def test_outputs_that_bear_the_described_names_are_they_in_their_order() -> None:
    three = [torch.zeros(6, 1)] * 3
    assert kept(three, ["pb", "pc"], ["other", "pc", "pb"]) == (2, 1)
    assert kept(three, ["pu", "pb", "pc"], ["pb", "pc", "pu"]) == (2, 0, 1)
    assert kept(three, ["pb", "pc", "pu"], ["pb", "pc", "pu"]) is None
    assert kept([torch.zeros(6, 2)] * 2, ["x", "y", "z", "w"], ["a", "b"]) is None


def test_a_named_output_is_taken_for_its_name_and_the_others_for_the_rest() -> None:
    mass, classes = torch.zeros(6, 1), torch.zeros(6, 3)
    names = ["label_b", "label_c", "label_u", "target_mass"]
    assert kept([mass, classes], names, ["target_mass", "softmax"]) == (1, 0)
    assert kept([mass, classes], names, ["mass", "softmax"]) == (1, 0), "without the prefix"
    assert kept([classes, mass], names, ["softmax", "mass"]) is None
    assert kept([mass, classes], names, ["some", "softmax"]) is None, "names say nothing"
    assert kept([classes, mass], names, ["mass", "softmax"]) is None, "three numbers are no mass"
    assert kept([mass] * 2, ["label_b", "prob_c"], ["C", "b"]) == (1, 0)
    assert kept([mass] * 2, ["label_b", "prob_b"], ["b", "other"]) is None, "b is either"
    assert kept([torch.zeros(6, 9, 7), mass, classes], names, ["tracks", "mass", "softmax"]) == (2, 1)


def test_a_name_among_those_of_one_output_is_told() -> None:
    names = ["label_b", "target_mass", "label_c", "label_u"]
    with pytest.raises(
        UserError, match=r"target_mass among those that softmax \(3\) of model.x holds; write it before"
    ):
        kept([torch.zeros(6, 1), torch.zeros(6, 3)], names, ["target_mass", "softmax"])


def test_a_name_that_stands_for_several_is_an_outputs() -> None:
    preprocess = Preprocess((), ("truth_label", "target_mass"), block="truth_label")
    file = Held(Answers(torch.zeros(6, 1), torch.zeros(6, 5)), [Argument("x")], ["target_mass", "softmax"])
    assert kept_outputs(file, [torch.zeros(6, 4, 9)], preprocess, 6) == (1, 0)


def test_the_only_outputs_of_the_right_size_are_kept_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    embedding, classes, mass = torch.zeros(6, 32), torch.zeros(6, 3), torch.zeros(6, 1)
    assert kept([embedding, classes], ["b", "c", "u"], ["embedding", "softmax"]) == (1,)
    said = "takes its output softmax (3) for what is described, and leaves out embedding (32)"
    assert capsys.readouterr().err == f"zskt: model.x: {said}\n"
    assert kept([mass, embedding, classes], ["b", "c", "u", "pt"]) == (0, 2)
    assert kept([mass, embedding, classes], ["b", "c", "u", "mass"], ["mass", "e", "p"]) == (2, 0)
    assert kept([embedding, classes], ["b", "c"]) is None, "none is of that size"
    with pytest.raises(UserError, match=r"answers logits \(3\), e \(32\) and p \(3\), of which 3 numbers a jet are"):
        kept([classes, embedding, classes], ["b", "c", "u"], ["logits", "e", "p"])


class Massive(MaskedSum):
    """A value first, and the classes behind it."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        p = super().forward(pf_features, pf_mask)
        return 100 * p[:, :1], p


class InATable(Massive):
    """The same, in a table with names."""

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> dict[str, Tensor]:  # type: ignore[override]
        p = self.outer((pf_features * pf_mask).sum(2) / 4).softmax(1)
        return {"mass": 100 * p[:, :1], "softmax": p}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["onnx", "pt"])
@torch.no_grad()
def test_a_mass_before_the_classes_is_the_mass(tmp_path: Path, suffix: str) -> None:
    preprocess = replace(particles(), outputs=("label_b", "label_c", "label_u", "target_mass"))
    where, network = described_in(tmp_path, preprocess), Massive().eval()
    if suffix == "onnx":
        path = as_onnx(tmp_path, network, preprocess, ["BCP", "BCP"], outputs=["target_mass", "softmax"])
    else:
        path = as_script(tmp_path, InATable())
    tagger, read = read_tagger(path, preprocess, where)
    x = random_inputs(read.groups, 6)
    mass, classes = network(*x)
    assert tagger.regressions == 1
    assert torch.allclose(tagger(*x)[:, :3].softmax(1), classes, atol=1e-5)
    assert torch.allclose(tagger(*x)[:, 3:], mass, atol=1e-4)


def test_what_is_as_much_as_described_is_kept() -> None:
    assert kept([torch.zeros(6, 3), torch.zeros(6)], ["b", "c", "u", "mass"]) is None


def test_outputs_of_tracks_and_whole_numbers_are_left_out() -> None:
    answers = [torch.zeros(6, 3), torch.zeros(6, 9, 7), torch.zeros(6, 9), torch.zeros(6, dtype=torch.long)]
    assert kept(answers, ["b", "c", "u"]) == (0,)
    assert kept(answers[::-1], ["b", "c", "u"]) == (3,)
    assert kept([torch.zeros(6, 9, 7), torch.zeros(6, 2), torch.zeros(6, 1)], ["b", "c", "u"]) == (1, 2)
    nine = [f"class_{i}" for i in range(9)]
    assert kept([torch.zeros(6, 9), torch.zeros(6, 9, 7)], nine) == (0,), "classes, as many as entries"
    of_one_jet = [torch.tensor(0.1), torch.tensor(0.2), torch.zeros(9, dtype=torch.int8), torch.zeros(9)]
    assert kept(of_one_jet, ["b", "c"], jets=1) == (0, 1)


class WithTracks(OfOneJet):
    """Beside the classes, an origin and a vertex for each track, as GN2 answers."""

    def forward(self, jet_features: Tensor, track_features: Tensor) -> tuple[Tensor, ...]:  # type: ignore[override]
        b, c, u = super().forward(jet_features, track_features)
        origins = track_features.tanh().argmax(1).to(torch.int8)
        return origins, u, track_features[:, 0].exp(), b, c


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("named", [True, False])
@torch.no_grad()
def test_a_network_of_atlas_answers_with_its_classes_alone(tmp_path: Path, named: bool) -> None:
    where, network = described_in(tmp_path, TRACKS), WithTracks().eval()
    outputs = ["origin", "GN2_pu", "vertex", "GN2_pb", "GN2_pc"] if named else ["o", "u", "v", "b", "c"]
    path = as_onnx(tmp_path, network, TRACKS, ["1C", "PC"], outputs=outputs)
    tagger, read = read_tagger(path, TRACKS, where)
    x = random_inputs(read.groups, 6)
    jets, lengths = x[0].reshape(6, 2), x[1].abs().sum(1).gt(0).sum(1).tolist()
    expected = torch.tensor([OfOneJet()(jets[i : i + 1], x[1][i, :, :n].T) for i, n in enumerate(lengths)])
    expected = expected if named else expected[:, [2, 0, 1]]  # by name, else in the order of the file
    assert torch.allclose(tagger(*x).softmax(1), expected, atol=1e-5)
