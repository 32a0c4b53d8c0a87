"""ParticleNet against weaver-core, the reference implementation, on real jets and real weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers import TEACHERS
from zskt.contracts import Batch
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.networks.particlenet import ParticleNet, nearest
from zskt.networks.rows import Rows, Slots

EDGE_CONVS = [(16, (64,) * 3), (16, (128,) * 3), (16, (256,) * 3)]


def reference(features: int, state: dict[str, Tensor]) -> nn.Module:
    weaver = pytest.importorskip("weaver.nn.model.ParticleNet", reason="weaver-core is a development dependency")
    network: nn.Module = weaver.ParticleNet(features, 10, EDGE_CONVS, [(256, 0.1)], use_fusion=False)
    network.load_state_dict(state)
    return network.eval()


def randomised(network: nn.Module) -> nn.Module:
    """Normalisation statistics that are not the trivial ones, as after training."""
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 2)
    return network.eval()


def untied(x: Batch, a: Tensor, b: Tensor) -> Tensor:
    """Jets on which outputs agree to 1e-4, and, of the others, none without a tie in the neighbour search."""
    off = (a - b).abs().amax(1) > 1e-4
    for i in off.nonzero().flatten():
        real = x[2][i, 0]
        place = x[0][i][:, real].T
        gaps = torch.cdist(place, place).sort(1).values.diff(dim=1)[:, : 16 + 1]
        assert gaps.min() < 1e-6, f"jet {int(i)} differs without a tie"
    return off


@torch.no_grad()
@pytest.mark.parametrize("kind", ["kin", "kinpid", "full"])
def test_equals_weaver_with_padding_and_masks(kind: str) -> None:
    card = TEACHERS[f"jetclass-particlenet-{kind}"]
    network = randomised(card.build())
    x = card.inputs(read_jets(SAMPLE, most=40).samples)
    wide = tuple(nn.functional.pad(t, (0, 128 - t.shape[-1])) for t in x)
    expected = reference(len(card.inputs.features), network.state_dict())(*(t.clone() for t in wide))
    assert untied(x, network(*x), expected).sum() <= 1
    assert isinstance(network, ParticleNet)
    assert untied(x, network.folded()(*wide), expected).sum() <= 1


@torch.no_grad()
@pytest.mark.parametrize("kind", ["kin", "kinpid"])
def test_published_weights_give_weavers_answers(kind: str, shared: Path) -> None:
    card = TEACHERS[f"jetclass-particlenet-{kind}"]
    state = torch.load(shared / f"teachers/jetclass/ParticleNet_{kind}.pt", map_location="cpu", weights_only=True)
    state = {key.removeprefix("mod."): value for key, value in state.items()}
    network = card.build().eval()
    network.load_state_dict(state)
    data = read_jets(shared / "data/jets/jets-test.root", most=64)
    x = card.inputs(data.samples)
    wide = tuple(nn.functional.pad(t, (0, 128 - t.shape[-1])) for t in x)
    expected = reference(len(card.inputs.features), state)(*(t.clone() for t in wide))
    assert isinstance(network, ParticleNet)
    assert untied(x, network.folded()(*x), expected).sum() <= 1
    assert (expected.argmax(1) == data.labels).float().mean() > 0.6


@torch.no_grad()
def test_padding_and_order_of_jets_change_nothing() -> None:
    card = TEACHERS["jetclass-particlenet-kin"]
    network = randomised(card.build())
    x = card.inputs(read_jets(SAMPLE, most=12).samples)
    alone = torch.cat([network(*(t[i : i + 1] for t in x)) for i in range(12)])
    assert torch.allclose(network(*x), alone, atol=1e-4)
    wide = tuple(nn.functional.pad(t, (0, 9)) for t in x)
    assert torch.allclose(network(*wide), alone, atol=1e-4)


@torch.no_grad()
def test_a_jet_of_one_particle_has_a_finite_answer() -> None:
    card = TEACHERS["jetclass-particlenet-kin"]
    x = (torch.zeros(2, 2, 3), torch.randn(2, 7, 3), torch.tensor([[[True, False, False]], [[True, True, True]]]))
    assert torch.isfinite(randomised(card.build()).folded()(*x)).all()  # type: ignore[operator]


def test_neighbours_are_the_nearest_first_and_never_padding_while_others_are_left() -> None:
    points = torch.tensor([[[0.0], [1.0], [3.0], [0.1]]])
    rows = Rows(torch.tensor([[True, True, True, False]]))
    assert nearest(points, rows, 2).tolist() == [[1, 2], [0, 2], [1, 0]]
    assert nearest(points, Slots(rows.real), 2)[:3].tolist() == [[1, 2], [0, 2], [1, 0]]


def test_no_gradient_flows_to_the_points() -> None:
    card = TEACHERS["jetclass-particlenet-kin"]
    points, features, mask = card.inputs(read_jets(SAMPLE, most=4).samples)
    points.requires_grad_()
    features.requires_grad_()
    card.build()(points, features, mask).sum().backward()
    assert points.grad is None
    assert features.grad is not None and features.grad.abs().sum() > 0
