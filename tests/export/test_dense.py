"""The form for export: the same outputs in torch and in onnxruntime, for any number of particles."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.networks.statistics import randomise
from zskt.export.dense import SoftmaxHead, to_export_form
from zskt.jets.object_collections import ObjectCollection
from zskt.networks.deep_sets import DeepSets
from zskt.networks.mixer import Mixer
from zskt.networks.particle_flow import ParticleFlow
from zskt.networks.particlenet import ParticleNet
from zskt.networks.recurrent import RecurrentTagger
from zskt.networks.regression_head import RegressionHead
from zskt.networks.weaver import WeaverTagger
from zskt.onnx_runtime import N_TRACE_SAMPLES, run_onnx, write_onnx

NAMES = ("points", "features", "mask")
AXES = tuple({0: "N", 2: "P"} for _ in NAMES)
BLOCKS = ((4, (8, 8)), (5, (12,)))
CLOUD = (ObjectCollection((1,), 2, 5, 128, of_jet=False),)

NETWORKS = {
    "particlenet": lambda: ParticleNet(5, 3, BLOCKS, 16),
    "weaver": lambda: WeaverTagger([("pf", 5, 6)], BLOCKS, 16, 16, 3, softmax=False),
    "particle flow": lambda: ParticleFlow(CLOUD, 3, (8, 6), (7,), activation=nn.GELU, single_cloud=True),
    "particle flow of collections": lambda: ParticleFlow(CLOUD, 3, (8, 6), (7,)),
    "highway": lambda: ParticleFlow(CLOUD, 3, (8,), (7,), single_cloud=True, highway=3),
    "recurrent": lambda: RecurrentTagger(CLOUD, 3, 5, 6),
    "mixer": lambda: Mixer(CLOUD, 3),
    "deep sets": lambda: DeepSets(CLOUD, 3),
    "regression": lambda: RegressionHead(ParticleFlow(CLOUD, 3, (8, 6), (7,)), 1),
}


def cloud(jets: int, slots: int, features: int) -> tuple[Tensor, ...]:
    """Draw jets of two particles at least, some with padding."""
    mask = (torch.arange(slots) < torch.randint(2, slots + 1, (jets, 1))).unsqueeze(1).float()
    return torch.randn(jets, 2, slots) * mask, torch.randn(jets, features, slots) * mask, mask


@torch.no_grad()
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_form_for_export_has_the_same_outputs_in_onnxruntime_for_any_number_of_particles(
    kind: str, tmp_path: Path
) -> None:
    network = randomise(NETWORKS[kind]()).eval()
    form = to_export_form(network)
    used = write_onnx(form, NAMES, AXES, cloud(N_TRACE_SAMPLES, 20, 5), tmp_path / "model.onnx")
    assert "features" in used
    slots = ((1, 16), (7, 40)) if kind in ("deep sets", "mixer") else ((1, 2), (4, 3), (2, 6), (7, 40))
    for jets, particles in slots:
        points, features, mask = cloud(jets, particles, 5)
        expected = network(points, features, mask > 0)
        assert torch.allclose(form(points, features, mask), expected, atol=1e-5)
        exported = run_onnx(tmp_path / "model.onnx", NAMES, (points, features, mask))
        assert torch.allclose(exported, expected, atol=1e-5)


def test_the_trained_network_stays_as_it_was() -> None:
    network = randomise(ParticleNet(5, 3, BLOCKS, 16)).eval()
    assert isinstance(network, ParticleNet)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    form = to_export_form(network)
    assert form.rows is not network.rows
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_outputs_are_probabilities_and_values_in_the_teachers_order() -> None:
    outputs = torch.tensor([[0.0, 0.0, 80.0]])
    assert SoftmaxHead(nn.Identity(), 0, (0, 1, 2))(outputs).argmax() == 2
    assert SoftmaxHead(nn.Identity(), 1, (0, 1, 2))(outputs).tolist() == [[0.5, 0.5, 80.0]]
    assert SoftmaxHead(nn.Identity(), 1, (2, 0, 1))(outputs).tolist() == [[80.0, 0.5, 0.5]]
    assert SoftmaxHead(nn.Identity(), 3, (0, 1, 2))(outputs).tolist() == outputs.tolist()
