"""What a network's answers are taken for: logits, the probabilities of a softmax, classes, one number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zskt
from tests.api.networks import mlp, parameters
from zskt.errors import UserError

SURE = 5.0
"""Factor of the logits, so that a softmax that is taken for logits would show."""


class Sure(nn.Module):
    """A network whose logits are enlarged, and, if asked to, its probabilities."""

    def __init__(self, network: nn.Module, softmax: bool) -> None:
        super().__init__()
        self.network, self.softmax = network, softmax

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = 5.0 * self.network(x)
        return logits.softmax(1) if self.softmax else logits


def spellings(network: nn.Module) -> dict[str, Any]:
    """The same teacher, as it may be given."""
    ends, plain = Sure(network, True).eval(), Sure(network, False).eval()
    return {
        "logits": plain,
        "softmax": ends,
        "function": lambda x: ends(x),
        "numpy": lambda x: ends(x).detach().numpy(),
        "script": torch.jit.script(ends),
    }


def kl(teacher: nn.Module, student: nn.Module, x: Tensor) -> float:
    """KL(T || S) of classes, by its definition."""
    with torch.no_grad():
        p, q = (SURE * teacher(x).double()).log_softmax(1), student(x).double().log_softmax(1)
    return float((p.exp() * (p - q)).sum(1).mean())


def test_a_softmax_is_judged_as_its_logits_are_however_it_is_given(
    numbers: tuple[nn.Module, Tensor, Tensor],
) -> None:
    teacher, x, _ = numbers
    student = mlp(8)
    expected = kl(teacher, student, x)
    for name, given in spellings(teacher).items():
        scores = zskt.evaluate(student, given, x)
        assert scores["kl"] == pytest.approx(expected, rel=1e-4), name
        assert zskt.evaluate(given, Sure(teacher, False), x)["kl"] == pytest.approx(0, abs=1e-5), name
    of_classes = zskt.evaluate(student, lambda x: teacher(x).argmax(1), x)
    with torch.no_grad():
        assert of_classes["kl"] == pytest.approx(
            float(nn.functional.cross_entropy(student(x), teacher(x).argmax(1))), rel=1e-4
        )


@pytest.mark.parametrize(("access", "method"), [(None, "zskt"), ("probabilities", "prior-only"), (None, "kd")])
def test_a_student_of_a_softmax_is_that_of_its_logits(
    access: str | None, method: str, numbers: tuple[nn.Module, Tensor, Tensor]
) -> None:
    teacher, x, _ = numbers
    students, asked, judged = [], [], []
    for name, given in spellings(teacher).items():
        if name == "numpy" and method == "zskt":  # has no gradient
            continue
        torch.manual_seed(0)
        source = {"data": x} if method == "kd" else {"generator": zskt.generators.tabular(-1.0, 1.0, size=16)}
        run = zskt.distill(given, mlp(8), method=method, teacher_access=access, iterations=2, batch_size=16,
                           queries=5000, evaluate=x, **source)  # fmt: skip
        students.append(parameters(run))
        asked.append(run.teacher_queries)
        judged.append((run.evaluation["kl"], zskt.evaluate(run.student, given, x)["kl"]))
    assert len(set(asked)) == 1
    for student, (during, after) in zip(students, judged, strict=True):
        assert torch.allclose(student, students[0], atol=5e-3)  # kd keeps answers in half precision
        assert during == pytest.approx(after, rel=1e-4) and during == pytest.approx(judged[0][0], rel=5e-3)
    assert all(p.requires_grad for p in teacher.parameters())


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("method", ["zskt", "dafl", "prior-only", "kd"])
def test_a_teacher_that_computes_in_half_precision_teaches_in_single(
    method: str, kind: torch.dtype, numbers: tuple[nn.Module, Tensor, Tensor]
) -> None:
    teacher, x, _ = numbers
    runs, settings = [], {"feature_weight": 0.0} if method == "dafl" else {}
    for halves in (True, False):
        torch.manual_seed(0)
        source = {"data": x} if method == "kd" else {"generator": zskt.generators.tabular(-1.0, 1.0, size=16)}

        def answer(x: Tensor, halves: bool = halves) -> Tensor:
            logits: Tensor = teacher(x).to(kind)
            return logits if halves else logits.float()

        runs.append(zskt.distill(answer, mlp(8), method=method, iterations=3, batch_size=16, evaluate=x, **source,
                                 **settings))  # fmt: skip
    assert torch.equal(*map(parameters, runs)) and runs[0].evaluation == runs[1].evaluation


def test_a_module_of_torchscript_is_a_teacher_and_stays_as_it_was(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    script = torch.jit.script(mlp(8))
    next(iter(script.parameters())).requires_grad_(False)
    before = [(p.requires_grad, p.detach().clone()) for p in script.parameters()]
    run = zskt.distill(script, mlp(8), generator=zskt.generators.tabular(-1.0, 1.0, size=16), iterations=2, queries=200)
    assert run.steps and run.teacher_queries <= 200 and script.training
    for (asked, value), p in zip(before, script.parameters(), strict=True):
        assert p.requires_grad == asked and torch.equal(value, p)
    frozen = torch.jit.freeze(torch.jit.trace(mlp(8).eval(), numbers[1][:2]))
    assert zskt.evaluate(frozen, frozen, numbers[1])["agreement"] == 1.0


def test_a_program_of_torch_export_is_a_teacher_as_its_network_is(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    network, x, _ = numbers
    batch = {0: torch.export.Dim("batch")}
    program = torch.export.export(network.eval(), (x[:4],), dynamic_shapes=(batch,)).module()
    runs = []
    for teacher in (network, program):
        torch.manual_seed(0)
        generator = zskt.generators.tabular(-1.0, 1.0, size=16)
        runs.append(zskt.distill(teacher, mlp(8), generator=generator, iterations=2, queries=400))
    assert torch.equal(*map(parameters, runs))
    assert runs[0].teacher_queries == runs[1].teacher_queries
    assert zskt.evaluate(program, network, x)["agreement"] == 1.0


X = torch.rand(20, 16)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: zskt.evaluate(mlp(4, 1), mlp(4, 1), X), "student: answers one number a sample"),
        (lambda: zskt.evaluate(mlp(4, 2), mlp(4, 1), X), "teacher: answers one number a sample"),
        (lambda: zskt.evaluate(lambda x: x[:, 0], mlp(4), X), "student: answers with (20,), not with logits"),
        (lambda: zskt.evaluate(mlp(4), lambda x: x[:, 0], X), "teacher: answers with (20,), not with logits"),
        (lambda: zskt.evaluate(lambda x: x.argmax(1), mlp(4), X), "student: answers with (20,), not with logits"),
        (lambda: zskt.evaluate(mlp(4), lambda x: x.argmax(1) + 9, X), "teacher: answers class"),
        (
            lambda: zskt.distill(mlp(4), nn.Sequential(mlp(4), nn.Softmax(1)), data=X, iterations=1),
            "student: answers probabilities, but losses take logits; leave its softmax out",
        ),
        (
            lambda: zskt.distill(mlp(4), mlp(4, features=9), data=X, teacher_access="probabilities"),
            "student: does not run on samples of shape (8, 16)",
        ),
    ],
)
def test_answers_that_are_no_logits_are_told(call: Any, message: str) -> None:
    with pytest.raises(UserError) as error:
        call()
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_arrays_of_numpy_are_samples_and_labels(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, labels = numbers
    expected = zskt.evaluate(teacher, None, (x, labels))
    for given in ((x.numpy(), labels.numpy()), (x.double().numpy(), labels.numpy().astype(np.int32))):
        assert zskt.evaluate(teacher, None, given) == expected
    assert zskt.evaluate(teacher, None, x.numpy())["count"] == len(x)


def test_images_of_several_widths_are_refused_not_padded() -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    batches = [torch.rand(4, 3, 8, 8), torch.rand(4, 3, 8, 12)]
    message = r"\(0, 3, 8, 8\) and \(0, 3, 8, 12\) do not fit together; .*images may not$"
    with pytest.raises(UserError, match=message):
        zskt.distill(network, nn.Sequential(nn.Flatten(), nn.Linear(3, 2)), data=batches)
    with pytest.raises(UserError, match=message):
        zskt.evaluate(network, network, batches)
    points = [torch.rand(4, 3, 8), torch.rand(4, 3, 12)]  # points are, whose networks know of padding
    of_points = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(3, 2))
    assert zskt.evaluate(of_points, None, points)["count"] == 8


class Pictures(torch.utils.data.Dataset[Any]):
    """A data set whose samples are what they are."""

    def __init__(self, *samples: Any) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, i: int) -> Any:
        return self.samples[i]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (Pictures((object(), 1), (object(), 0)), "loader: its data set yields object, not tensors; give it a"),
        (Pictures(X[0], X[0, :3]), "loader: its data set yields samples of several shapes"),
        ((X, X[:, 0]), "float32, and taken for an input; if it holds labels, give labels.long()"),
        (X.double(), "its parameters are float32, and the samples are float64: give samples.float()"),
        ((255 * X).to(torch.uint8), "and the samples are uint8: give samples.float(), scaled as it takes them"),
    ],
)
def test_samples_that_do_not_fit_say_what_to_convert(given: Any, message: str) -> None:
    with pytest.raises(UserError) as error:
        zskt.evaluate(mlp(4), None, given)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("settings", [{}, {"mixup": True}])
def test_kd_learns_from_as_many_samples_as_its_budget_pays_for(
    settings: dict[str, Any], numbers: tuple[nn.Module, Tensor, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    x = numbers[1].view(-1, 1, 4, 4)  # images are, which may be blended
    teacher, student = nn.Sequential(nn.Flatten(), numbers[0]), nn.Sequential(nn.Flatten(), mlp(8))
    asked: list[Tensor] = []

    def service(x: Tensor) -> Tensor:
        asked.append(x)
        with torch.no_grad():
            return teacher(x).softmax(1)

    before = torch.cat([p.detach().flatten().clone() for p in student.parameters()])
    run = zskt.distill(service, student, data=x, method="kd", queries=100, batch_size=16, student_steps=2,
                       teacher_access="probabilities", iterations=None if settings else 3, **settings)  # fmt: skip
    assert sum(map(len, asked)) == run.teacher_queries <= 100 and run.teacher_queries > 100 - 16
    assert run.steps == (5 if settings else 6) and not torch.equal(before, parameters(run))
    said = "zskt: queries 100: kd learns from 92 of 1 000 samples, chosen at random"
    assert (said in capsys.readouterr().err) == (not settings)


def test_a_budget_that_pays_for_no_step_is_refused(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, labels = numbers
    with pytest.raises(UserError, match="queries is 9, but an iteration costs 160: give more, or a smaller"):
        zskt.distill(teacher, mlp(8), data=x, method="kd", queries=9, batch_size=16, mixup=True)
    with pytest.raises(UserError, match="queries is 9, but kd needs 2 answers before its first step: give more"):
        zskt.distill(teacher, mlp(8), data=x, method="kd", queries=9, batch_size=16)
    run = zskt.distill(teacher, mlp(8), data=x, method="kd", queries=8 + 5, batch_size=16, iterations=2)
    assert run.teacher_queries == 13  # five answers are few, and are learned from
    with pytest.raises(UserError, match="queries is 9: spent before the student's first step; give more"):
        zskt.distill(teacher, mlp(8), data=(x, labels), method="supervised", queries=9, batch_size=16, iterations=1)


def test_labels_beside_a_teacher_are_learned_as_long_as_a_budget_lasts() -> None:
    x, labels = torch.randn(32, 16), torch.arange(32) % 4
    run = zskt.distill(
        mlp(8), mlp(8), data=(x, labels), method="supervised", queries=40, batch_size=8, student_steps=2,
        kd_fraction=0.5, progress=False,
    )  # fmt: skip
    assert (run.steps, run.teacher_queries) == (4, 8 + 32)  # eight to see what it answers
