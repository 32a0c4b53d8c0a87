"""Images on the command line: the whole way from a teacher to a student on a tiny data set."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from generators import GENERATORS
from generators.images.convnet import ConvGenerator
from teachers.images import DATA
from tests.conftest import png
from zskt import domains
from zskt.images.datasets import read_images
from zskt.networks.lenet_vgg import LeNet5

Call = Callable[..., tuple[int, str, str]]


FAST = ("--pseudo-batches", 3, "--batch-size", 16)


def test_from_teacher_to_student_and_no_real_image_before_the_verdict(
    call: Call, digits: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = call("--mode", "teacher", "--preset", "mnist-lenet5", "--data", digits, *FAST)
    assert code == 0, err
    events: list[str] = []

    def recorded(name: str, place: Path | None, split: str) -> object:
        events.append(split)
        return read_images(name, place, split)

    monkeypatch.setattr(domains, "read_images", recorded)

    from zskt.methods.zskt import Game

    turn = Game.turn
    monkeypatch.setattr(Game, "turn", lambda game: events.append("turn") or turn(game))  # type: ignore[func-returns-value]
    for preset in ("mnist-lenet5-to-lenet5-half", "mnist-lenet5-to-lenet5-half-paper"):
        events.clear()
        code, out, err = call("--mode", "zero-shot", "--preset", preset, "--data", digits, *FAST, "--out", preset)
        assert code == 0, err
        assert events == ["turn"] * 3 + ["test"]
        assert "40 images of mnist test" in out
        result = json.loads(Path(preset, "result.json").read_text())
        assert result["data"]["images"] == 40 and result["student"]["parameters"] == 15_738
    code, out, err = call("--mode", "evaluate", "--run", preset)  # the run knows where its images are
    assert code == 0, err
    assert Path(preset, "evaluate-mnist-test-digits.json").is_file()
    next(digits.glob("test*")).write_bytes(next(digits.glob("train*")).read_bytes())
    code, _, err = call("--mode", "evaluate", "--run", preset)
    assert code == 2 and "not the images that this run was judged on" in err and err.count("\n") == 1


def test_mistakes_with_images_are_met_before_the_game(call: Call, digits: Path) -> None:
    code, _, err = call("--mode", "teacher", "--preset", "mnist-lenet5", "--data", digits, *FAST)
    assert code == 0, err
    paper = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half-paper", *FAST, "--out", "run")
    code, _, err = call(*paper, "--data", digits, "--student", "wrn-16-1")
    assert code == 2 and "attention maps have [196, 25] positions, the student's [256, 64]" in err
    next(digits.glob("test*")).unlink()
    for mode in (("--mode", "teacher", "--preset", "mnist-lenet5", *FAST, "--out", "run"), paper):
        code, _, err = call(*mode, "--data", digits)
        assert code == 2 and "holds neither test.parquet nor" in err
    code, _, err = call("--mode", "teacher", "--preset", "mnist-lenet5", "--teacher", "svhn-wrn-40-2")
    assert code == 2 and "trains mnist-lenet5, not svhn-wrn-40-2" in err
    assert not Path("run").exists()


def test_the_papers_student_learns_from_the_z_of_the_generators_step() -> None:
    from zskt.pair import Pair

    from zskt.experiments.config import Config
    from zskt.experiments.presets import PRESETS
    from zskt.methods.zskt import Game, begin

    config: Config = PRESETS["mnist-lenet5-to-lenet5-half-paper"].with_(batch_size=8, student_steps=2)
    torch.manual_seed(0)
    players = Pair(LeNet5(10).eval().requires_grad_(False), LeNet5(10, share=0.5), ConvGenerator(DATA["mnist"].inputs))
    cpu = torch.device("cpu")
    game = Game(players, config, begin(players, config, cpu))
    seen: list[torch.Tensor] = []
    players.generator.register_forward_pre_hook(lambda _, given: seen.append(given[0]))  # type: ignore[union-attr]
    list(game.play(2))
    assert len(seen) == 4
    assert torch.equal(seen[0], seen[1]) and torch.equal(seen[2], seen[3]) and not torch.equal(seen[0], seen[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--preset", "mnist-lenet5-to-lenet5-half"), "train it with --mode teacher --preset mnist-lenet5"),
        (
            ("--teacher", "cifar10-resnet20", "--student", "pfn"),
            "pfn is for jets, but the teacher cifar10-resnet20",
        ),
        (
            ("--teacher", "cifar10-resnet20", "--student", "resnet8", "--generator", "shower"),
            "--generator shower is for jets, but the teacher cifar10-resnet20 takes images: choose one of cutouts",
        ),
        (("--preset", "mnist-lenet5"), "--preset mnist-lenet5 is for --mode teacher"),
        (("--student", "lenet5-half"), "choose one of deepsets, particlenet-light, pfn, pfn-small"),
        (("--set", "push=1"), "push 1.0 is for images, but the teacher zskt-particlenet takes jets"),
    ],
)
def test_networks_that_do_not_belong_together(
    call: Call, arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("teachers.files.KEPT", tmp_path)  # as if no teacher had been kept with the project
    code, _, err = call("--mode", "zero-shot", *arguments)
    assert code == 2 and message in err and err.count("\n") == 1, err
    assert not list(Path().glob("runs/*"))


@pytest.mark.parametrize(("every", "unsaved"), [(1, 1e9), (100, -1.0)])  # by turns, or because time has passed
def test_a_game_that_keeps_an_average_goes_on_exactly(
    call: Call, digits: Path, monkeypatch: pytest.MonkeyPatch, every: int, unsaved: float
) -> None:
    from zskt.experiments import runner as running
    from zskt.methods.zskt import Game

    monkeypatch.setattr(running, "UNSAVED", unsaved)
    monkeypatch.setattr(running, "SILENT", -1.0)
    assert call("--mode", "teacher", "--preset", "mnist-lenet5", "--data", digits, "--pseudo-batches", 1)[0] == 0
    game = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--data", digits, "--pseudo-batches", 4)
    game = (*game, "--batch-size", 8, "--set", f"checkpoint_every={every}", "--set", "average=0.7")
    code, _, err = call(*game, "--out", "whole")
    assert code == 0 and "whole: turn 3 of 4" in err
    turn = Game.turn

    def stops(self: Game) -> dict[str, float]:
        if self.state.step == 2:
            raise RuntimeError("power cut")
        return turn(self)

    monkeypatch.setattr(Game, "turn", stops)
    with pytest.raises(RuntimeError):
        call(*game, "--out", "cut")
    monkeypatch.setattr(Game, "turn", turn)
    code, _, err = call("--mode", "zero-shot", "--resume", "--out", "cut")
    assert code == 0 and "cut: turn 2 of 4" in err  # nothing was lost
    whole, cut = (Path(run, "student.safetensors").read_bytes() for run in ("whole", "cut"))
    assert whole == cut


def test_wide_resnets_play_both_recipes(call: Call, tmp_path: Path) -> None:
    place = tmp_path / "photographs"
    place.mkdir()
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        rows = [{"bytes": png(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)), "path": None} for _ in range(20)]
        pq.write_table(pa.table({"img": rows, "label": list(range(10)) * 2}), place / f"{split}.parquet")
    short = ("--data", place, "--pseudo-batches", 1, "--batch-size", 4)
    code, _, err = call("--mode", "teacher", "--preset", "cifar10-wrn-16-2", *short)
    assert code == 0, err
    for preset, answers in (("cifar10-wrn-16-2-to-wrn-16-1", 4), ("cifar10-wrn-16-2-to-wrn-16-1-paper", 8)):
        code, _, err = call("--mode", "zero-shot", "--preset", preset, *short, "--student-steps", 1, "--out", preset)
        assert code == 0, err
        result = json.loads(Path(preset, "result.json").read_text())
        assert result["student"]["name"] == "wrn-16-1" and result["teacher_queries"] == answers
    code, _, err = call(
        *("--mode", "few-shot", "--run", "cifar10-wrn-16-2-to-wrn-16-1", "--images-per-class", 1),
        *(*short, "--student-steps", 1, "--out", "tuned"),
    )
    assert code == 0, err


@pytest.mark.parametrize(("changes", "answers"), [({}, 2), ({"generator": "strokes"}, 3), ({"reuse": False}, 2)])
def test_pushed_images_lie_within_reach_and_every_answer_is_counted(changes: dict[str, object], answers: int) -> None:
    from zskt.pair import Pair

    from zskt.experiments.config import Config
    from zskt.methods.zskt import Game, begin

    config = Config(preset="test", teacher="mnist-lenet5", student="lenet5-half", generator="strokes-prior", push=2.0)
    config = config.with_(batch_size=8, student_steps=1, replay=0.5, pseudo_batches=1, **changes)
    generator = GENERATORS[config.generator].build(DATA["mnist"].inputs)
    assert isinstance(generator, torch.nn.Module)
    players = Pair(LeNet5(10).eval().requires_grad_(False), LeNet5(10, share=0.5), generator)
    cpu = torch.device("cpu")
    game = Game(players, config, begin(players, config, cpu))
    drawn: list[torch.Tensor] = []
    generator.register_forward_hook(lambda _m, _i, draw: drawn.append(draw.x[0].detach()))
    list(game.play(1))
    assert game.state.counters["teacher_queries"] == answers * 8
    (kept,), _ = game.state.parts["pool"].draw(64, torch.Generator().manual_seed(0))  # type: ignore[union-attr, operator]
    far = torch.cdist(kept.flatten(1), drawn[-1].flatten(1)).amin(1)
    assert (far < 2.01).all() and far.max() > 0.5
