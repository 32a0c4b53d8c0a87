"""Networks of vectors from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from teachers import card_of_files, card_of_record
from teachers.vector_file import card_of_vector_file, random_vectors
from tests.teachers.plain_networks import Rows, write
from zskt.errors import UserError

DESCRIPTION = """
features:
  - {name: a, low: 0, high: 4}
  - {name: n, kind: integer, low: 0}
  - {name: c, kind: category, values: [x, y, z]}
"""


@pytest.fixture
def described(tmp_path: Path) -> Path:
    path = tmp_path / "inputs.yaml"
    path.write_text(DESCRIPTION)
    return path


class Top(torch.nn.Module):
    """Answers the class alone."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = Rows()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rows(x).argmax(1)


class Named(Top):
    """Answers a table: the features before the classes."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:  # type: ignore[override]
        return {"hidden": x[:, :2], "logits": self.rows(x)}


class OfIndices(Top):
    """Takes whole numbers."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rows(x.float())


class Widened(Top):
    """Computes in 64 bits, whatever it is given."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.rows(x.double())


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ".pt2"])
@pytest.mark.parametrize("widens", [True, False])
def test_networks_of_64_bits_are_teachers(tmp_path: Path, described: Path, suffix: str, widens: bool) -> None:
    network = (Widened() if widens else Rows()).double()
    x = torch.rand(2, 5, dtype=torch.float32 if widens else torch.float64)
    card = card_of_vector_file(write(network, x, tmp_path / f"net{suffix}"), described)
    vectors = random_vectors(card.inputs)
    logits = card.load()(vectors)
    assert logits.dtype == torch.float32
    assert torch.allclose(logits, network(vectors if widens else vectors.double()).float(), atol=1e-4)


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_a_network_that_answers_classes_alone_is_told(tmp_path: Path, described: Path, suffix: str) -> None:
    file = write(Top(), torch.rand(2, 5), tmp_path / f"net{suffix}")
    with pytest.raises(UserError, match="answers whole numbers alone, as the class of each sample; export it with"):
        card_of_vector_file(file, described)


def test_a_program_says_how_its_outputs_are_called(tmp_path: Path, described: Path) -> None:
    network, x = Named().eval(), torch.rand(4, 5)
    card = card_of_vector_file(write(network, x[:2], tmp_path / "net.pt2"), described)
    teacher = card.load()
    assert torch.allclose(teacher(x), network(x)["logits"], atol=1e-6)
    assert "its output logits (3), without hidden (2)" in teacher.taken_for


@pytest.mark.parametrize("suffix", [".onnx", ".pt2"])
def test_real_features_of_a_network_of_whole_numbers_are_told(tmp_path: Path, described: Path, suffix: str) -> None:
    file = write(OfIndices(), torch.ones(2, 5, dtype=torch.int64), tmp_path / f"net{suffix}")
    with pytest.raises(UserError, match="takes whole numbers, but a are real in --inputs; give them kind: integer"):
        card_of_vector_file(file, described)
    described.write_text(DESCRIPTION.replace("name: a,", "name: a, kind: integer,"))
    assert card_of_vector_file(file, described).load()(torch.ones(2, 5)).shape == (2, 3)


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ".pt2"])
@pytest.mark.parametrize("head", ["logits", "softmax"])
def test_answers_and_gradients_are_the_original_networks(
    tmp_path: Path, described: Path, suffix: str, head: str
) -> None:
    network = Rows(head=head)
    card = card_of_vector_file(write(network, torch.rand(2, 5), tmp_path / f"net{suffix}"), described)
    teacher, x = card.load(), random_vectors(card.inputs).requires_grad_()
    original = x.detach().clone().requires_grad_()
    expected = network(original).log() if head == "softmax" else network(original)
    logits = teacher(x)
    assert card.classes == ("0", "1", "2") and torch.allclose(logits, expected, atol=1e-4)
    gradients = [torch.autograd.grad(out[:, 0].sum(), t)[0] for out, t in ((logits, x), (expected, original))]
    assert gradients[1].abs().max() > 1e-3 and torch.allclose(*gradients, atol=1e-4)


def test_vectors_are_tried_within_their_bounds(tmp_path: Path, described: Path) -> None:
    card = card_of_vector_file(write(Rows(), torch.rand(2, 5), tmp_path / "net.onnx"), described)
    x = random_vectors(card.inputs)
    assert x[:, 0].min() >= 0 and x[:, 0].max() <= 4 and x[:, 0].std() > 0.5
    assert x[:, 1].min() >= 0 and torch.equal(x[:, 1], x[:, 1].round())
    assert torch.equal(x[:, 2:].sum(1), torch.ones(len(x))) and set(x[:, 2:].unique().tolist()) == {0.0, 1.0}


def test_the_record_stands_for_the_flags(tmp_path: Path, described: Path) -> None:
    file = write(Rows(), torch.rand(2, 5), tmp_path / "net.onnx")
    card = card_of_files(file, inputs=described)
    record = json.loads(json.dumps(card.record(), allow_nan=False))
    again = card_of_record(card.name, record, tmp_path / "inputs.json").with_files(file)
    assert (again.inputs, again.classes, again.record()) == (card.inputs, card.classes, record)
    assert "n          integer, from 0 to inf" in again.describe()
    assert again.with_feeding(card) is again  # type: ignore[attr-defined]
    described.write_text(DESCRIPTION.replace("high: 4", "high: 5"))
    with pytest.raises(UserError, match=r"--inputs: .* is fed otherwise in this run"):
        again.with_feeding(card_of_files(file, inputs=described))  # type: ignore[attr-defined]


def test_another_number_of_features_is_told(tmp_path: Path, described: Path) -> None:
    file = write(Rows(6), torch.rand(2, 6), tmp_path / "net.onnx")
    with pytest.raises(UserError, match="takes samples of 6, but --inputs describes 5 columns; give what the network"):
        card_of_vector_file(file, described).load()
    described.write_text("features: [")
    with pytest.raises(UserError, match="not a readable YAML file"):
        card_of_vector_file(file, described)


def test_a_file_that_could_be_converted_is_run_by_onnxruntime_where_answers_alone_are_asked_for(
    tmp_path: Path, described: Path
) -> None:
    card = card_of_vector_file(write(Rows(), torch.rand(2, 5), tmp_path / "net.onnx"), described)
    converted, asked, x = card.load(), card.answering_only().load(), random_vectors(card.inputs)
    assert converted.differentiable and not asked.differentiable
    assert str(asked.origin).startswith("ONNX, run by onnxruntime, without gradients")
    assert torch.allclose(converted(x), asked(x), atol=1e-4)
    assert not asked(x.requires_grad_()).requires_grad
    script = card_of_vector_file(write(Rows(), torch.rand(2, 5), tmp_path / "net.pt"), described)
    assert script.answering_only().load()(x).shape == (len(x), 3)  # what has no other runtime runs as it is
