"""Fast: what its generator learns from its copies, and when its first layer begins anew."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from tests.methods.setups import jets_setup, resnets_setup, run_until, start, vectors_setup
from tests.methods.test_inversion import SMALL
from zskt.methods.canvas import Latent
from zskt.methods.fast import Fast


def fast(**settings: Any) -> Fast:
    method = start("fast", vectors_setup(), **SMALL | {"adversarial_weight": 0.0} | settings)
    assert isinstance(method, Fast)
    return method


def by_hand(method: Fast) -> tuple[nn.Module, list[torch.Tensor]]:
    """Where a copy of the generator ends by Adam's own steps, and the sum of its gradients."""
    config = method.config
    generator = copy.deepcopy(method.generator)
    rng = torch.Generator().manual_seed(0)
    rng.set_state(method.rng.get_state())
    views = torch.Generator()
    views.set_state(method.views.get_state())
    canvas = Latent(generator, 8, rng)
    targets = torch.randint(4, (8,), generator=views)
    groups = [{"params": list(generator.parameters()), "lr": config.generator_lr}]
    optimizer = torch.optim.Adam([*groups, {"params": [canvas.z], "lr": config.latent_lr}], betas=(0.5, 0.999))
    total = [torch.zeros_like(p) for p in generator.parameters()]
    for _ in range(config.synthesis_steps):
        loss, _, _ = method.loss(canvas.draw()[0], targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        total = [t + p.grad for t, p in zip(total, generator.parameters(), strict=True) if p.grad is not None]
        optimizer.step()
    return generator, total


def test_the_generator_follows_the_sum_of_the_gradients_of_its_copy() -> None:
    method = fast(synthesis_steps=3, generator_lr=1e-2)
    before = [p.clone() for p in method.generator.parameters()]
    _, total = by_hand(method)
    method.synthesise()
    for parameter, start_, gradient in zip(method.generator.parameters(), before, total, strict=True):
        assert parameter.grad is not None and torch.allclose(parameter.grad, gradient, rtol=1e-3, atol=1e-6)
        # The first step of Adam is the rate, 3 times the copy's, times the sign.
        moved = gradient.abs() > 1e-4
        assert torch.allclose((start_ - parameter)[moved], 3e-2 * gradient[moved].sign(), rtol=1e-2)
    assert any((gradient.abs() > 1e-4).any() for gradient in total)


def test_by_reptile_it_follows_the_way_that_its_copy_went() -> None:
    method = fast(synthesis_steps=3, generator_lr=1e-2, meta="reptile")
    before = [p.clone() for p in method.generator.parameters()]
    end, _ = by_hand(method)
    method.synthesise()
    for parameter, start_, last in zip(method.generator.parameters(), before, end.parameters(), strict=True):
        assert parameter.grad is not None and torch.allclose(parameter.grad, start_ - last, rtol=1e-3, atol=1e-6)


def test_the_first_layer_begins_anew_once_and_no_other() -> None:
    torch.manual_seed(0)
    settings = SMALL | {"generator_lr": 0.0, "reset_first_layer": 2, "bn_weight": 0.0}
    method = start("fast", resnets_setup(), **settings)
    assert isinstance(method, Fast)
    begun = {name: p.clone() for name, p in method.generator.named_parameters()}
    run_until(method, 3)
    assert all(torch.equal(p, begun[name]) for name, p in method.generator.named_parameters())
    run_until(method, 4)  # behind the warm-up of one and two more
    changed = [name for name, p in method.generator.named_parameters() if not torch.equal(p, begun[name])]
    assert changed == ["linear.weight", "linear.bias"]
    weight = method.generator.get_parameter("linear.weight")
    assert torch.equal(weight.flatten().sort().values, begun["linear.weight"].flatten().sort().values)


def test_the_mix_of_processes_learns_from_what_each_is_worth() -> None:
    method = start("fast", jets_setup("shower"), **SMALL | {"bn_weight": 0.0, "synthesis_size": 64})
    assert isinstance(method, Fast)
    before = method.generator.state_dict()
    before = {name: value.clone() for name, value in before.items() if name.startswith("mix.")}
    run_until(method, 1)
    after = method.generator.state_dict()
    assert before and any(not torch.equal(after[name], value) for name, value in before.items())
