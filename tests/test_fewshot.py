"""Learning from labelled samples beside a teacher or without: mode few-shot."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers.images import DATA
from zskt.dataset import Labelled, of_each_class
from zskt.errors import UserError
from zskt.experiments.config import Config
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.presets import PRESETS, changes
from zskt.methods.supervised import Classifier

Call = Callable[..., tuple[int, str, str]]
PAIR = "mnist-lenet5-to-lenet5-half"
SHORT = ("--mode", "few-shot", "--preset", PAIR, "--pseudo-batches", 2, "--student-steps", 2, "--batch-size", 8)


class Says(nn.Module):
    """The same logits whatever is asked, and an activation to watch."""

    attention_layers = ("map",)

    def __init__(self, logits: tuple[float, ...], seen: tuple[float, ...]) -> None:
        super().__init__()
        self.logits, self.seen = nn.Parameter(torch.tensor(logits)), torch.tensor(seen)
        self.map = nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        self.map(self.seen.expand(len(x), 1, -1))
        return self.logits.expand(len(x), -1)


def classifier(**settings: object) -> Classifier:
    config = few_shot(PRESETS[PAIR]).with_(augment="none", **settings)
    data = Labelled(torch.zeros(4, 1, 28, 28, dtype=torch.uint8), torch.tensor([0, 1, 1, 1]))
    teacher = Says((0.0, math.log(3.0)), (1.0, 0.0)) if config.alpha else None
    student = Says((math.log(4.0), 0.0), (0.0, 1.0))
    return Classifier(student, data, DATA["mnist"].inputs, config, torch.device("cpu"), teacher, 1)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_loss_mixes_labels_and_teacher(alpha: float) -> None:
    x, labels = (torch.zeros(4, 1, 32, 32),), torch.tensor([0, 1, 1, 1])
    cross = -0.25 * math.log(0.8) - 0.75 * math.log(0.2)
    kl = 0.25 * math.log(0.25 / 0.8) + 0.75 * math.log(0.75 / 0.2)
    loss, _ = classifier(alpha=alpha, beta=0.0, temperature=1.0).loss(x, labels)
    assert float(loss.detach()) == pytest.approx((1 - alpha) * cross + alpha * kl, rel=1e-6)


def test_attention_is_weighed_by_beta() -> None:
    x, labels = (torch.zeros(4, 1, 32, 32),), torch.tensor([0, 1, 1, 1])
    without, _ = classifier(alpha=0.5, beta=0.0).loss(x, labels)
    beside, _ = classifier(alpha=0.5, beta=7.0).loss(x, labels)  # maps (1, 0) and (0, 1)
    assert float((beside - without).detach()) == pytest.approx(7.0 * 1.0, rel=1e-5)


def test_samples_are_of_each_class_and_a_larger_number_adds_to_them() -> None:
    data = Labelled(torch.arange(60).view(60, 1, 1, 1).to(torch.uint8), torch.arange(60) % 3)
    few, more = (of_each_class(data, ("a", "b", "c"), m, seed=5) for m in (4, 9))
    assert torch.bincount(few.labels).tolist() == [4, 4, 4]
    values = [set(part.samples.flatten().tolist()) for part in (few, more)]  # type: ignore[union-attr]
    assert len(values[0]) == 12 and values[0] < values[1]
    with pytest.raises(UserError, match="--images-per-class 21: class a has 20 samples; take at most as many"):
        of_each_class(data, ("a", "b", "c"), 21, seed=5)


def test_a_recipe_knows_what_was_changed_of_it() -> None:
    recipe = few_shot(PRESETS[PAIR], images_per_class=10).with_(seed=3)
    assert changes(recipe) == {}
    assert changes(recipe.with_(student_lr=0.5)) == {"student_lr": 0.5}
    assert changes(recipe.with_(alpha=0.0, beta=0.0)) == {}
    assert changes(recipe.with_(alpha=0.5, beta=7.0)) == {"alpha": 0.5, "beta": 7.0}
    assert changes(PRESETS[PAIR].with_(coverage=1.0, generator="image")) == {"coverage": 1.0}
    assert changes(few_shot(PRESETS[PAIR], f"zero-shot {PAIR}")) == {}


@pytest.fixture
def trained(call: Call, digits: Path) -> Path:
    """A teacher of two epochs, where the project finds it."""
    code, _, err = call("--mode", "teacher", "--preset", "mnist-lenet5", "--data", digits, "--pseudo-batches", 2)
    assert code == 0, err
    return digits


def test_few_shot_with_a_teacher_without_and_from_a_zero_shot_student(call: Call, trained: Path) -> None:
    code, _, err = call(*SHORT, "--data", trained, "--images-per-class", 2, "--out", "kdat")
    assert code == 0, err
    result = json.loads(Path("kdat/result.json").read_text())
    assert result["steps"] == 4 and result["teacher_queries"] == 4 * 8 and result["images_per_class"] == 2
    assert result["alpha"] == 0.9 and result["start"] == "scratch" and result["changes"] == {"student_steps": 2}
    code, _, err = call(
        *("--mode", "zero-shot", "--preset", PAIR, "--pseudo-batches", 2, "--batch-size", 8),
        *("--data", trained, "--out", "zero"),
    )
    assert code == 0, err
    fine = ("--mode", "few-shot", "--run", "zero", "--pseudo-batches", 1, "--student-steps", 1, "--data", trained)
    code, _, err = call(*fine, "--set", "student_lr=0", "--set", "weight_decay=0", "--out", "fine")
    assert code == 0, err
    before, after = (json.loads(Path(run, "result.json").read_text()) for run in ("zero", "fine"))
    assert after["start"] == f"zero-shot {PAIR}"
    assert after["student"]["kl"] == pytest.approx(before["student"]["kl"], rel=1e-6)  # a rate of 0 leaves it as it was
    files = json.loads(Path("fine/config.json").read_text())["files"]
    assert files["start"]["path"] == "zero" and len(files["start"]["sha256"]) == 64


def test_labels_alone_need_no_teacher(call: Call, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("teachers.files.KEPT", digits)  # as if no teacher had been kept with the project
    code, _, err = call(*SHORT, "--data", digits, "--out", "run")
    assert code == 2 and "train it with --mode teacher" in err
    code, out, err = call(*SHORT, "--data", digits, "--without-teacher", "--out", "run")
    assert code == 0, err
    assert json.loads(Path("run/result.json").read_text())["student"]["agreement"] is None
    assert "\nstudent" in out and "\nteacher" not in out, "who took no part has no line"


def test_an_interrupted_few_shot_run_goes_on_exactly(
    call: Call, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = (*SHORT[:4], "--pseudo-batches", 4, "--student-steps", 2, "--data", trained, "--images-per-class", 3)
    code, _, err = call(*long, "--out", "whole")
    assert code == 0, err
    turn = Classifier.count

    def stops(self: Classifier, what: str, n: int) -> None:
        turn(self, what, n)
        if what == "steps" and self.state.step == 2:
            raise RuntimeError("power cut")

    monkeypatch.setattr(Classifier, "count", stops)
    with pytest.raises(RuntimeError):
        call(*long, "--set", "checkpoint_every=1", "--out", "cut")
    monkeypatch.setattr(Classifier, "count", turn)
    code, _, err = call("--mode", "few-shot", "--resume", "--out", "cut")
    assert code == 0, err
    whole, cut = (json.loads(Path(run, "result.json").read_text())["student"]["kl"] for run in ("whole", "cut"))
    assert whole == cut
    code, _, err = call("--mode", "few-shot", "--resume", "--out", "cut", "--images-per-class", 2)
    assert code == 2 and err.count("\n") == 1, err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--images-per-class", 5), "--images-per-class 5: class 0 has 4 samples; take at most as many"),
        (("--images-per-class", -1), "--images-per-class is -1, but must be at least 0"),
        (("--set", "coverage"), "--set coverage: write it as NAME=VALUE"),
        (("--set", "speed=2"), "unknown field of a recipe 'speed': choose one of"),
        (("--set", "reuse=maybe"), "--set reuse=maybe: reuse is a bool, like True"),
        (("--set", "beta=nan"), "beta is nan, but must be a finite number"),
        (("--set", "balance=100"), "--balance is 100.0, but must be at most 2"),
        (("--set", "alpha=2"), "alpha is 2.0, but must be in [0, 1]"),
        (("--run", "nothing"), "nothing/config.json: no such file; give the folder of a run of zskt"),
        (("--generator", "image"), "--mode few-shot does not use --generator"),
        (("--student", "wrn-16-1"), "attention maps have [196, 25] positions, the student's [256, 64]"),
    ],
)
def test_mistakes_of_few_shot(call: Call, trained: Path, arguments: tuple[object, ...], message: str) -> None:
    code, _, err = call(*SHORT, "--data", trained, "--out", "run", *arguments)
    assert code == 2 and message in err and err.count("\n") == 1, err
    assert not Path("run").exists()


def test_a_run_of_other_networks_is_not_begun_from(call: Call, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    config = Config(preset=PAIR, teacher="cifar10-resnet20", student="resnet8", generator="image")
    (tmp_path / "other/config.json").write_text(json.dumps(config.to_dict()))
    code, _, err = call(*SHORT, "--data", trained, "--run", "other", "--student", "lenet5-half", "--out", "run")
    assert code == 2 and "its student is resnet8, not lenet5-half; leave --student out" in err
