"""Hints through a learned regressor: values, what is learned, what stays as it was."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from tests.methods.setups import digits_setup, require_exact_resume, resnets_setup, run_until, start
from zskt.api import distill
from zskt.experiments.preparation import require_fit
from zskt.forward import Output, Pair
from zskt.losses import hint_distance
from zskt.methods import Method, Setup
from zskt.networks.lenet_vgg import LeNet5
from zskt.terms import term_of
from zskt.terms.hint import Hint, Regressor
from zskt.terms.term import Trial


def blocks(*layers: Tensor) -> Output:
    return Output(torch.zeros(len(layers[0]), 2), {f"activation.{i}": layer for i, layer in enumerate(layers)})


def test_a_regressor_maps_channels_alike_at_every_position_and_nothing_to_nothing() -> None:
    regressor = Regressor(2, 3, torch.Generator().manual_seed(0))
    block = torch.randn(4, 2, 5, 6)
    expected = nn.functional.conv2d(block, regressor.weight[..., None, None])
    assert torch.allclose(regressor(block), expected, atol=1e-6)
    assert torch.allclose(regressor(block[:, :, 0]), expected[:, :, 0], atol=1e-6)
    assert torch.equal(regressor(torch.zeros(1, 2)), torch.zeros(1, 3))


def test_equal_widths_have_no_regressor_and_other_widths_one_each_of_the_seed() -> None:
    pair, same = Pair(nn.Identity(), nn.Identity()), blocks(torch.randn(2, 3, 4))
    hint = Hint()
    hint.prepare(Trial(pair, same, same, None, 0))
    assert hint.part is None
    t, s = blocks(torch.randn(2, 3, 4), torch.randn(2, 5)), blocks(torch.randn(2, 2, 4), torch.randn(2, 4))
    hints = [Hint(), Hint(), Hint()]
    for hint, seed in zip(hints, (0, 0, 1), strict=True):
        hint.prepare(Trial(pair, t, s, None, seed))
    weights = [next(iter(hint.part.network.parameters())) for hint in hints if hint.part is not None]
    assert len(weights) == 3 and torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
    assert weights[0].shape == (3, 2)


def test_the_regressor_learns_the_linear_map_from_student_to_teacher_and_the_student_gets_its_gradient() -> None:
    torch.manual_seed(0)
    truth, s = torch.randn(3, 2), blocks(torch.randn(64, 2, 4))
    t = blocks(torch.einsum("tc,bcp->btp", truth, s.extras["activation.0"]))
    hint = Hint()
    hint.prepare(Trial(Pair(nn.Identity(), nn.Identity()), t, s, None, 0))
    before = hint.distance(t, s).item()
    for _ in range(400):
        hint.learn(t, s, 2e-2)
    assert hint.distance(t, s).item() < 1e-4 < 0.05 < before
    assert hint.part is not None
    (weight,) = hint.part.network.parameters()
    assert torch.allclose(weight, truth, atol=2e-2)
    leaf = torch.randn(8, 2, 4, requires_grad=True)
    t = blocks(torch.randn(8, 3, 4))
    hint.distance(t, blocks(leaf)).backward()
    direct = leaf.detach().requires_grad_()
    hint_distance([t.extras["activation.0"]], [torch.einsum("tc,bcp->btp", weight.detach(), direct)]).backward()
    assert leaf.grad is not None and direct.grad is not None and torch.allclose(leaf.grad, direct.grad)


def prepared(setup: Setup, **settings: object) -> Method:
    """A game whose terms are prepared, as before every run."""
    settings = {"batch_size": 8, "student_steps": 2, "iterations": 6, "hint_weight": 1.0} | settings
    method = start("zskt", setup, **settings)
    require_fit(method, setup)
    return method


def test_a_run_of_unequal_widths_resumes_to_the_last_bit_and_its_regressors_are_in_the_checkpoint(
    tmp_path: Path,
) -> None:
    def make() -> Method:
        return prepared(digits_setup())

    require_exact_resume(make, tmp_path / "checkpoint.pt")
    method = make()
    assert "term.1" in method.state.parts  # behind the KL
    before = [v.clone() for v in method.state.parts["term.1"].state_dict()["network"].values()]
    run_until(method, 2)
    moved = list(method.state.parts["term.1"].state_dict()["network"].values())
    assert len(before) == 2 and not any(map(torch.equal, before, moved))
    assert not any("regressor" in name.lower() for name in method.result.state_dict())


def test_networks_of_equal_widths_have_nothing_more_in_their_checkpoint() -> None:
    method = prepared(resnets_setup())
    assert not any(name.startswith("term.") for name in method.state.parts)


def test_hints_through_a_regressor_bring_a_narrow_students_blocks_nearer() -> None:
    x, distances = torch.randn(64, 1, 32, 32, generator=torch.Generator().manual_seed(1)), []
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        teacher, student = LeNet5(10).eval(), LeNet5(10, share=0.5)
        distill(teacher, student, data=x, iterations=15, batch_size=32, hint_weight=weight, progress=False)
        with torch.no_grad():
            t, s = (Pair(teacher, student).forward(network, (x,), [Hint()]) for network in (teacher, student))
        total = 0.0
        for block, other in zip(t.numbered("activation"), s.numbered("activation"), strict=True):
            a, b = (layer.transpose(0, 1).flatten(1).T for layer in (other, block))
            best = a @ torch.linalg.lstsq(a, b).solution  # the best linear map of the channels
            total += float((b - best).square().mean() / b.square().mean())
        distances.append(total)
    assert distances[1] < 0.95 * distances[0]


def test_the_term_is_chosen_by_its_name() -> None:
    assert isinstance(term_of("hint", 2.0), Hint) and term_of("hint", 2.0).weight == 2.0
