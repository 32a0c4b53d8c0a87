"""The recurrent student: what it reads, what it forgets, and its form for export."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from zskt.jets.object_collections import ObjectCollection
from zskt.networks.recurrent import RecurrentTagger, last_of
from zskt.onnx_runtime import run_onnx, write_onnx

from .statistics import randomise

CLOUD = ObjectCollection((0,), 1, 3, 128, of_jet=False)


def tagger() -> RecurrentTagger:
    network = randomise(RecurrentTagger((CLOUD,), 4, 5, 6, single_cloud=True)).eval()
    assert isinstance(network, RecurrentTagger)
    return network


def jets(*lengths: int, slots: int = 9) -> tuple[Tensor, Tensor]:
    mask = (torch.arange(slots) < torch.tensor([[n] for n in lengths])).unsqueeze(1)
    return torch.randn(len(lengths), 3, slots) * mask, mask


def test_the_last_state_is_that_of_the_last_real_entry_and_zero_of_an_empty_jet() -> None:
    states = torch.arange(12.0).view(3, 4, 1) + 1
    real = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]])
    assert last_of(states, real).squeeze(1).tolist() == [4.0, 6.0, 0.0]


@torch.no_grad()
def test_what_padding_holds_changes_nothing() -> None:
    network, (features, mask) = tagger(), jets(9, 4, 1, 0)
    assert torch.allclose(network(torch.where(mask, features, 99.0), mask), network(features, mask), atol=1e-6)


@torch.no_grad()
def test_its_answer_after_n_particles_is_that_to_a_jet_of_the_first_n() -> None:
    network, (features, mask) = tagger(), jets(9, 7)
    n = 4
    leading = mask & (torch.arange(9) < n)
    alone = network(features[..., :n], mask[..., :n])
    assert torch.allclose(network(features, leading), alone, atol=1e-6)
    assert not torch.allclose(network(features, mask), alone, atol=1e-3)


@torch.no_grad()
def test_the_order_of_particles_matters() -> None:
    network, (features, mask) = tagger(), jets(9)
    assert not torch.allclose(network(features.flip(2), mask), network(features, mask), atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("slots", [1, 5, 20])
def test_it_leaves_as_onnx_for_any_number_of_particles(tmp_path: Path, slots: int) -> None:
    network, path = tagger(), tmp_path / "model.onnx"
    form = network.unpacked()
    features, mask = jets(9, 4, 1)
    write_onnx(form, ("features", "mask"), ({0: "N", 2: "P"},) * 2, (features, mask.float()), path)
    features, mask = jets(slots, max(1, slots // 2), slots=slots)
    exported = run_onnx(path, ("features", "mask"), (features, mask.float()))
    assert torch.allclose(exported, network(features, mask), atol=1e-5)


def test_its_attention_map_is_its_states_and_zero_on_padding() -> None:
    network, (features, mask) = tagger(), jets(9, 4)
    (layer,) = network.attention_layers
    maps: list[Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda module, args, output: maps.append(output))
    network(features, mask)
    assert maps[0].shape == (2, 6, 9)
    assert (maps[0][1, :, 4:] == 0).all() and (maps[0][1, :, :4] != 0).all()
