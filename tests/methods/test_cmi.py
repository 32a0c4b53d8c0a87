"""CMI: InfoNCE by hand, what flows through it, the memory, and generators that begin anew."""

from __future__ import annotations

import math
from typing import Any

import torch

from tests.methods.setups import run_until, start, vectors_setup
from tests.methods.test_inversion import SMALL
from zskt.methods.cmi import CMI, info_nce


def cmi(**settings: Any) -> CMI:
    method = start("cmi", vectors_setup(), **SMALL | {"adversarial_weight": 0.0} | settings)
    assert isinstance(method, CMI)
    return method


def test_info_nce_is_minus_the_log_probability_of_the_own_global_view() -> None:
    local = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    whole = torch.tensor([[0.8, 0.6], [0.0, 1.0], [1.0, 0.0]], requires_grad=True)
    expected = []
    for i in range(3):
        weights = [math.exp(float(local[i] @ whole[j].detach()) / 0.2) for j in range(3)]
        expected.append(-math.log(weights[i] / sum(weights)))
    losses = info_nce(local.requires_grad_(), whole, 0.2)
    assert torch.allclose(losses, torch.tensor(expected), rtol=1e-4)
    losses.sum().backward()  # type: ignore[no-untyped-call]
    assert whole.grad is None and local.grad is not None


def test_the_batch_and_the_memory_count_alike() -> None:
    method = cmi(negatives=16)
    local, whole = torch.randn(8, 16), torch.randn(8, 16)
    alone = method.contrast(local, whole)
    described = [torch.nn.functional.normalize(method.head(t), dim=1) for t in (local, whole)]
    assert torch.allclose(alone, info_nce(described[0], described[1], 0.1).mean())
    kept = torch.randn(3, 16), torch.randn(3, 16)
    method.memory.add(*kept)
    order = torch.randperm(3, generator=torch.Generator().manual_seed(3))
    a, b = (torch.cat([t, k[order]]) for t, k in zip((local, whole), kept, strict=True))
    described = [torch.nn.functional.normalize(method.head(t), dim=1) for t in (a, b)]
    losses = info_nce(described[0], described[1], 0.1)
    method.negatives.manual_seed(3)
    assert torch.allclose(method.contrast(local, whole), losses[:8].mean() + losses[8:].mean())


def test_the_memory_keeps_the_latest_and_the_head_learns() -> None:
    method = cmi(memory_size=20, iterations=4)
    head = [p.clone() for p in method.head.parameters()]
    run_until(method, 2)
    assert len(method.memory) == 16
    first = method.memory.rows[8:12].clone()
    run_until(method, 3)
    assert len(method.memory) == 20 and torch.equal(method.memory.rows[4:8], first)
    assert all(not torch.equal(a, b) for a, b in zip(head, method.head.parameters(), strict=True))


def test_each_synthesis_has_a_fresh_generator() -> None:
    method = cmi(generator_lr=0.0)
    begun = {name: p.clone() for name, p in method.generator.named_parameters()}
    drawn = []
    for _ in range(2):
        method.synthesise()
        drawn.append([p.clone() for p in method.generator.parameters()])
    for (name, first), second in zip(begun.items(), drawn[0], strict=True):
        assert torch.equal(first.flatten().sort().values, second.flatten().sort().values), name
    assert any(not torch.equal(a, b) for a, b in zip(*drawn, strict=True))


def test_the_contrastive_term_moves_what_is_synthesised_and_a_weight_of_0_asks_nothing() -> None:
    batches = []
    for weight in (0.0, 0.8):
        method = cmi(contrastive_weight=weight, synthesis_steps=3, bn_weight=0.0)
        batches.append(method.synthesise()[0][0])
        queries = method.state.counters["teacher_queries"]
        assert queries == (24 if weight == 0 else 48) and len(method.memory) == (0 if weight == 0 else 8)
    assert not torch.equal(*batches)
