"""Outputs that are answers about the jet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from teachers.network_file import Argument
from teachers.output_choice import kept_outputs
from teachers.tagger import read_tagger
from tests.teachers.network_files import TRACKS, Held, OfOneJet, as_onnx, described_in
from zskt.errors import UserError
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
    return kept_outputs(Held(Answers(*answers), [Argument("x")], outputs), [x], names, jets)


def test_one_output_is_all() -> None:
    assert kept([torch.zeros(6, 3)], ["b", "c"]) is None


def test_outputs_that_bear_the_described_names_are_they_in_their_order() -> None:
    three = [torch.zeros(6, 1)] * 3
    assert kept(three, ["pb", "pc"], ["other", "pc", "pb"]) == (2, 1)
    assert kept(three, ["pu", "pb", "pc"], ["pb", "pc", "pu"]) == (2, 0, 1)
    assert kept(three, ["pb", "pc", "pu"], ["pb", "pc", "pu"]) is None
    assert kept([torch.zeros(6, 2)] * 2, ["x", "y", "z", "w"], ["a", "b"]) is None


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


class OneBatchSize:
    """A file that runs on three jets alone, as scripts that were traced so do."""

    path = Path("model.pt")
    outputs: tuple[str, ...] = ()

    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        return (x[0].reshape(3, 15),)


def test_a_network_of_one_batch_size_is_told() -> None:
    file: Any = OneBatchSize()
    assert kept_outputs(file, [torch.zeros(3, 5, 3)], ("a",), 3) is None
    with pytest.raises(UserError, match="so it was exported for one batch size; export it with a dynamic first axis"):
        kept_outputs(file, [torch.zeros(64, 5, 3)], ("a",), 64)
