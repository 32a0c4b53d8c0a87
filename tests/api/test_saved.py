"""Runs of the Python interface on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import zskt
from tests.api.networks import Cloud, distilled, mlp, own_samples
from zskt.errors import UserError


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
