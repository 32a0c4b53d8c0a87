"""Learning from labelled samples beside a teacher or without."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from teachers.images import DATA
from tests.methods.setups import require_exact_resume, run_until, start
from zskt.api import distill
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.errors import UserError
from zskt.forward import Pair
from zskt.methods import Method, Setup
from zskt.methods.supervised import Supervised
from zskt.networks.lenet_vgg import LeNet5


class Constant(nn.Module):
    """The same logits and the same layer whatever is asked."""

    attention_layers = ("map",)

    def __init__(self, logits: tuple[float, ...], layer: tuple[float, ...]) -> None:
        super().__init__()
        self.logits, self.layer = nn.Parameter(torch.tensor(logits)), torch.tensor(layer)
        self.map = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        self.map(self.layer.expand(len(x), 1, -1))
        return self.logits.expand(len(x), -1)


def loss_of(kd_fraction: float, has_teacher: bool = True, **settings: Any) -> float:
    """The loss of the first round, of four samples: teacher (1/4, 3/4), student (0.8, 0.2), labels 0 1 1 1."""
    data = Labelled(TensorSamples((torch.zeros(4, 1),)), torch.tensor([0, 1, 1, 1]))
    teacher = Constant((0.0, math.log(3.0)), (1.0, 0.0)) if has_teacher else None
    pair = Pair(teacher, Constant((math.log(4.0), 0.0), (0.0, 1.0)))
    method = start(
        "supervised", Setup(pair=pair, data=data, inputs=TensorInputs()), kd_fraction=kd_fraction, **settings
    )
    return run_until(method, 1)[0]["loss/student"]


CROSS_ENTROPY = -0.25 * math.log(0.8) - 0.75 * math.log(0.2)
KL = 0.25 * math.log(0.25 / 0.8) + 0.75 * math.log(0.75 / 0.2)


@pytest.mark.parametrize("fraction", [0.0, 0.3, 1.0])
def test_the_loss_mixes_labels_and_teacher(fraction: float) -> None:
    expected = (1 - fraction) * CROSS_ENTROPY + fraction * KL
    assert loss_of(fraction) == pytest.approx(expected, rel=1e-6)
    assert loss_of(fraction, has_teacher=False) == pytest.approx(CROSS_ENTROPY, rel=1e-6)


def test_attention_has_its_weight() -> None:
    without = loss_of(0.5)
    assert loss_of(0.5, attention_weight=7.0) - without == pytest.approx(7.0, rel=1e-5)  # maps (1, 0) and (0, 1)


def digits(n: int = 40) -> Labelled:
    """Pixels that say their class by brightness."""
    labels = torch.arange(n) % 10
    pixels = torch.randint(0, 20, (n, 1, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Labelled(pixels + (labels * 20).to(torch.uint8).view(-1, 1, 1, 1), labels)


def learn(teacher: bool = True, **settings: Any) -> Method:
    torch.manual_seed(0)
    pair = Pair(LeNet5(10).eval().requires_grad_(False) if teacher else None, LeNet5(10, share=0.5).train())
    setup = Setup(pair=pair, data=digits(), inputs=DATA["mnist"].inputs)
    return start("supervised", setup, **{"batch_size": 8, "epochs": 6} | settings)


def test_a_round_takes_every_sample_once_or_so_many_steps() -> None:
    method = learn()
    run_until(method, 2)
    assert method.state.counters == {"teacher_queries": 80, "steps": 10}
    method = learn(student_steps=3, batch_size=16)
    run_until(method, 2)
    assert method.state.counters == {"teacher_queries": 96, "steps": 6}


def test_labels_alone_ask_no_teacher_and_are_learned() -> None:
    method = learn(teacher=False, epochs=20, student_lr=1e-2)
    accuracies = [logged["accuracy/training"] for logged in run_until(method, 20)]
    assert "teacher_queries" not in method.state.counters
    assert accuracies[-1] > max(0.25, 2 * accuracies[0])


@pytest.mark.parametrize("settings", [{}, {"optimizer": "sgd", "augment": "shift-mirror", "attention_weight": 1.0}])
def test_six_rounds_equal_three_a_restart_and_three_to_the_last_bit(settings: dict[str, Any], tmp_path: Path) -> None:
    require_exact_resume(lambda: learn(student_steps=2, **settings), tmp_path / "checkpoint.pt")


def test_learning_rates_follow_the_optimisers_schedule() -> None:
    rates = [logged["rate/student"] for logged in run_until(learn(optimizer="sgd", epochs=10, student_lr=0.1), 10)]
    assert rates[:2] == [0.1, 0.1] and rates[-1] == pytest.approx(0.1 * 0.2**3)
    rates = [logged["rate/student"] for logged in run_until(learn(epochs=10, student_lr=0.1), 10)]
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.002


def test_augmentation_is_drawn_from_the_stream_of_the_order() -> None:
    rows, moved = torch.arange(4), []
    for settings in ({"augment": "shift"}, {"augment": "shift"}, {}):
        method = learn(**settings)  # type: ignore[arg-type]
        assert isinstance(method, Supervised)
        moved.append(method.batch(rows).samples)
    assert torch.equal(moved[0], moved[1]) and not torch.equal(moved[0], moved[2])  # type: ignore[arg-type]
    assert torch.equal(moved[2], method.data.samples[rows])  # type: ignore[arg-type]


def test_images_of_a_notebook_are_augmented_too() -> None:
    x = torch.zeros(64, 1, 12, 12)
    x[:, :, 6, 6] = 1
    labels = torch.arange(64) % 2
    seen: list[Tensor] = []

    class Watcher(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last = nn.Linear(144, 2)

        def forward(self, x: Tensor) -> Tensor:
            seen.append(x.detach())
            return torch.as_tensor(self.last(x.flatten(1)))

    distill(None, Watcher(), data=(x, labels), method="supervised", iterations=2, augment="shift", progress=False)
    images = torch.cat(seen[-2:])
    assert (images.sum((1, 2, 3)) == 1).all()
    assert len(torch.unique(images.flatten(1).argmax(1))) > 30  # 64 images at 81 places
    with pytest.raises(UserError, match=r"augment shift is for images, but the teacher of this call takes vectors"):
        distill(None, Watcher(), data=(x.flatten(1), labels), method="supervised", augment="shift", progress=False)
