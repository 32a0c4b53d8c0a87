"""Networks in bfloat16, PyTorch's automatic mixed precision: the answers and gradients of float32, to its rounding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from generators import GENERATORS
from tests.methods.setups import digits_setup, jets_setup, resnets_setup, run_until, start, vectors_setup
from zskt.__main__ import catalog
from zskt.contracts import Batch, Card
from zskt.forward import forward
from zskt.methods import Setup
from zskt.networks.students import STUDENTS

PRIORS = {"jets": "shower-prior", "images": "strokes-prior", "frames": "motion-prior"}
CARDS = {"jets": "zskt-particlenet", "images": "mnist-lenet5", "frames": "moving-digits-gru"}
SETUPS = {"jets": jets_setup, "photographs": resnets_setup, "digits": digits_setup, "vectors": vectors_setup}


def samples(card: Card) -> Batch:
    generator = GENERATORS[PRIORS[card.domain]].build(card.inputs)
    return generator.sample(16, torch.Generator().manual_seed(0)).x


def answered(network: nn.Module, x: Batch, precision: str) -> tuple[Tensor, Tensor]:
    """Logits, and the gradient of their squares by all inputs that have one."""
    x = tuple(t.detach().clone().requires_grad_() if t.is_floating_point() else t for t in x)
    logits = forward(network, x, precision=precision).logits
    leaves = [t for t in x if t.requires_grad]
    gradients = torch.autograd.grad(logits.square().sum(), leaves, allow_unused=True)
    return logits.detach(), torch.cat([g.flatten() for g in gradients if g is not None])


def networks() -> Iterator[tuple[str, str]]:
    for domain, teacher in CARDS.items():
        yield domain, teacher
        for name, entry in STUDENTS.items():
            if entry.domain == domain and not name.startswith(("vgg", "resnet18", "wrn-40", "resnet3")):
                yield domain, name


@pytest.mark.parametrize(("domain", "name"), networks())
def test_answers_and_gradients_are_those_of_float32(domain: str, name: str) -> None:
    card = catalog().teachers[CARDS[domain]]
    torch.manual_seed(0)
    network = card.load() if name == card.name else STUDENTS[name].build(card.inputs, len(card.classes))
    network.eval().requires_grad_(False)
    x = samples(card)
    (whole, way), (half, half_way) = (answered(network, x, precision) for precision in ("float32", "bf16"))
    assert half.dtype == torch.float32
    assert (half - whole).norm() < 0.05 * whole.norm()
    similarity = torch.cosine_similarity(way, half_way, 0)
    assert similarity > (0.95 if name == card.name else 0.5)  # untrained highways put out nearly the same for all


@pytest.mark.parametrize("name", SETUPS)
def test_the_game_is_played_in_it(name: str) -> None:
    setup = SETUPS[name]()
    setup = Setup(pair=replace(setup.pair, precision="bf16"), generator=setup.generator)
    method = start("zskt", setup, iterations=4, batch_size=8, student_steps=2, replay_size=32)
    before = [p.clone() for p in setup.pair.student.parameters()]
    logged = run_until(method, 4)
    assert all(torch.isfinite(torch.tensor(list(metrics.values()))).all() for metrics in logged)
    assert all(p.dtype == torch.float32 for p in setup.pair.student.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, setup.pair.student.parameters(), strict=True))
