"""Keras's example: the networks of its documentation, and what is measured."""

from __future__ import annotations

import pytest
import torch

from tests.systems.tiny import tiny_digits
from zskt.networks.students import count_parameters
from zskt.systems import keras_recipe
from zskt.systems.keras_recipe import KERAS, STUDENT, TEACHER, convolutions, keras


def test_networks_have_the_parameters_of_keras() -> None:
    counts = [count_parameters(convolutions(channels)) for channels in (TEACHER, STUDENT)]
    expected = [
        9 * a + a + 9 * a * b + b + 49 * b * 10 + 10 for a, b in (TEACHER, STUDENT)
    ]  # convolutions of 3 x 3, and 7 x 7 positions to ten classes
    assert counts == expected
    network = convolutions(STUDENT).eval()
    assert network(torch.rand(2, 1, 28, 28)).shape == (2, 10)
    pooled = network[2:4](torch.tensor([[[[1.0, 2.0], [3.0, -4.0]]]]))  # type: ignore[index]
    assert torch.equal(pooled, torch.tensor([[[[3.0, 2.0], [3.0, -4.0]]]]))  # padding counts for nothing


def test_every_figure_of_the_record_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras_recipe, "digits", tiny_digits)
    monkeypatch.setattr(keras_recipe, "TEACHER", (8, 8))
    assert set(keras(0, None)) == set(KERAS.published)
