"""Transition curves: against a walk done by hand, one image at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from zskt.results import transition as module
from zskt.results.transition import transition

from .conftest import REFERENCE

Call = Callable[..., tuple[int, str, str]]


class Flat(nn.Module):
    """Linear in the pixels."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        self.weight = nn.Parameter(weight)

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1) @ self.weight.T


def by_hand(a: nn.Module, b: nn.Module, x: Tensor, classes: Tensor, steps: int, size: float) -> Tensor:
    """p_j of both, (images, other classes, steps, 2)."""
    curves = torch.zeros(len(x), 2, steps, 2, dtype=torch.float64)
    for i, image in enumerate(x):
        for j in range(2):
            target = (classes[i] + 1 + j) % 3
            place = image.unsqueeze(0)
            for s in range(steps):
                p, q = (net(place).softmax(1)[0] for net in (a, b))
                curves[i, j, s] = torch.stack([p[target], q[target]]).detach()
                # Of softmax cross-entropy: W^T (p - onehot).
                gradient = (p - nn.functional.one_hot(target, 3)) @ a.weight
                place = (place - size * gradient.view_as(place)).detach()
    return curves


def test_a_batch_walks_as_single_images_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WALKS_AT_ONCE", 5)  # so that 7 images with 2 targets each make several batches
    a, b = Flat(0), Flat(1)
    x, classes = torch.randn(7, 1, 2, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    expected = by_hand(a, b, x, classes, 6, 0.3)
    result = transition(a, b, x, classes, steps=6, size=0.3)
    assert torch.allclose(result.stepped, expected[..., 0].mean((0, 1)), atol=1e-12)
    assert torch.allclose(result.watching, expected[..., 1].mean((0, 1)), atol=1e-12)
    assert result.error == pytest.approx(float((expected[..., 0] - expected[..., 1]).abs().mean()), abs=1e-12)
    assert result.stepped[-1] > result.stepped[0]


def test_a_network_makes_no_error_against_itself() -> None:
    x, classes = torch.randn(3, 1, 2, 2, dtype=torch.float64), torch.tensor([0, 1, 2])
    assert transition(Flat(0), Flat(0), x, classes, steps=4).error < 1e-15


def test_walks_begin_at_images_of_all_classes_of_a_sorted_folder() -> None:
    logits = nn.functional.one_hot(torch.arange(300) // 100, 3).float()
    evaluator = SimpleNamespace(
        teacher_predictions=lambda: SimpleNamespace(logits=logits), predict=lambda _: SimpleNamespace(logits=logits),
        data=SimpleNamespace(samples=torch.arange(300)), device="cpu",
    )  # fmt: skip
    run = SimpleNamespace(evaluator=evaluator, student=None, card=SimpleNamespace(inputs=lambda rows: (rows,)))
    x, classes = module._agreed_images(run, 60)  # type: ignore[arg-type]
    assert len(x) == 60 and torch.equal(x // 100, classes) and torch.bincount(classes).min() > 10


def test_transition_of_runs(call: Call, digits: Path) -> None:
    pair = ("--preset", "mnist-lenet5-to-lenet5-half", "--data", digits, "--set", "student_lr=0.02")
    assert call("--mode", "teacher", "--preset", "mnist-lenet5", "--data", digits, "--pseudo-batches", 30)[0] == 0
    short = (*pair, "--pseudo-batches", 2, "--student-steps", 40, "--set", "augment=none")
    assert call("--mode", "few-shot", *short, "--out", "zero")[0] == 0
    assert call("--mode", "few-shot", *short, "--without-teacher", "--out", "few")[0] == 0
    asked = ("--mode", "transition")  # the runs know where their images are
    code, out, err = call(*asked, "--run", "zero", "--against", "few", "--images", 1)
    assert code == 0, err
    assert Path("zero/transition-mnist-test-digits-against-few.png").stat().st_size > 10_000
    for run in ("zero", "few"):
        result = json.loads(Path(run, "transition-mnist-test-digits.json").read_text())
        assert result["count"] == 1 and result["data"]["count"] == 40 and result["data"]["unit"] == "image"
        for way in ("on_student", "on_teacher"):
            assert len(result[way]["stepped"]) == 100 and 0 <= result[way]["mte"] <= 1
            assert f"{result[way]['mte']:.4f}" in out
        assert 0 <= result["student"]["ece"] <= 1
    for arguments, message in (
        (("--run", "zero", "--images", 41), "teacher and student agree on"),
        (("--run", "runs/teacher-mnist-lenet5-seed0"), "trained a teacher; give the run of a student"),
        ((), "--mode transition: say which run"),
        (("--run", "zero", "few"), "and another as --against"),
        (("--run", "zero", "--against", "./zero"), "is the run itself; give another"),
    ):
        code, _, err = call(*asked, *arguments)
        assert code == 2 and message in err and err.count("\n") == 1, err


def test_jets_have_no_pixels_to_step_through(call: Call) -> None:
    code, _, err = call("--mode", "transition", "--run", REFERENCE / "jets-embedded-shower-seed0")
    assert code == 2 and "transition curves walk over pixels" in err
