"""The particle-flow network: names of its parameters, masks, collections, and its form for export."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.particle_flow import ParticleFlow

from .statistics import randomise

CLOUD = ObjectCollection((1,), 2, 4, 128, of_jet=False)
SEVERAL_COLLECTIONS = (
    ObjectCollection((0,), 1, 3, 30, of_jet=False),
    ObjectCollection((2,), None, 2, 5, of_jet=False, pads=(-1.0, 0.0)),
    ObjectCollection((3,), None, 2, 1, of_jet=True),
)


def cloud_network() -> ParticleFlow:
    return ParticleFlow((CLOUD,), 3, (8, 6), (7,), activation=nn.GELU, single_cloud=True)


def tagger_network() -> ParticleFlow:
    return ParticleFlow(SEVERAL_COLLECTIONS, 3, (8, 6), (7,), phi_small=(5,))


def cloud_inputs() -> tuple[torch.Tensor, ...]:
    mask = (torch.arange(9) < torch.tensor([[9], [4], [1], [0]])).unsqueeze(1)
    return torch.randn(4, 2, 9), torch.randn(4, 4, 9), mask


def tagger_inputs() -> tuple[torch.Tensor, ...]:
    mask = (torch.arange(9) < torch.tensor([[9], [4], [1], [0]])).unsqueeze(1).float()
    vertices = torch.randn(4, 2, 5)
    vertices[:, :, 2:] = torch.tensor([-1.0, 0.0]).view(1, 2, 1)
    return torch.randn(4, 3, 9), mask, vertices, torch.randn(4, 2)


def test_names_of_parameters_are_those_of_the_recorded_students() -> None:
    cloud, tagger = cloud_network().state_dict(), tagger_network().state_dict()
    assert cloud["phi.0.weight"].shape == (4,) and cloud["phi.1.weight"].shape == (8, 4)
    assert cloud["f.0.weight"].shape == (7, 13) and cloud["f.3.weight"].shape == (3, 7)
    assert tagger["phi.0.1.weight"].shape == (8, 3) and tagger["phi.1.1.weight"].shape == (5, 2)
    assert tagger["jet.weight"].shape == (2,) and tagger["f.0.weight"].shape == (7, 13 + 11 + 2)


@torch.no_grad()
@pytest.mark.parametrize(("build", "draw"), [(cloud_network, cloud_inputs), (tagger_network, tagger_inputs)])
def test_the_form_for_export_has_the_same_outputs_and_no_normalisation_of_entries(build, draw) -> None:  # type: ignore[no-untyped-def]
    network, x = randomise(build()).eval(), draw()
    form = network.unpacked()  # type: ignore[operator]
    assert torch.allclose(form(*(t.float() for t in x)), network(*x), atol=1e-5)
    assert not any(isinstance(m, nn.BatchNorm1d) for part in (form.phi, form.f) for m in part.modules())


@torch.no_grad()
def test_what_padding_holds_and_the_order_of_particles_change_nothing() -> None:
    network = randomise(cloud_network()).eval()
    points, features, mask = cloud_inputs()
    expected = network(points, features, mask)
    order = torch.randperm(9)
    assert torch.allclose(network(points, features[..., order], mask[..., order]), expected, atol=1e-5)
    assert torch.allclose(network(points, torch.where(mask, features, 99.0), mask), expected, atol=1e-5)


@torch.no_grad()
def test_entries_of_padding_alone_count_as_none_where_a_collection_has_no_mask() -> None:
    network, x = randomise(tagger_network()).eval(), tagger_inputs()
    trimmed = (*x[:2], x[2][..., :2], x[3])
    assert torch.allclose(network(*trimmed), network(*x), atol=1e-5)


def test_a_single_cloud_has_an_attention_map_and_a_tagger_has_none() -> None:
    network = cloud_network().eval()
    (layer,) = network.attention_layers
    maps: list[torch.Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda module, args, output: maps.append(output))
    network(*cloud_inputs())
    assert maps[0].shape == (4, 6, 9) and (maps[0][1, :, 4:] == 0).all()
    assert tagger_network().attention_layers == ()


def test_a_batch_with_one_particle_can_be_learned_from() -> None:
    network = cloud_network().train()
    mask = torch.tensor([[[True, False]], [[False, False]]])
    network(torch.zeros(2, 2, 2), torch.randn(2, 4, 2), mask).sum().backward()
    assert network.training and all(m.training for m in network.modules())
