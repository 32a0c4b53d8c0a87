"""The Python interface: any network into any other, with no data or from samples."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import zskt
from tests.api.networks import Cloud, distilled, mlp, own_samples, parameters, require_taught, teach
from zskt.errors import UserError


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
    assert (run.method, run.steps, run.teacher_queries, run.seed) == ("zskt", 400, 8 + 40 * 128, 0)
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


def test_a_network_on_points_with_a_mask() -> None:
    torch.manual_seed(0)
    points, mask = 2 * torch.rand(500, 8, 3) - 1, torch.arange(8) < torch.randint(1, 9, (500, 1))
    labels = ((points[..., 0] * mask).sum(1) > 0).long()
    teacher = teach(Cloud(16), (points, mask), labels)
    generator = zskt.generators.point_cloud(3, 8, low=-1.0, high=1.0)
    run = zskt.distill(teacher, Cloud(8), generator=generator, iterations=25, student_lr=1e-2)
    evaluation = zskt.evaluate(run.student, teacher, [(points, mask, labels)])
    assert evaluation["agreement"] > 0.85 and evaluation["accuracy"] > 0.8


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
    assert run.teacher_queries == 8 + (1000 if method == "kd" else 30 * 7 * 128)
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
    generator = zskt.generators.tabular(0.0, 1.0, size=16)
    run = zskt.distill(numbers[0], mlp(4), generator=generator, method="one-step", iterations=7)
    assert len(run.metrics) == 1 and run.metrics[0]["own"] == 1 and run.method == "one-step"


def test_importing_zskt_takes_no_time_and_names_are_there() -> None:
    code = "import sys, zskt; print('torch' in sys.modules, zskt.distill.__name__, 'evaluate' in dir(zskt))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "distill", "True"]
    with pytest.raises(AttributeError, match="has no attribute 'destill'"):
        zskt.destill  # noqa: B018
    assert all(getattr(zskt, name) is not None for name in zskt.__all__)
