"""KDGAN's term: values by hand, what a discriminator learns, and who gets which gradient."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.images import DATA
from tests.methods.setups import require_exact_resume, run_until, start
from zskt.api import distill
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.errors import UserError
from zskt.experiments.preparation import require_fit
from zskt.forward import Output, Pair, forward
from zskt.methods import Method, Setup
from zskt.networks.lenet_vgg import LeNet5
from zskt.terms.discriminator import STUDENT_SHARE, Discriminator, begun_anew, discriminator_loss
from zskt.terms.term import Trial


def log(*values: float) -> Tensor:
    return torch.tensor([values]).log()


def test_the_objective_by_hand() -> None:
    verdict = torch.tensor([[0.0, math.log(3.0)]])  # d = 1/2 and 3/4
    loss = discriminator_loss(verdict, torch.tensor([1]), log(0.9, 0.1), log(0.2, 0.8))
    false = 0.5 * (0.2 * math.log(0.5) + 0.8 * math.log(0.25)) + 0.5 * (0.9 * math.log(0.5) + 0.1 * math.log(0.25))
    assert loss.item() == pytest.approx(-(math.log(0.75) + false))


class Table(nn.Module):
    """Answers the same logits to each sample, and can begin anew."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def reset_parameters(self) -> None:
        nn.init.normal_(self.logits)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits.expand(len(x), -1)


def ready(student: nn.Module, k: int = 2) -> Discriminator:
    term = Discriminator()
    nothing = Output(torch.zeros(1, k))
    term.prepare(Trial(Pair(Table(*[0.0] * k), student), nothing, nothing, None, 0))
    return term


def test_the_students_term_by_hand_and_its_gradient_is_the_students_alone() -> None:
    student = Table(math.log(0.2), math.log(0.8))
    term = ready(student)
    assert term.part is not None
    with torch.no_grad():
        term.part.network.logits.copy_(torch.tensor([0.0, math.log(3.0)]))  # type: ignore[operator, union-attr]
    output = forward(student, (torch.zeros(4, 3),), [term])
    distance = term.distance(Output(torch.zeros(4, 2)), output)
    assert distance.item() == pytest.approx(STUDENT_SHARE * (0.2 * math.log(0.5) + 0.8 * math.log(0.25)))
    distance.backward()
    assert student.logits.grad is not None and student.logits.grad[0] > 0 > student.logits.grad[1]
    assert all(p.grad is None for p in term.part.network.parameters())


def test_a_discriminator_of_one_input_learns_the_optimal_verdict() -> None:
    """Of d alone the optimum is p / (p + q), p of the labels, q of the mixture of student and teacher."""
    student, term = Table(0.0, 0.0, 0.0), ready(Table(0.0, 0.0, 0.0), 3)
    labels = torch.tensor([0] * 6 + [1] * 3 + [2])
    teacher = Output(log(0.5, 0.25, 0.25).expand(10, 3), {"labels": labels})
    output = forward(student, (torch.zeros(10, 1),), [term]).detach()
    for _ in range(2500):
        term.learn(teacher, output, 0.0)
    assert term.part is not None
    d = torch.sigmoid(term.part.network(torch.zeros(1, 1)))[0]
    p, q = torch.tensor([0.6, 0.3, 0.1]), 0.5 * torch.full((3,), 1 / 3) + 0.5 * torch.tensor([0.5, 0.25, 0.25])
    assert torch.allclose(d, p / (p + q), atol=1e-2)


def test_a_network_that_begins_anew_is_of_the_seed_and_leaves_torchs_stream_alone() -> None:
    network = LeNet5(10)
    before = torch.get_rng_state()
    first, second, other = (begun_anew(network, seed) for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    weights = [next(n.parameters()) for n in (first, second, other, network)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2]) and not torch.equal(weights[0], weights[3])


def digits(n: int = 40) -> Labelled:
    labels = torch.arange(n) % 10
    pixels = torch.randint(0, 20, (n, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Labelled(pixels + (labels * 20).to(torch.uint8).view(-1, 1, 1, 1), labels)


def learner(weight: float = 1.0) -> Method:
    torch.manual_seed(0)
    pair = Pair(LeNet5(10).eval().requires_grad_(False), LeNet5(10, share=0.5).train())
    setup = Setup(pair=pair, data=digits(), inputs=DATA["mnist"].inputs)
    method = start("supervised", setup, batch_size=8, epochs=6, terms={"discriminator": weight})
    require_fit(method, setup)
    return method


def test_a_run_resumes_to_the_last_bit_and_the_discriminator_is_in_the_checkpoint(tmp_path: Path) -> None:
    require_exact_resume(learner, tmp_path / "checkpoint.pt")
    method = learner()
    parts = [part for name, part in method.state.parts.items() if name.startswith("term.")]
    assert len(parts) == 1 and {"network", "optimizer"} == set(parts[0].state_dict())


def test_the_term_changes_what_a_student_learns() -> None:
    students = []
    for weight in (1e-12, 1.0):
        method = learner(weight)
        run_until(method, 2)
        students.append(next(iter(method.result.parameters())).detach())
    assert not torch.allclose(*students, atol=1e-4)


def test_it_runs_from_python_and_without_labels_it_is_told() -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(32, 4), torch.arange(32) % 3
    teacher, student = nn.Linear(4, 3), nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
    run = distill(
        teacher, student, data=(x, labels), method="supervised", iterations=2, batch_size=16,
        terms={"discriminator": 0.5}, progress=False,
    )  # fmt: skip
    assert all(torch.isfinite(p).all() for p in run.student.parameters())
    with pytest.raises(UserError, match=r"terms\.discriminator: needs labels"):
        distill(teacher, student, data=x, iterations=1, terms={"discriminator": 0.5}, progress=False)


def test_labelled_vectors_without_a_network_of_layers_are_no_obstacle() -> None:
    data = Labelled(TensorSamples((torch.zeros(4, 1),)), torch.tensor([0, 1, 1, 1]))
    setup = Setup(pair=Pair(Table(0.0, 1.0), Table(1.0, 0.0)), data=data, inputs=TensorInputs())
    method = start("supervised", setup, batch_size=4, epochs=1, kd_fraction=0.5, terms={"discriminator": 1.0})
    require_fit(method, setup)
    assert math.isfinite(run_until(method, 1)[0]["loss/student"])
