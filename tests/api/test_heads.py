"""Independent labels, single logits and regressed values through the Python interface."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zskt
from tests.api.networks import mlp
from zskt.errors import UserError
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.regression_head import RegressionHead


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
    assert scores["ece"] == pytest.approx(float(1 - confidence.detach().mean()), abs=1e-6)
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
