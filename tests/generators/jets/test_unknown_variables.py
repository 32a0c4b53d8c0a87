"""Variables of a tagger that nobody outside knows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from generators.jets.noise import NoiseJets
from generators.jets.unknown_variables import WithUnknownVariables, with_unknown_variables
from tests.generators import stream
from tests.toy_taggers import described
from zskt.generator import Generator
from zskt.jets.preprocess import InputGroup, Variable
from zskt.jets.tagger_inputs import TaggerInputs

PREPROCESS = described(names=("pfcand_mystery",))
INPUTS = TaggerInputs(preprocess=PREPROCESS)


def trainable(inputs: TaggerInputs) -> Generator:
    """A generator of jets that has something to train."""
    generator = NoiseJets(inputs)
    generator.layer = nn.Linear(1, 1)
    return generator


def test_only_taggers_with_unknown_variables_need_them_drawn() -> None:
    plain = NoiseJets(TaggerInputs(preprocess=described()))
    assert with_unknown_variables(plain, plain.inputs) is plain
    generator = with_unknown_variables(NoiseJets(INPUTS), INPUTS)
    assert isinstance(generator, WithUnknownVariables) and generator.names == ["pf/pfcand_mystery"]


def test_they_are_standard_normal_at_first_and_padding_stays() -> None:
    features, mask, *_ = with_unknown_variables(NoiseJets(INPUTS), INPUTS).draw(300, stream()).x
    values, real = features[:, -1], mask[:, 0] > 0
    assert not values[~real].any()
    assert values[real].mean().item() == pytest.approx(0, abs=0.05)
    assert values[real].std().item() == pytest.approx(0.96, abs=0.03)  # of 5 tanh(n / 5)


def test_a_generator_that_learns_shapes_them_and_pays_for_it() -> None:
    generator = WithUnknownVariables(trainable(INPUTS), INPUTS)
    assert generator.draw(2, stream()).penalty == 0
    with torch.no_grad():
        generator.mean.fill_(2.0)
    batch = generator.draw(300, stream())
    assert batch.penalty is not None and batch.penalty.item() == pytest.approx(0.15 * 2**2 / 2)
    assert 1.5 < batch.x[0][:, -1][batch.x[1][:, 0] > 0].mean() < 2
    batch.x[0].sum().backward()
    assert generator.mean.grad is not None and generator.mean.grad.item() > 0
    prior = WithUnknownVariables(NoiseJets(INPUTS), INPUTS)
    assert not list(prior.parameters()) and prior.draw(2, stream()).penalty is None


def test_bounds_hold_and_inputs_of_one_collection_share_the_numbers() -> None:
    positive = Variable("pfcand_mystery", lower_bound=0.0, upper_bound=1.5)
    groups = (*PREPROCESS.groups[:1], InputGroup("pf_points", (positive,), 4, 30), *PREPROCESS.groups[1:])
    inputs = TaggerInputs(preprocess=replace(PREPROCESS, groups=groups))
    features, points, mask, *_ = WithUnknownVariables(NoiseJets(inputs), inputs).draw(100, stream()).x
    real = mask[:, 0] > 0
    first, second = features[:, -1][real], points[:, 0][real]
    assert second.min() == 0 and second.max() <= 1.5
    assert ((first > 0) == (second > 0)).all()
    order = first.argsort()
    assert (second[order].diff() >= 0).all()  # one grows with the other
