"""The MLP-Mixer of the leading particles: what it reads, its shapes, its form for export."""

from __future__ import annotations

import torch

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.mixer import Mixer, MixerBlock
from zskt.networks.students import count_parameters

from .statistics import randomise

PARTICLES = ObjectCollection((0,), 1, 3, 50, of_jet=False)
VERTICES = ObjectCollection((2,), None, 2, 5, of_jet=False)


def inputs(slots: int = 20) -> tuple[torch.Tensor, ...]:
    mask = (torch.arange(slots) < torch.tensor([[slots], [7], [0]])).unsqueeze(1)
    return torch.randn(3, 3, slots), mask, torch.randn(3, 2, 5)


def test_it_reads_as_many_leading_particles_as_it_is_told_and_zeros_on_padding() -> None:
    network, x = Mixer((VERTICES, PARTICLES), 4, particles=8), inputs()
    leading = network.leading(*x)
    assert leading.shape == (3, 3, 8)
    assert torch.equal(leading[0], x[0][0, :, :8]) and torch.equal(leading[1, :, :7], x[0][1, :, :7])
    assert (leading[1, :, 7:] == 0).all() and (leading[2] == 0).all()
    assert Mixer((PARTICLES,), 4, particles=32).leading(*x[:2]).shape == (3, 3, 32)


@torch.no_grad()
def test_a_block_with_zero_weights_passes_its_input() -> None:
    block, x = MixerBlock(5, 4, 6, 7), torch.randn(2, 4, 5)
    assert not torch.allclose(block.eval()(x), x)
    block.particles[-1].weight.zero_()
    block.particles[-1].bias.zero_()
    block.channels[-1].weight.zero_()
    block.channels[-1].bias.zero_()
    assert torch.equal(block(x), x)


def test_it_has_the_parameters_that_its_sizes_say() -> None:
    network = Mixer((PARTICLES,), 4, particles=8, channels=5, blocks=2, hidden_particles=6, hidden_channels=7, f=9)
    block = 8 * 6 + 6 + 6 * 8 + 8 + 5 * 7 + 7 + 2 * 7 + 7 * 5 + 5
    embedding = 2 * 3 + 3 * 5 + 5 + 2 * 5
    assert count_parameters(network) == embedding + 2 * block + 5 * 9 + 9 + 2 * 9 + 9 * 4 + 4


@torch.no_grad()
def test_the_form_for_export_has_the_same_outputs_and_no_normalisation() -> None:
    network, x = randomise(Mixer((PARTICLES,), 4, particles=8)).eval(), inputs()[:2]
    assert isinstance(network, Mixer)
    form = network.unpacked()
    assert torch.allclose(form(*x), network(*x), atol=1e-5)
    assert not any(isinstance(m, torch.nn.BatchNorm1d) for m in form.modules())
