"""Whatever a call gives is used, or refused, or told: nothing is dropped without a word."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zskt
from tests.api.networks import mlp
from zskt.errors import UserError
from zskt.terminal import note_once

TABULAR = zskt.generators.tabular(-1.0, 1.0, size=16)
SHORT = {"iterations": 2, "batch_size": 8}
FAST = {"synthesis_warmup": 0, "synthesis_steps": 2, "student_steps": 1}


def teacher() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4)).eval()


def test_a_student_that_would_change_its_teacher_is_refused() -> None:
    network = teacher()
    before = copy.deepcopy(network.state_dict())
    for student, name in (
        (nn.Sequential(network[0], nn.ReLU(), nn.Linear(8, 4)), "0.weight"),
        (nn.Sequential(nn.Linear(16, 8), network[1], nn.ReLU(), nn.Linear(8, 4)), "1.weight"),
    ):
        with pytest.raises(UserError, match=rf"^student: shares {name} with the teacher, .* copy.deepcopy$"):
            zskt.distill(network, student, generator=TABULAR, **SHORT)
    network[1].requires_grad_(False)  # its running statistics would still follow the student's batches
    student = nn.Sequential(nn.Linear(16, 8), network[1], nn.ReLU(), nn.Linear(8, 4))
    with pytest.raises(UserError, match=r"^student: shares 1.running_mean"):
        zskt.distill(network, student, generator=TABULAR, **SHORT)
    assert all(torch.equal(t, before[key]) for key, t in network.state_dict().items())


def test_a_head_of_the_teacher_that_is_frozen_may_be_the_students() -> None:
    """D. Chen et al., arXiv:2203.14001: the student reuses the teacher's classifier."""
    network = teacher()
    network[3].requires_grad_(False)
    before = network[3].weight.clone()
    run = zskt.distill(network, nn.Sequential(nn.Linear(16, 8), network[3]), generator=TABULAR, **SHORT)
    assert run.steps and torch.equal(network[3].weight, before) and not network[3].weight.requires_grad


def labelled() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(90, 16, generator=rng), torch.tensor([0, 1, 3]).repeat(30)  # none of class 2


def supervised(**given: Any) -> zskt.Run:
    own = {"data": [labelled()], "method": "supervised", "epochs": 3, "batch_size": 4, "kd_fraction": 0.0}
    return zskt.distill(None, mlp(8), **own | given)  # type: ignore[arg-type]


def test_so_many_samples_of_each_class_are_learned_from() -> None:
    assert supervised(samples_per_class=4).steps == 3 * 3 and supervised().steps == 3 * (90 // 4)
    with pytest.raises(UserError, match=r"^samples_per_class 31: class 0 has 30 samples; take at most as many"):
        supervised(samples_per_class=31)
    with pytest.raises(UserError, match=r"^init_from_run: .*give student=zskt.load_run\(FOLDER\).student"):
        supervised(init_from_run="jets")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": torch.zeros(20, 16)}, "method kd learns from data alone: leave generator= out"),
        ({"method": "prior-only", "generator_lr": 0.1}, "generator_lr: method prior-only trains no generator; leave"),
        (
            {"method": "deepinversion", "jitter": 3},
            "jitter 3 is for images, but the teacher of this call",
        ),
        ({"method": "deepinversion", "total_variation_weight": 0.1}, "total_variation_weight 0.1 is for images, but"),
    ],
)
def test_what_a_method_has_no_use_for_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        zskt.distill(teacher(), mlp(8), generator=TABULAR, **SHORT | given)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("method", "settings", "unused", "line"),
    [
        (
            *("prior-only", {}, {"class_entropy_weight": 1.5}),
            "zskt: class_entropy_weight 1.5: does nothing, as the generator has no components to choose among",
        ),
        ("fast", FAST, {"prior_share": 0.25}, "zskt: prior_share 0.25: does nothing, as there is no prior"),
    ],
)
def test_what_changes_nothing_here_is_told(
    method: str, settings: dict[str, Any], unused: dict[str, Any], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    note_once.cache_clear()
    usual: dict[str, Any] = {"method": method, **SHORT, **settings}
    zskt.distill(teacher(), mlp(8), generator=TABULAR, **usual, **unused)
    assert line in capsys.readouterr().err.splitlines()
    zskt.distill(teacher(), mlp(8), generator=TABULAR, **usual)
    assert "does nothing" not in capsys.readouterr().err


@pytest.mark.parametrize("method", ["dafl", "pre-dfkd"])
def test_a_teacher_that_names_no_layers_is_distilled_without_them(
    method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    note_once.cache_clear()
    own = SHORT | ({} if method == "dafl" else {"student_steps": 1})

    def student(**more: float) -> Tensor:
        torch.manual_seed(2)
        generator = zskt.generators.tabular(-1.0, 1.0, size=16)
        run = zskt.distill(teacher(), mlp(8), generator=generator, method=method, **own, **more)
        return torch.cat([p.detach().flatten() for p in run.student.parameters()])

    left_out = student()
    assert "names no layers (attention_layers), so that feature_weight is 0 and not 0.1" in capsys.readouterr().err
    assert torch.equal(left_out, student(feature_weight=0.0))
    assert "names no layers" not in capsys.readouterr().err
    with pytest.raises(UserError, match="set feature_weight=0"):
        student(feature_weight=0.1)
