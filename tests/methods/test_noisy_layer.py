"""NAYER's noisy layer: normal latent variables, a layer for each run of all classes."""

from __future__ import annotations

import torch

from zskt.methods.noisy_layer import NoisyLayers, standardised


def test_latent_variables_are_normal_and_of_one_class_they_differ_from_layer_to_layer() -> None:
    rng = torch.Generator().manual_seed(0)
    vectors = standardised(torch.randn(4, 30, generator=rng))
    layers = NoisyLayers(vectors, 400, 50, rng)
    row = torch.arange(400)
    z = layers(row % 4, row)
    assert layers.weight.shape == (100, 30, 50)
    assert abs(float(z.detach().mean())) < 0.02 and abs(float(z.detach().std()) - 1) < 0.02
    assert (z[0] - z[4]).abs().mean() > 0.5  # the same class, by another layer
    e = vectors[2] / vectors[2].norm()
    assert torch.allclose(z[6], e @ layers.weight[1], atol=1e-5)


def test_numbers_are_standardised_over_the_classes() -> None:
    vectors = standardised(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
    assert torch.allclose(vectors, torch.tensor([[-1.0, 0.0], [1.0, 0.0]]))
