"""Knowledge distillation from samples: each is asked about once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tests.methods.setups import jets_setup, require_exact_resume, run_until, start
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.forward import Pair
from zskt.jets.features import KIN
from zskt.jets.jetclass import read_jets
from zskt.jets.sample import SAMPLE
from zskt.methods import Method, Setup, iterate
from zskt.networks.resnet import cifar_resnet
from zskt.networks.students import STUDENTS
from zskt.query_budget import METER, QueryMeter

SETTINGS: dict[str, Any] = {"iterations": 6, "batch_size": 16, "student_steps": 2, "student_lr": 1e-3}


def from_jets(**settings: Any) -> Method:
    setup = jets_setup("noise", data=read_jets(SAMPLE, most=64), inputs=KIN)
    return start("kd", setup, **SETTINGS | settings)


def test_each_jet_is_asked_about_once() -> None:
    method = from_jets(attention_weight=1.0)
    assert len(run_until(method, 6)) == 6
    assert method.state.counters == {"teacher_queries": 64, "steps": 12}


def test_the_student_learns_to_agree() -> None:
    torch.manual_seed(0)
    teacher = STUDENTS["pfn"].build(KIN, 10)
    last = list(teacher.parameters())[-1]
    last.data.copy_(2 * torch.randn_like(last))  # a teacher with an opinion
    setup = jets_setup("noise", teacher, data=read_jets(SAMPLE, most=64), inputs=KIN)
    method = start("kd", setup, iterations=15, batch_size=16, student_steps=8, student_lr=5e-3)
    kl = [metrics["kl/pseudo"] for metrics in run_until(method, 15)]
    assert sum(kl[-3:]) < 0.7 * sum(kl[:3])


def test_six_iterations_equal_three_a_restart_and_three_to_the_last_bit(tmp_path: Path) -> None:
    require_exact_resume(lambda: from_jets(ema_decay=0.5), tmp_path / "checkpoint.pt")


def from_images(**settings: Any) -> Method:
    """Two equal networks, from random images."""
    torch.manual_seed(0)
    twins = [cifar_resnet(8, 10).eval() for _ in range(2)]
    twins[1].load_state_dict(twins[0].state_dict())
    data = Labelled(TensorSamples((torch.randn(16, 3, 16, 16),)), torch.full((16,), -1))
    setup = Setup(pair=Pair(*twins), data=data, inputs=TensorInputs())
    return start("kd", setup, **{"batch_size": 8, "student_steps": 2, "student_lr": 1e-30, **settings})


@pytest.mark.parametrize(("settings", "queries"), [({}, 16), ({"cutmix": 1.0}, 4 * 8), ({"hint_weight": 1.0}, 4 * 8)])
def test_changed_images_and_layers_are_asked_about_again(settings: dict[str, Any], queries: int) -> None:
    method = from_images(**settings)
    for logged in run_until(method, 2):
        assert logged["kl/pseudo"] == pytest.approx(0, abs=1e-5) and logged["agreement/pseudo"] == 1
    assert method.state.counters["teacher_queries"] == queries


def test_a_budget_below_the_data_is_spent_on_random_samples_and_the_student_learns() -> None:
    kept = []
    for seed in (0, 0, 1):
        setup = jets_setup("noise", data=read_jets(SAMPLE, most=64), inputs=KIN, seed=seed)
        meter = QueryMeter(20)
        setup.pair.meter = meter
        method = start("kd", setup, **SETTINGS)
        method.state.parts[METER] = meter
        with meter.on(setup.pair.teacher):
            list(iterate(method))
        assert method.state.counters == {"teacher_queries": 20, "steps": 12} and meter.asked == 20
        kept.append(method.state.parts["samples"].state_dict()["columns"]["x.0"])
    assert len(kept[0]) == 20 and torch.equal(kept[0], kept[1])
    assert not torch.equal(kept[0], kept[2])
