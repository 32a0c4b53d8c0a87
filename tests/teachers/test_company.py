"""Answers that depend on the other samples of a batch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.company import COMPANY_TOLERANCE, depends_on_company
from teachers.image_file import card_of_image_file
from teachers.tagger import read_tagger
from teachers.vector_file import card_of_vector_file
from tests.teachers.network_files import MaskedSum, described_in, particles
from zskt.errors import UserError
from zskt.jets.random_inputs import random_inputs


class Shifted(nn.Module):
    """The input, plus a share of the batch's mean spread: what a batch of one has none of."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        return x + self.share * (len(x) > 1)


def asked(network: nn.Module, samples: int = 16) -> bool:
    x = torch.rand(samples, 3)
    return depends_on_company(network, (x,), network(x))


def test_answers_that_change_with_the_batch_depend_on_it() -> None:
    assert not asked(Shifted(0.0))
    assert not asked(Shifted(0.9 * COMPANY_TOLERANCE)), "rounding of half precision"
    assert asked(Shifted(1.1 * COMPANY_TOLERANCE))
    assert not asked(Shifted(1.0), samples=1), "no company"


def test_a_few_samples_may_fall_either_way_as_ties_do() -> None:
    def network(odd: int) -> nn.Module:
        class Tied(nn.Module):
            def forward(self, x: Tensor) -> Tensor:
                return x + (x[:, :1] < odd) * (len(x) > 1)

        return Tied()

    x = torch.arange(16.0).view(16, 1)
    assert not depends_on_company(network(2), (x,), network(2)(x))
    assert depends_on_company(network(3), (x,), network(3)(x))


def test_networks_that_run_on_no_single_sample_are_asked_about_four() -> None:
    torch.manual_seed(0)
    normalised = nn.BatchNorm1d(3).train()
    assert asked(normalised), "which raises for a batch of one"
    assert not asked(normalised.eval())


class Normalised(MaskedSum):
    """Sums that are normalised by the batch before the classes are told apart."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(5)

    def forward(self, pf_features: Tensor, pf_mask: Tensor) -> Tensor:
        return self.outer(self.norm((pf_features * pf_mask).sum(2) / 4)).softmax(1)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("suffix", ["pt", "onnx"])
@pytest.mark.parametrize("training", [True, False])
def test_taggers_in_training_mode_are_refused(tmp_path: Path, suffix: str, training: bool) -> None:
    preprocess, network = particles(), Normalised().train(training)
    x = random_inputs(preprocess.groups, 3)
    path = tmp_path / f"model.{suffix}"
    if suffix == "pt":
        torch.jit.trace(network, x, check_trace=False).save(str(path))  # type: ignore[no-untyped-call]
    else:
        torch.onnx.export(
            network, x, str(path), input_names=["pf_features", "pf_mask"], opset_version=17, dynamo=False,
            dynamic_axes={name: {0: "N", 2: "n"} for name in ("pf_features", "pf_mask")},
            training=torch.onnx.TrainingMode.TRAINING if training else torch.onnx.TrainingMode.EVAL,
        )  # fmt: skip
    where = described_in(tmp_path, preprocess)
    if training:
        with pytest.raises(UserError, match=r"about one jet when others are in its batch.*export it in evaluation"):
            read_tagger(path, preprocess, where)
        return
    tagger, _ = read_tagger(path, preprocess, where)
    assert torch.allclose(tagger(*x).softmax(1), network.eval()(*x), atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_image_and_vector_networks_in_training_mode_are_refused(tmp_path: Path) -> None:
    images, vectors = tmp_path / "images.pt", tmp_path / "vectors.pt"
    of_images = nn.Sequential(nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(192, 3)).train()
    of_vectors = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 3)).train()
    for network, x, path in ((of_images, torch.rand(2, 3, 8, 8), images), (of_vectors, torch.rand(2, 2), vectors)):
        torch.jit.trace(network, x, check_trace=False).save(str(path))  # type: ignore[no-untyped-call]
    with pytest.raises(UserError, match="about one image when others are in its batch"):
        card_of_image_file(images, (3, 8, 8)).load()
    columns = tmp_path / "inputs.json"
    features = [{"name": name, "low": -3, "high": 3} for name in "ab"]
    columns.write_text(json.dumps({"features": features}))
    with pytest.raises(UserError, match="about one vector when others are in its batch"):
        card_of_vector_file(vectors, columns).load()
