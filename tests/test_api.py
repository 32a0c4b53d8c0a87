"""The Python interface: any network into any other, with no data or from samples."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import zskt
from zskt.errors import NonFiniteLoss, UserError
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.regression_head import RegressionHead


def mlp(width: int, classes: int = 4, features: int = 16) -> nn.Module:
    return nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Linear(width, classes))


def teach(network: nn.Module, x: tuple[Tensor, ...], labels: Tensor, steps: int = 150) -> nn.Module:
    """Train a network on all samples at once."""
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(*x), labels).backward()
        optimizer.step()
    return network


@pytest.fixture(scope="module")
def numbers() -> tuple[nn.Module, Tensor, Tensor]:
    """A teacher on 16 numbers between -1 and 1, samples and labels."""
    torch.manual_seed(0)
    x = 2 * torch.rand(1000, 16) - 1
    labels = 2 * (x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] + x[:, 3] > 0).long()
    return teach(mlp(64), (x,), labels), x, labels


def require_taught(teacher: nn.Module, untrained: nn.Module, run: zskt.Run, x: Any, gain: float = 0.25) -> None:
    """Assert that the student agrees with its teacher clearly better than an untrained one."""
    before, after = (zskt.evaluate(student, teacher, x) for student in (untrained, run.student))
    assert after["agreement"] > before["agreement"] + gain and after["kl"] < before["kl"]


def test_a_network_on_numbers(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, labels = numbers
    generator = zskt.generators.tabular(-1.0, 1.0, size=16)
    run = zskt.distill(
        *(teacher, mlp(32)),
        generator=generator,
        iterations=40,
        evaluate=DataLoader(TensorDataset(x, labels), batch_size=300),
        evaluate_every=20,
        student_lr=1e-2,
    )
    require_taught(teacher, mlp(32), run, x)
    assert (run.method, run.steps, run.teacher_queries, run.seed) == ("zskt", 400, 40 * 128, 0)
    assert len(run.metrics) == 40 and not run.student.training and run.seconds > 0
    assert [i for i, logged in enumerate(run.metrics, 1) if "test/agreement" in logged] == [20, 40]
    assert run.metrics[-1]["test/agreement"] == run.evaluation["agreement"] and run.evaluation["count"] == 1000
    assert 0 < run.evaluation["accuracy"] <= 1 and run.evaluation["auc"] > 0.6


def convnet(width: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, width, 3, stride=2), nn.BatchNorm2d(width), nn.ReLU(), nn.Flatten(), nn.Linear(width * 81, 3)
    )


def test_a_network_on_small_images() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 1, 20, 20)
    labels = torch.arange(300) % 3
    for k in range(3):
        x[labels == k, :, 7 * k : 7 * k + 6] += 1.5
    teacher = teach(convnet(12), (x,), labels, steps=30)
    generator = zskt.generators.convnet(1, 20)
    run = zskt.distill(teacher, convnet(6), generator=generator, iterations=12, batch_size=64, student_lr=1e-2)
    require_taught(teacher, convnet(6), run, x, 0.2)


class Cloud(nn.Module):
    """A sum over the points that the mask says are there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(3, width), nn.Linear(width, 2)

    def forward(self, points: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.outer((torch.relu(self.inner(points)) * mask.unsqueeze(2)).sum(1))
        return logits


def test_a_network_on_points_with_a_mask() -> None:
    torch.manual_seed(0)
    points, mask = 2 * torch.rand(500, 8, 3) - 1, torch.arange(8) < torch.randint(1, 9, (500, 1))
    labels = ((points[..., 0] * mask).sum(1) > 0).long()
    teacher = teach(Cloud(16), (points, mask), labels)
    generator = zskt.generators.point_cloud(3, 8, low=-1.0, high=1.0)
    run = zskt.distill(teacher, Cloud(8), generator=generator, iterations=25, student_lr=1e-2)
    evaluation = zskt.evaluate(run.student, teacher, [(points, mask, labels)])
    assert evaluation["agreement"] > 0.85 and evaluation["accuracy"] > 0.8


def own_samples(source: str) -> Any:
    rng = torch.Generator().manual_seed(0)

    def iterator() -> Iterator[Tensor]:
        while True:
            yield 2 * torch.rand(50, 16, generator=rng) - 1

    def function(count: int, stream: torch.Generator) -> Tensor:
        return 2 * torch.rand(count, 16, generator=stream) - 1

    return iterator() if source == "iterator" else function


@pytest.mark.parametrize("source", ["iterator", "function"])
def test_samples_of_ones_own(source: str, numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, _ = numbers
    run = zskt.distill(teacher, mlp(32), generator=own_samples(source), iterations=30, student_lr=1e-2)
    require_taught(teacher, mlp(32), run, x)


@pytest.mark.parametrize("method", ["kd", "supervised"])
def test_from_samples(method: str, numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, labels = numbers
    loader = DataLoader(TensorDataset(x, labels), batch_size=100)
    run = zskt.distill(teacher, mlp(32), data=loader, method=method, iterations=30, student_lr=1e-2)
    require_taught(teacher, mlp(32), run, x)
    assert run.teacher_queries == (1000 if method == "kd" else 30 * 7 * 128)
    assert zskt.distill(teacher, mlp(4), data=x, iterations=1).method == "kd"  # with data, the default


def test_labels_alone_need_no_teacher(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    _, x, labels = numbers
    run = zskt.distill(None, mlp(32), data=[(x, labels)], method="supervised", iterations=30, student_lr=1e-2)
    figures = zskt.evaluate(run.student, None, [(x, labels)])
    assert figures["accuracy"] > 0.6 and figures["agreement"] is None and run.teacher_queries == 0


def test_any_function_is_a_teacher(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    _, x, _ = numbers

    def rule(batch: Tensor) -> Tensor:
        return 4 * torch.stack([batch[:, 0], -batch[:, 0], batch[:, 1], -batch[:, 1]], 1)

    run = zskt.distill(rule, mlp(32), generator=zskt.generators.tabular(-1.0, 1.0, size=16), iterations=15)
    assert zskt.evaluate(run.student, rule, x)["agreement"] > 0.6


def test_teacher_and_random_stream_stay_as_they_were(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4))
    teacher[1].eval()
    teacher[0].bias.requires_grad_(False)
    modes = [module.training for module in teacher.modules()]
    flags = [p.requires_grad for p in teacher.parameters()]
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    assert modes == [True, True, False, True, True] and flags.count(False) == 1
    loader = DataLoader(TensorDataset(numbers[1]), batch_size=100, shuffle=True)
    student = mlp(4)
    state = torch.get_rng_state()
    for arguments in ({"generator": own_samples("function")}, {"data": loader}):
        zskt.distill(teacher, student, iterations=2, evaluate=loader, **arguments)
    assert torch.equal(state, torch.get_rng_state())
    assert [module.training for module in teacher.modules()] == modes
    assert [p.requires_grad for p in teacher.parameters()] == flags
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    with pytest.raises(UserError):
        zskt.distill(teacher, mlp(4, classes=9), generator=own_samples("function"))
    assert [module.training for module in teacher.modules()] == modes  # after a mistake, too


def distilled(numbers: tuple[nn.Module, Tensor, Tensor], **more: Any) -> zskt.Run:
    torch.manual_seed(0)
    student, generator = mlp(8), zskt.generators.tabular(-1.0, 1.0, size=16)
    torch.manual_seed(more.pop("stream", 5))
    return zskt.distill(numbers[0], student, generator=generator, iterations=5, **more)


def parameters(run: zskt.Run) -> Tensor:
    return torch.cat([p.detach().flatten() for p in run.student.parameters()])


def test_the_seed_decides_and_evaluations_change_nothing(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    first = parameters(distilled(numbers))
    assert torch.equal(first, parameters(distilled(numbers, stream=6)))
    assert torch.equal(first, parameters(distilled(numbers, evaluate=numbers[1], evaluate_every=1)))
    assert not torch.equal(first, parameters(distilled(numbers, seed=1)))


def test_networks_may_compute_in_bf16(numbers: tuple[nn.Module, Tensor, Tensor], tmp_path: Path) -> None:
    run = distilled(numbers, precision="bf16")
    assert {p.dtype for p in run.student.parameters()} == {torch.float32}
    assert not torch.equal(parameters(run), parameters(distilled(numbers)))  # rounded to 8 bits on the way
    torch.testing.assert_close(parameters(run), parameters(distilled(numbers)), atol=0.05, rtol=0)
    loaded = zskt.load_run(run.save(tmp_path / "run"))
    assert (loaded.precision, loaded.attention_layers) == ("bf16", "last")


def test_the_choice_of_attention_layers() -> None:
    def convolutions(depth: int) -> nn.Module:
        network = nn.Sequential(*(nn.Conv2d(3, 3, 3, padding=1) for _ in range(depth)), nn.Flatten(), nn.Linear(192, 4))
        network.attention_layers = tuple(map(str, range(depth)))  # type: ignore[assignment]
        return network

    def matched(layers: str) -> Tensor:
        torch.manual_seed(3)
        pair = convolutions(3), convolutions(1)
        generator = zskt.generators.tabular(-1.0, 1.0, size=192)
        samples = lambda count, rng: generator.sample(count, rng).x[0].view(-1, 3, 8, 8)  # noqa: E731
        return parameters(
            zskt.distill(*pair, generator=samples, iterations=2, attention_weight=10.0, attention_layers=layers)
        )

    assert not torch.equal(matched("last"), matched("first"))


def test_a_saved_run_gives_the_same_logits(numbers: tuple[nn.Module, Tensor, Tensor], tmp_path: Path) -> None:
    run = distilled(numbers, evaluate=numbers[1])
    folder = run.save(tmp_path / "run")
    with torch.no_grad():
        expected = run.student(numbers[1])
        for loaded in (zskt.load_run(folder), zskt.load_run(str(folder), mlp(8))):
            assert torch.allclose(loaded.student(numbers[1]), expected, atol=1e-6)
            assert loaded.settings == run.settings and loaded.metrics == run.metrics
            assert (loaded.method, loaded.seed, loaded.steps) == ("zskt", 0, run.steps)
            assert loaded.teacher_queries == run.teacher_queries and loaded.evaluation == run.evaluation
        assert torch.equal(zskt.load_run(folder, mlp(8)).student(numbers[1]), expected)
    with pytest.raises(UserError, match="is not an empty folder"):
        run.save(folder)
    with pytest.raises(UserError, match="does not fit the student that was given"):
        zskt.load_run(folder, mlp(9))
    with pytest.raises(UserError, match="no such file; give the folder of a run"):
        zskt.load_run(tmp_path / "nothing")


def test_a_student_with_several_inputs_is_saved(tmp_path: Path) -> None:
    generator = zskt.generators.point_cloud(3, 8, low=-1.0, high=1.0)
    run = zskt.distill(Cloud(4), Cloud(4), generator=generator, iterations=2)
    x = generator.sample(5, torch.Generator().manual_seed(0)).x
    with torch.no_grad():
        assert torch.allclose(zskt.load_run(run.save(tmp_path / "run")).student(*x), run.student(*x), atol=1e-6)


class Undecided(nn.Module):
    """A forward pass that depends on values, which cannot be exported."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        return y if float(x.sum()) > 1e9 else 2 * y


def test_a_student_that_cannot_be_exported_is_read_with_its_code(
    numbers: tuple[nn.Module, Tensor, Tensor], tmp_path: Path
) -> None:
    run = zskt.distill(numbers[0], Undecided(), generator=own_samples("function"), iterations=1)
    with pytest.warns(UserWarning, match="student.pt2 left out, the student cannot be exported"):
        folder = run.save(tmp_path / "run")
    with pytest.raises(UserError, match="give student=, a network of the same architecture"):
        zskt.load_run(folder)
    assert torch.equal(zskt.load_run(folder, Undecided()).student(numbers[1]), run.student(numbers[1]))


def test_ctrl_c_leaves_what_there_is(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    calls = 0

    def source(count: int, stream: torch.Generator) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == 4:  # one to try the networks, and a third of the run
            signal.raise_signal(signal.SIGINT)
        return torch.rand(count, 16, generator=stream)

    with pytest.warns(UserWarning, match="stopped after 2 of 9 iterations"):
        run = zskt.distill(numbers[0], mlp(4), generator=source, iterations=9, evaluate=numbers[1])
    assert len(run.metrics) == 2 and run.steps == 20 and run.evaluation["count"] == 1000


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


TABULAR = zskt.generators.tabular(0.0, 1.0, size=16)
X = torch.rand(20, 16)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (call(), "method zskt needs a generator: for example generator=zskt.generators.tabular(low, high)"),
        (call(method="kd", generator=TABULAR), "method kd learns from samples: give data=, a tensor or a DataLoader"),
        (call(method="zskt", generator=TABULAR, data=X), "method zskt uses no data: leave data= out"),
        (call(method="magic", data=X), "unknown method 'magic'"),
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
        (call(data=[]), "loader: it yields no batch; give one that does"),
        (call(data=["text"]), "loader: a batch is str; yield a tensor, or a tuple of tensors"),
        (call(data=X, method="supervised"), "method supervised needs labels"),
        (
            call(data=(X, torch.full((20,), 7)), method="supervised"),
            "labels: go up to 7, but the student's classes are 0 to 3",
        ),
        (call(generator=TABULAR, seed=2**70), f"seed: is {2**70}; give one of at most"),
        (call(generator=TABULAR, student=Detached(mlp(4))), "student: its answers have no gradient by its parameters"),
        (call(teacher=None, generator=TABULAR), "method zskt needs a teacher"),
        (call(teacher=None, data=X), "method kd needs a teacher"),
    ],
)
def test_mistakes_are_one_line(run: Any, message: str, numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    with pytest.raises(UserError) as error:
        run(numbers[0])
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


LABELS = torch.arange(20) % 4


@pytest.mark.parametrize(
    ("judged", "message"),
    [
        ((X, LABELS[:9]), "loader: a batch has tensors of (20, 16), (9,); give each of them as many samples"),
        (torch.tensor(1.0), "loader: a batch has tensors of (); give each of them as many samples"),
        (X[:0], "loader: it yields no samples; give one that does"),
        ([X, (X, LABELS)], "loader: batches of (0, 16) and (0, 16), (0,) do not fit together"),
        ([X.view(20, 4, 4), X.view(20, 2, 8)], "loader: batches of (0, 4, 4) and (0, 2, 8) do not fit together"),
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


def test_loaders_of_any_kind_are_evaluated(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, labels = numbers
    with_labels = zskt.evaluate(teacher, teacher, DataLoader(TensorDataset(x, labels), batch_size=64))
    assert with_labels["agreement"] == 1 and with_labels["kl"] == pytest.approx(0, abs=1e-7)
    expected = float((teacher(x).argmax(1) == labels).float().mean())
    assert with_labels["accuracy"] == pytest.approx(expected) and with_labels["count"] == 1000
    for loader in (x, [x], [(x,)], DataLoader(TensorDataset(x), batch_size=64)):
        plain = zskt.evaluate(teacher, teacher, loader)
        assert plain["agreement"] == 1 and plain["accuracy"] is None and plain["count"] == 1000


def test_a_method_of_ones_own(numbers: tuple[nn.Module, Tensor, Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    class OneStep(zskt.METHODS["zskt"]):  # type: ignore[name-defined, misc]
        """A method that stops after its first iteration."""

        def run(self) -> Iterator[dict[str, float]]:
            yield next(super().run()) | {"own": 1.0}

    monkeypatch.setitem(zskt.METHODS, "one-step", OneStep)
    run = zskt.distill(numbers[0], mlp(4), generator=TABULAR, method="one-step", iterations=7)
    assert len(run.metrics) == 1 and run.metrics[0]["own"] == 1 and run.method == "one-step"


def test_importing_zskt_takes_no_time_and_names_are_there() -> None:
    code = "import sys, zskt; print('torch' in sys.modules, zskt.distill.__name__, 'evaluate' in dir(zskt))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "distill", "True"]
    with pytest.raises(AttributeError, match="has no attribute 'destill'"):
        zskt.destill  # noqa: B018
    assert all(getattr(zskt, name) is not None for name in zskt.__all__)


def test_independent_labels_are_distilled_and_come_back_from_disk(tmp_path: Path) -> None:
    x = 2 * torch.rand(500, 16) - 1
    w = torch.randn(16, 3)
    teacher, student = BernoulliHead(Linear(6 * w)), BernoulliHead(mlp(48, 3))
    labels = (x @ w).argmax(1)
    before = zskt.evaluate(student, teacher, (x, labels))
    generator = zskt.generators.tabular(torch.full((16,), -1.0), torch.full((16,), 1.0))
    run = zskt.distill(teacher, student, generator=generator, iterations=40, evaluate=(x, labels), temperature=2.0)
    assert run.evaluation["agreement"] > 0.9 > before["agreement"]
    assert run.evaluation["kl"] < before["kl"] / 4 and run.evaluation["auc"] is not None
    again = zskt.load_run(run.save(tmp_path / "run"))
    assert zskt.evaluate(again.student, teacher, (x, labels)) == pytest.approx(run.evaluation)


@pytest.mark.parametrize("method", ["kd", "dafl"])
def test_other_methods_take_independent_labels(method: str) -> None:
    x, w = 2 * torch.rand(500, 16) - 1, torch.randn(16, 3)
    teacher, student = BernoulliHead(Linear(6 * w)), BernoulliHead(mlp(48, 3))
    source: dict[str, Any] = {"data": x}
    if method == "dafl":
        low, high = torch.full((16,), -1.0), torch.full((16,), 1.0)
        source = {"generator": zskt.generators.tabular(low, high), "feature_weight": 0.0}
    run = zskt.distill(teacher, student, method=method, iterations=60, evaluate=x, **source)
    assert run.evaluation["agreement"] > 0.7


class Linear(nn.Module):
    """Logits that are sums."""

    def __init__(self, w: Tensor) -> None:
        super().__init__()
        self.register_buffer("w", w)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.w  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: zskt.distill(mlp(8, 1), mlp(8, 1), data=torch.rand(9, 16)), "teacher: answers one number"),
        (lambda: zskt.distill(BernoulliHead(mlp(8, 3)), mlp(8, 3), data=torch.rand(9, 16)), "wrap the student as"),
        (lambda: zskt.distill(mlp(8, 3), BernoulliHead(mlp(8, 3)), data=torch.rand(9, 16)), "wrap the teacher as"),
        (
            lambda: zskt.distill(
                None, BernoulliHead(mlp(8, 3)), method="supervised", data=(torch.rand(9, 16), torch.zeros(9).long())
            ),
            "supervised: knows one class a sample",
        ),
    ],
)
def test_heads_that_do_not_fit_are_told_in_a_line(run: Callable[[], object], message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        run()
    assert "\n" not in str(error.value)


def test_a_single_logit_is_distilled_when_wrapped() -> None:
    x, w = 2 * torch.rand(500, 16) - 1, torch.randn(16, 1)
    student = BernoulliHead(mlp(32, 1))
    run = zskt.distill(BernoulliHead(Linear(6 * w)), student, data=x, iterations=20, evaluate=x)
    assert run.evaluation["agreement"] > 0.9


def test_the_label_1_of_a_single_logit_is_the_one_that_has_it() -> None:
    x = torch.randn(200, 16)
    network = BernoulliHead(nn.Linear(16, 1))
    labels = (network.network(x)[:, 0] > 0).long()
    scores = zskt.evaluate(network, network, (x, labels))
    assert scores["accuracy"] == scores["auc"] == scores["agreement"] == 1
    p = network.network(x)[:, 0].sigmoid().double()
    confidence = torch.maximum(p, 1 - p)  # always right, so that what lacks to 1 is the error of calibration
    assert scores["ece"] == pytest.approx(float(1 - confidence.mean()), abs=1e-6)
    labels[:50] = -1  # unlabelled
    assert zskt.evaluate(network, None, (x, labels))["accuracy"] == 1
    with pytest.raises(UserError, match="go up to 2, but the student's classes are 0 to 1"):
        zskt.evaluate(network, None, (x, labels + 1))


def test_regressed_values_are_measured() -> None:
    class Regressing(nn.Linear):
        regressions = 2

    x, teacher = torch.rand(300, 16), Regressing(16, 6)
    student = RegressionHead(mlp(32, 6), 2)
    run = zskt.distill(teacher, student, data=x, iterations=60, evaluate=x, student_lr=1e-2)
    with torch.no_grad():
        t, s = teacher(x)[:, 4:], run.student(x)[:, 4:]
    for i in range(2):
        values = run.evaluation["values"][str(i)]
        assert values["median_difference"] == pytest.approx(float((t - s)[:, i].abs().median()))
        assert values["correlation"] == pytest.approx(float(torch.corrcoef(torch.stack([t[:, i], s[:, i]]))[0, 1]))


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


def test_a_budget_holds_for_gradients_too_and_judging_costs_nothing(numbers: tuple[nn.Module, Tensor, Tensor]) -> None:
    teacher, x, _ = numbers
    generator = zskt.generators.tabular(-1.0, 1.0, size=16)
    run = zskt.distill(teacher, mlp(32), generator=generator, queries=300, batch_size=32, iterations=50, evaluate=x,
                       evaluate_every=2)  # fmt: skip
    assert run.method == "zskt" and run.teacher_queries == 8 + 9 * 32 and len(run.metrics) == 9
    plain = zskt.distill(teacher, mlp(32), generator=generator, batch_size=32, iterations=2)
    assert plain.teacher_queries == 64  # without a budget only the method's own are told


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
