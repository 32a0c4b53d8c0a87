"""Teachers that only answer: functions and services, their queries counted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zskt
from tests.api.networks import mlp, parameters
from zskt.errors import UserError

TOP_CLASS: dict[str, Any] = {
    "generator": zskt.generators.tabular(-1.0, 1.0, size=16),
    "iterations": 2,
    "teacher_access": "top-class",
}


def service(network: nn.Module) -> Any:
    """A function that answers probabilities, without a graph, and counts."""

    def ask(x: Tensor) -> Tensor:
        ask.asked += len(x)  # type: ignore[attr-defined]
        with torch.no_grad():
            return network(x).softmax(1)

    ask.asked = 0  # type: ignore[attr-defined]
    return ask


@pytest.mark.parametrize("method", [None, "dfme", "maze", "disguide", "hard-label"])
def test_a_service_is_a_teacher_and_its_queries_are_counted(
    method: str | None, numbers: tuple[nn.Module, Tensor, Tensor]
) -> None:
    teacher, x, _ = numbers
    ask = service(teacher)
    run = zskt.distill(ask, mlp(32), generator=zskt.generators.tabular(-1.0, 1.0, size=16), method=method,
                       teacher_access="probabilities", queries=1001, batch_size=32)  # fmt: skip
    assert run.method == (method or "prior-only") and ask.asked == run.teacher_queries <= 1001
    cost = 32 * {"dfme": 7, "maze": 16}.get(run.method, 1)
    assert run.teacher_queries > 1001 - cost and run.settings.to_dict()["iterations"] == 1001 // cost
    judged = zskt.evaluate(run.student, teacher, x)
    assert 0 <= judged["agreement"] <= 1


@pytest.mark.parametrize("access", [None, "probabilities"])
@pytest.mark.parametrize("how", ["2 decimals", "3 decimals", "bfloat16"])
def test_a_service_that_rounds_teaches_what_one_does_that_does_not(
    how: str, access: str | None, numbers: tuple[nn.Module, Tensor, Tensor]
) -> None:
    x = numbers[1]
    teacher = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 20))  # of 20 classes, none of which is sure
    method = {"data": x} if access is None else {"generator": zskt.generators.tabular(-1.0, 1.0, size=16)}

    def exact(x: Tensor) -> Tensor:
        with torch.no_grad():
            return (8 * teacher(x)).softmax(1)

    def rounded(x: Tensor) -> Tensor:
        p = exact(x)
        return p.bfloat16().float() if how == "bfloat16" else torch.round(p, decimals=int(how[0]))

    scores = []
    for ask in (exact, rounded):
        torch.manual_seed(0)
        run = zskt.distill(ask, mlp(8, 20), teacher_access=access, iterations=30, batch_size=32, student_lr=1e-2,
                           **method)  # fmt: skip
        scores.append((zskt.evaluate(run.student, exact, x)["kl"], zskt.evaluate(run.student, ask, x)["kl"]))
    (kl, _), (other, reported) = scores
    assert other == pytest.approx(kl, rel=0.05) and reported == pytest.approx(other, rel=0.05)
    assert zskt.evaluate(rounded, exact, x)["kl"] < 0.01


def test_a_service_may_answer_classes_alone(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, _ = numbers
    generator = zskt.generators.tabular(-1.0, 1.0, size=16)
    run = zskt.distill(lambda x: teacher(x).argmax(1), mlp(32), generator=generator, teacher_access="top-class",
                       iterations=20, evaluate=x, student_lr=1e-2)  # fmt: skip
    assert run.method == "prior-only" and run.evaluation["agreement"] > 0.4
    with pytest.raises(UserError, match="take one of dfme"):
        zskt.distill(teacher, mlp(4), generator=generator, method="zskt", teacher_access="probabilities", iterations=1)
    with pytest.raises(UserError, match="unknown teacher access"):
        zskt.distill(teacher, mlp(4), generator=generator, teacher_access="everything", iterations=1)


@pytest.mark.parametrize(
    ("access", "method"), [("probabilities", "prior-only"), ("top-class", "prior-only"), (None, "kd")]
)
def test_arrays_of_numpy_are_answers_as_tensors_are(
    access: str | None, method: str, numbers: tuple[nn.Module, Tensor, Tensor]
) -> None:
    teacher, x, _ = numbers

    def answer(x: Tensor) -> Tensor:
        with torch.no_grad():
            p = teacher(x).softmax(1)
        return p.argmax(1) if access == "top-class" else p.log() if access is None else p

    def of_numpy(x: Tensor) -> Any:
        array = answer(x).numpy()
        return array.astype("float64") if array.dtype.kind == "f" else array.astype("int32")

    students = []
    for ask in (answer, of_numpy):
        torch.manual_seed(0)
        source: Any = {"data": x} if access is None else {"generator": zskt.generators.tabular(-1.0, 1.0, size=16)}
        run = zskt.distill(ask, mlp(8), teacher_access=access, iterations=5, batch_size=16, **source)
        assert run.method == method
        students.append(parameters(run))
    assert torch.equal(*students)
    assert zskt.evaluate(lambda x: teacher(x).detach().numpy(), teacher, x)["kl"] == 0.0


def test_arrays_have_no_gradient(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, generator = numbers[0], zskt.generators.tabular(-1.0, 1.0, size=16)
    with pytest.raises(UserError, match=r'teacher: gives no gradient by its input, .*; say teacher_access="probabil'):
        zskt.distill(lambda x: teacher(torch.from_numpy(x.numpy())).detach().numpy(), mlp(4), generator=generator)


@pytest.mark.parametrize("method", [None, "dfad"])
@pytest.mark.parametrize("read", [lambda x: x.numpy(), lambda x: np.asarray(x)])
def test_a_function_that_leaves_pytorch_is_told_what_to_say(method: str | None, read: Any) -> None:
    def ask(x: Tensor) -> Tensor:
        return torch.tensor(read(x)[:, :4]).softmax(1)

    how: Any = {"generator": zskt.generators.tabular(-1.0, 1.0, size=16), "iterations": 2}
    with pytest.raises(UserError, match=r'^teacher: computes with NumPy, .*; say teacher_access="probabilities"$'):
        zskt.distill(ask, mlp(8), method=method, **how)
    assert zskt.distill(ask, mlp(8), teacher_access="probabilities", **how).method == "prior-only"


@pytest.mark.parametrize("source", ["data", "generator"])
def test_a_function_that_answers_classes_is_told_what_to_say(source: str) -> None:
    x = {"data": torch.rand(20, 16), "generator": zskt.generators.tabular(-1.0, 1.0, size=16)}[source]

    def ask(x: Tensor) -> Tensor:
        return torch.tensor(x.detach().numpy()[:, :4].argmax(1))

    how: Any = {source: x, "iterations": 2}
    message = r"^teacher: answers with classes \(8,\), not logits \(B, K\); say teacher_access=\"top-class\"$"
    with pytest.raises(UserError, match=message):
        zskt.distill(ask, mlp(8), **how)
    assert zskt.distill(ask, mlp(8), teacher_access="top-class", **how).steps


def test_a_budget_holds_for_gradients_too_and_judging_costs_nothing(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, _ = numbers
    generator = zskt.generators.tabular(-1.0, 1.0, size=16)
    run = zskt.distill(teacher, mlp(32), generator=generator, queries=300, batch_size=32, iterations=50, evaluate=x,
                       evaluate_every=2)  # fmt: skip
    assert run.method == "zskt" and run.teacher_queries == 8 + 9 * 32 and len(run.metrics) == 9
    plain = zskt.distill(teacher, mlp(32), generator=generator, batch_size=32, iterations=2)
    assert plain.teacher_queries == 8 + 64  # those that see whether both fit are counted without a budget, too


SHORT_INVERSION = {
    "synthesis_size": 6,
    "synthesis_steps": 2,
    "synthesis_warmup": 1,
    "student_steps": 2,
    "bn_weight": 0.0,
}
SHORT_NAYER = {"synthesis_batch_size": 6, "generator_steps": 2, "student_steps": 2, "bn_weight": 0.0}


@pytest.mark.parametrize(
    ("method", "settings", "queries"),
    [
        ("zskt", {}, 8 + 3 * 16),
        ("fast", SHORT_INVERSION, 8 + 3 * 3 * 6),
        ("deepinversion", SHORT_INVERSION, 8 + 3 * 3 * 6),
        ("cmi", SHORT_INVERSION, 8 + 2 + 2 + 3 * 5 * 6),
        ("nayer", SHORT_NAYER | {"synthesis_warmup": 1, "warmup_loops": 1}, 8 + (1 + 2 * 2) * 3 * 6),
        ("kd", {"iterations": 3}, 8 + 1000),
        (
            "kd",
            {"iterations": 3, "student_steps": 2, "terms": {"jacobian": 1.0}},
            8 + 8 + 3 * 2 * 16,
        ),  # the gradient is tried, too
        ("kd", {"iterations": 3, "student_steps": 2, "mixup": True}, 8 + 3 * 2 * 16),
        ("supervised", {"epochs": 3, "student_steps": 2}, 8 + 3 * 2 * 16),
    ],
)
def test_every_question_is_counted_without_a_budget_too(
    method: str, settings: dict[str, Any], queries: int, numbers: tuple[nn.Module, Tensor, Tensor]
) -> None:
    asked: list[int] = []
    teacher, x, labels = numbers
    handle = teacher.register_forward_hook(lambda _, x, y: asked.append(len(x[0])))
    data = {"kd": x, "supervised": (x, labels)}.get(method)
    source: dict[str, Any] = {"data": data} if data is not None else {}
    source = source or {"generator": zskt.generators.tabular(-1.0, 1.0, size=16)}
    settings = settings if "epochs" in settings else {"iterations": 3} | settings
    run = zskt.distill(teacher, mlp(8), method=method, batch_size=16, **source, **settings)
    handle.remove()
    assert run.teacher_queries == sum(asked) == queries


def test_a_length_that_is_asked_for_is_shortened_to_what_the_budget_pays_for(
    numbers: tuple[nn.Module, Tensor, Tensor],
) -> None:
    teacher, x, labels = numbers
    generator = zskt.generators.tabular(-1.0, 1.0, size=16)
    for method, cost in (("prior-only", 32), ("dfme", 32 * 7)):
        run = zskt.distill(teacher, mlp(8), generator=generator, method=method, queries=1001, batch_size=32,
                           iterations=400)  # fmt: skip
        assert run.settings.to_dict()["iterations"] == 1001 // cost
    assert run.metrics[-1]["rate/student"] < 0.2 * run.metrics[0]["rate/student"]  # it falls to 0
    with pytest.raises(UserError, match="queries is 100, but an iteration costs 224"):
        zskt.distill(teacher, mlp(8), generator=generator, method="dfme", queries=100, batch_size=32, iterations=9)
    learned = zskt.distill(teacher, mlp(8), data=(x, labels), method="supervised", queries=700, batch_size=100,
                           iterations=50, student_steps=3)  # fmt: skip
    assert learned.settings.to_dict()["epochs"] == 2 and learned.steps == 6


def test_no_untrained_student_is_a_result(
    numbers: tuple[nn.Module, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher, generator = numbers[0], zskt.generators.tabular(-1.0, 1.0, size=16)
    small: dict[str, Any] = {"method": "nayer", "synthesis_batch_size": 8, "generator_steps": 2, "warmup_loops": 1,
                             "synthesis_warmup": 3, "bn_weight": 0.0, "iterations": 6}  # fmt: skip
    with pytest.raises(UserError, match="queries is 100, but the student's first step comes after 128: give more, or"):
        zskt.distill(teacher, mlp(8), generator=generator, queries=100, **small)
    monkeypatch.setattr(zskt.METHODS["nayer"], "queries_before_learning", 0)  # as of a method that cannot tell
    with pytest.raises(UserError, match="queries is 100: spent before the student's first step; give more"):
        zskt.distill(teacher, mlp(8), generator=generator, queries=100, **small)


def test_a_run_that_is_stopped_in_its_warm_up_says_that_its_student_is_untrained(
    numbers: tuple[nn.Module, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_method: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("zskt.api.iterate", stopped)
    generator = zskt.generators.tabular(-1.0, 1.0, size=16)
    with pytest.warns(UserWarning, match="stopped after 0 of 5 iterations, before the student's first step"):
        run = zskt.distill(numbers[0], mlp(8), generator=generator, iterations=5)
    assert run.steps == 0


def test_classes_of_numpy_may_be_booleans() -> None:
    assert zskt.distill(lambda x: (x[:, 0] > 0).numpy(), mlp(8, classes=2), **TOP_CLASS).steps


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda x: (x[:, 0] > 0).long() - 1, "answers class -1; number classes from 0"),
        (lambda x: (x[:, 0] > 0).long() + 1, "answers class 2, but the student has 2"),
        (lambda x: np.array(["a"] * len(x)), "answers with ndarray of <U1; return a tensor"),
    ],
)
def test_classes_that_are_none_are_told(answer: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        zskt.distill(answer, mlp(8, classes=2), **TOP_CLASS)


def test_a_function_that_answers_otherwise_on_the_way_is_told() -> None:
    asked = []

    def answer(x: Tensor) -> Tensor:
        asked.append(len(x))
        return x[:, : 4 if len(asked) < 4 else 3]

    with pytest.raises(UserError, match=r"the function answers \(\d+, 3\) after \(4,\) a sample; answer always alike"):
        zskt.distill(answer, mlp(8), generator=zskt.generators.tabular(-1.0, 1.0, size=16), iterations=8)
