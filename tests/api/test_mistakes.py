"""Mistakes in a call of the Python interface are one line each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import zskt
from tests.api.networks import mlp, own_samples
from zskt.checkpoint import TrainState
from zskt.errors import NonFiniteLoss, UserError
from zskt.settings import Settings


def test_a_teacher_that_answers_nan_is_told(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    def broken(x: Tensor) -> Tensor:
        return x[:, :4] * float("nan")

    student = mlp(4)
    before = [p.detach().clone() for p in student.parameters()]
    with pytest.raises(NonFiniteLoss, match="iteration 0: student's KL is nan"):
        zskt.distill(broken, student, generator=own_samples("function"), iterations=2)
    assert all(torch.equal(a, b) for a, b in zip(before, student.parameters(), strict=True))


def call(**arguments: Any) -> Callable[[nn.Module], object]:
    def run(teacher: nn.Module) -> object:
        own = {"student": mlp(4), "teacher": teacher} | arguments
        return zskt.distill(own.pop("teacher"), own.pop("student"), **own)

    return run


class Detached(nn.Module):
    """A student whose forward forgets where its answers come from."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.network(x)
        return out.detach()


class OfBatch(nn.Module):
    """A teacher that answers a batch once."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :4].mean(0, keepdim=True)


class Model:
    """A model of another library."""

    def predict_proba(self, x: Any) -> Any:
        raise AssertionError(x)


class Table:
    """A table of pandas."""

    def __iter__(self) -> Iterator[str]:
        return iter(["column"])

    def to_numpy(self) -> Any:
        raise AssertionError


def inferred() -> nn.Module:
    with torch.inference_mode():
        return nn.Linear(16, 4)


class WithoutSettings(zskt.Method):
    """A method that says nothing but what it must."""

    def __init__(self, config: Any, setup: zskt.Setup) -> None:
        self.config, self.setup = config, setup
        self.state = TrainState(parts={"student": setup.pair.student}, streams={}, device=setup.device)

    def run(self) -> Iterator[dict[str, float]]:
        while self.state.step < self.config.iterations:
            self.state.step += 1
            yield {"step": float(self.state.step)}

    @property
    def result(self) -> nn.Module:
        return self.setup.pair.student


@dataclass(frozen=True, kw_only=True)
class LeastConfig(Settings):
    iterations: int = 3
    batch_size: int = 8


class Least(WithoutSettings):
    Config = LeastConfig


TABULAR = zskt.generators.tabular(0.0, 1.0, size=16)
X = torch.rand(20, 16)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (call(), "method zskt needs a generator: for example generator=zskt.generators.tabular(low, high)"),
        (call(method="kd", generator=TABULAR), "method kd learns from samples: give data=, a tensor or a DataLoader"),
        (call(method="zskt", generator=TABULAR, data=X), "method zskt uses no data: leave data= out"),
        (call(method="magic", data=X), "unknown method 'magic'"),
        (call(method="zksd", generator=TABULAR), "unknown method 'zksd': did you mean zskt?"),
        (
            call(generator=TABULAR, student_rl=1.0),
            "unknown setting of method zskt 'student_rl': did you mean student_lr",
        ),
        (call(data=X, warmup=0.5), "unknown setting of method kd 'warmup': choose one of"),
        (call(generator=TABULAR, temperature=0.0), "temperature is 0.0, but must be above 0"),
        (call(generator=TABULAR, iterations=0), "iterations is 0, but must be at least 1"),
        (call(generator=nn.Linear(2, 2)), "generator: Linear is no zskt.Generator; derive it from that class"),
        (call(generator=3), "iterated: int is no source of samples"),
        (call(generator=zskt.generators.tabular(0.0, 1.0, size=7)), "teacher: does not run on samples of shape (8, 7)"),
        (call(generator=TABULAR, student=mlp(4, features=9)), "student: does not run on samples of shape (8, 16)"),
        (call(generator=TABULAR, student=mlp(4, classes=3)), "the teacher answers 4 numbers a sample, the student 3"),
        (call(generator=TABULAR, teacher=lambda x: x.sum()), "teacher: answers with (), not with logits (B, K)"),
        (call(generator=TABULAR, teacher=lambda x: (x,)), "teacher: answers with tuple, not with logits (B, K)"),
        (call(generator=TABULAR, hint_weight=1.0), "hint_weight: teacher or student has no blocks to compare"),
        (
            call(generator=TABULAR, attention_weight=1.0),
            "attention_weight: teacher or student has no blocks to compare",
        ),
        (call(generator=TABULAR, init_from_teacher=True), "init_from_teacher: of the student's"),
        (
            call(generator=TABULAR, bn_statistics_weight=1.0),
            "bn_statistics_weight is 1.0, but the teacher has no batch",
        ),
        (call(generator=TABULAR, terms={"hints": 1.0}), "unknown term of the loss 'hints': did you mean hint?"),
        (call(generator=TABULAR, terms="gram"), "terms is 'gram', but must hold numbers by name, like {'NAME': 1.0}"),
        (call(generator=TABULAR, terms={"kl": 0.0}), "terms.kl is 0, and the student's loss has no other term"),
        (
            call(data=X, method="supervised", iterations=5, epochs=6),
            "iterations=5 and epochs=6: are the same of method supervised; give one of them",
        ),
        (
            call(generator=TABULAR, method=nn.Linear),
            "method: is Linear, which is none; derive a class from zskt.Method",
        ),
        (call(generator=TABULAR, method=3), "method: is 3, which is none; derive a class from zskt.Method"),
        (call(generator=TABULAR, method=zskt.Method), "method Method: lacks __init__, result, run, which zskt.Method"),
        (call(generator=TABULAR, method=WithoutSettings), "method WithoutSettings: lacks settings; give it Config"),
        (call(method=Least), "method Least needs a generator"),
        (call(generator=TABULAR, data=X, method=Least), "method Least uses no data: leave data= out"),
        (call(data=[]), "data: it yields no batch; give one that does"),
        (call(data=["text"]), "data: a batch is str; yield a tensor, or a tuple of tensors"),
        (
            call(data=(X, np.array(["a", "b"] * 10))),
            "data: a batch has a ndarray of <U1; give whole numbers, as numpy.unique(labels, return_inverse=True)[1]",
        ),
        (
            call(data=np.array([["a", "b"]])),
            "data: a batch has a ndarray of <U1; give numbers",
        ),
        (call(data=Table()), "data: is a Table; give its numbers, as .to_numpy()"),
        (call(data=(X, Table())), "data: a batch is Table; give its numbers, as .to_numpy()"),
        (call(generator=Table()), "iterated: is given a Table; give its numbers, as .to_numpy()"),
        (call(data=X, method="supervised"), "method supervised needs labels"),
        (
            call(data=(X, torch.full((20,), 7)), method="supervised"),
            "labels: go up to 7, but the student's classes are 0 to 3",
        ),
        (call(generator=TABULAR, seed=2**70), f"seed: is {2**70}; give one of at most"),
        (call(generator=TABULAR, seed=-1), "seed: is -1; give one of at least 0"),
        (call(generator=TABULAR, student=Detached(mlp(4))), "student: its answers have no gradient by its parameters"),
        (call(generator=TABULAR, teacher=lambda x: x[:-1, :4]), "teacher: answers 8 samples with 7 rows; give one for"),
        (call(generator=TABULAR, teacher=OfBatch()), "teacher: answers 8 samples with 1 rows"),
        (
            call(generator=TABULAR, teacher=lambda x: x[:1, :4], teacher_access="probabilities"),
            "teacher: answers 8",
        ),
        (call(generator=TABULAR, teacher=nn.LazyLinear(4)), "teacher: its parameter weight has no shape yet"),
        (call(generator=TABULAR, teacher=nn.Linear(16, 4, device="meta")), "teacher: its parameter weight is on the"),
        (call(generator=TABULAR, student=nn.Linear(16, 4, device="meta")), "student: its parameter weight is on the"),
        (call(generator=TABULAR, teacher=inferred()), "teacher: was made under torch.inference_mode()"),
        (
            call(generator=TABULAR, student=nn.Sequential(nn.Embedding(4, 4, sparse=True))),
            "student: its layer 0 has sparse gradients, which Adam refuses",
        ),
        (
            call(generator=TABULAR, teacher=[mlp(4), mlp(4)]),
            "list: is no network; an ensemble is",
        ),
        (
            call(generator=TABULAR, teacher=Model()),
            "Model: is no network; give a function that answers, as",
        ),
        (call(generator=TABULAR, teacher=3.0), "float: is no network; give a torch.nn.Module, or a function"),
        (call(data=X, evaluate_every=1), "evaluate_every=1: give samples to measure the student on"),
        (call(teacher=None, generator=TABULAR), "method zskt needs a teacher"),
        (call(teacher=None, data=X), "method kd needs a teacher"),
    ],
)
def test_mistakes_are_one_line(run: Any, message: str, numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    with pytest.raises(UserError) as error:
        run(numbers[0])
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_data_with_gaps_are_told_before_the_run_unless_the_student_takes_them() -> None:
    asked: list[Tensor] = []

    def service(x: Tensor) -> Tensor:
        asked.append(x)
        return x.nan_to_num(0, 0, 0)[:, :4]

    remedy = r" \(NaN, inf\){}; leave these samples out, or fill the entries$"
    x = torch.rand(20, 16)
    x[3, 2] = torch.nan
    with pytest.raises(UserError, match=r"^data: 1 of 20 samples .*" + remedy.format(" in column 2")):
        zskt.distill(service, mlp(4), data=x, iterations=3)
    x[3:5, 7] = -torch.inf
    with pytest.raises(UserError, match=r"^data: 2 of 20 samples .*" + remedy.format(" in columns 2, 7")):
        zskt.distill(service, mlp(4), data=x.numpy(), iterations=3)
    images = x.view(20, 1, 4, 4)
    with pytest.raises(UserError, match=r"^data: 2 of 20 samples .*" + remedy.format("")):
        zskt.distill(lambda x: service(x.flatten(1)), nn.Sequential(nn.Flatten(), mlp(4)), data=images, iterations=3)
    assert not asked or all(len(batch) == 8 for batch in asked)  # no more than to see what the teacher answers

    class Filled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = mlp(4)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.network(x.nan_to_num(0, 0, 0))
            return answer

    assert zskt.distill(service, Filled(), data=x, iterations=3).steps


def test_a_method_of_ones_own_needs_no_more_than_settings_and_a_loop(
    numbers: tuple[nn.Module, Tensor, Tensor],
) -> None:
    run = call(generator=TABULAR, method=Least, iterations=4)(numbers[0])
    assert (
        isinstance(run, zskt.Run) and run.method == "Least" and [line["step"] for line in run.metrics] == [1, 2, 3, 4]
    )


@pytest.mark.parametrize(
    ("precision", "access"), [("float64", None), ("float16", None), ("bfloat16", None), ("float64", "probabilities")]
)
def test_networks_of_another_precision_are_to_be_made_floats(precision: str, access: str | None) -> None:
    network = mlp(4).to(getattr(torch, precision))
    own = f"its parameters are {precision}, and the samples are not: give"
    with pytest.raises(
        UserError, match=rf"^teacher: does not run on samples of shape \(8, 16\).*; {own} teacher.float"
    ):
        call(generator=TABULAR, teacher_access=access)(network)
    with pytest.raises(UserError, match=rf"{own} student.float\(\)$"):
        call(generator=TABULAR, student=network)(mlp(4))
    with pytest.raises(UserError, match=rf"{own} student.float\(\)$"):
        zskt.evaluate(network, None, X)


def test_answers_that_are_no_tensor_are_told() -> None:
    with pytest.raises(
        UserError, match=r"^teacher: answers with list; return a tensor, or an array of numbers of NumPy"
    ):
        call(generator=TABULAR, teacher=lambda x: x.tolist(), teacher_access="probabilities")(mlp(4))
    with pytest.raises(UserError, match=r"^teacher: answers with ndarray of <U"):
        call(generator=TABULAR, teacher=lambda x: x.numpy().astype(str), teacher_access="probabilities")(mlp(4))


LABELS = torch.arange(20) % 4


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        ((X, LABELS[:9]), "evaluate: a batch has tensors of (20, 16), (9,); give each of them as many samples"),
        (torch.tensor(1.0), "evaluate: a batch has tensors of (); give each of them as many samples"),
        (X[:0], "evaluate: it yields no samples; give one that does"),
        ([X, (X, LABELS)], "evaluate: batches of (0, 16) and (0, 16), (0,) do not fit together"),
        ([X.view(20, 4, 4), X.view(20, 2, 8)], "evaluate: batches of (0, 4, 4) and (0, 2, 8) do not fit together"),
        ((X, LABELS.float()), "student: does not run on samples of shape (8, 16), (8,) (Sequential.forward() takes"),
        ((X, LABELS + 1), "labels: go up to 4, but the student's classes are 0 to 3"),
        ((X * torch.nan, LABELS), "student: answers with NaN for 20 of 20 samples; leave these samples out"),
    ],
)
def test_what_cannot_be_judged_is_told_before_the_run(
    judged: Any, message: str, numbers: tuple[nn.Module, Tensor, Tensor]
) -> None:
    student = mlp(4)
    before = [p.detach().clone() for p in student.parameters()]
    with pytest.raises(UserError) as error:
        zskt.distill(numbers[0], student, generator=TABULAR, iterations=2, evaluate=judged)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)
    assert all(torch.equal(a, b) for a, b in zip(before, student.parameters(), strict=True))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"device": "gpu"}, "device: 'gpu' is none that PyTorch knows"),
        ({"device": "cuda:99"}, "device: cuda:99 is not on this machine"),
        ({"precision": "fp16"}, "unknown precision 'fp16': did you mean bf16?"),
        ({"attention_layers": "all"}, "unknown choice of attention_layers 'all'"),
        ({"seed": 1.5}, "seed: is 1.5"),
        ({"seed": "1"}, "seed: is '1'"),
        ({"queries": 1e6}, "queries: is 1000000.0"),
    ],
)
def test_devices_and_whole_numbers_are_looked_at_first(wrong: dict[str, Any], message: str) -> None:
    network = nn.Linear(2, 2)
    with pytest.raises(UserError, match=re.escape(message)):
        zskt.distill(network, nn.Linear(2, 2), generator=zskt.generators.tabular(0.0, 1.0, size=2), **wrong)
    if "device" in wrong:
        with pytest.raises(UserError, match=re.escape(message)):
            zskt.evaluate(network, None, torch.rand(4, 2), **wrong)
