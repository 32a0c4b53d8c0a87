"""Mode paper: every run behind the tables, in pieces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from zskt.experiments import few_shot_presets as few_shot
from zskt.experiments import presets
from zskt.experiments.catalog import Catalog
from zskt.experiments.result import Result
from zskt.files import write_json
from zskt.losses import NonFiniteLoss
from zskt.methods.zskt import Game
from zskt.results import paper_runs as module
from zskt.results.paper_runs import planned_runs
from zskt.results.published import PAIRS
from zskt.results.records import read_records
from zskt.results.tables import all_tables

Call = Callable[..., tuple[int, str, str]]


def test_what_a_run_needs_comes_before_it(catalog: Catalog) -> None:
    for data in dict.fromkeys(pair.data for pair in PAIRS):
        names = [run.name for run in planned_runs(data, catalog)]
        assert len(set(names)) == len(names)
        for i, run in enumerate(planned_runs(data, catalog)):
            if run.config.mode != "teacher":
                assert names.index(f"teacher-{run.config.teacher}-seed0") < i
            if run.init_from is not None:
                assert names.index(run.init_from) < i


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs of one step, for forty images."""
    monkeypatch.setattr(module, "IMAGES_PER_CLASS", (2,))
    monkeypatch.setattr(module, "TRANSITION_PRESETS", ("", "", ""))
    for recipes in (few_shot.OF_DATA, few_shot.WHOLE):
        short = recipes.get("mnist", {}) | {"pseudo_batches": 1, "student_steps": 1}
        monkeypatch.setitem(recipes, "mnist", short)
    for name in ("mnist-lenet5", "mnist-lenet5-to-lenet5-half", "mnist-lenet5-to-lenet5-half-paper"):
        monkeypatch.setitem(presets.PRESETS, name, presets.PRESETS[name].with_(pseudo_batches=1))


def test_pieces_make_the_whole_and_the_tables_find_every_run(
    call: Call, digits: Path, small: None, monkeypatch: pytest.MonkeyPatch, catalog: Catalog
) -> None:
    piece = ("--mode", "paper", "--only", "mnist", "--data", digits, "--out", "all", "--seed", 0)
    turn, played = Game.turn, []

    def stopped(game: Game) -> dict[str, float]:
        played.append(game.config.preset)
        if len(played) == 2:
            raise KeyboardInterrupt  # in the second game
        return turn(game)

    monkeypatch.setattr(Game, "turn", stopped)
    code, out, err = call(*piece)
    assert code == 130 and "interrupted" in err
    assert len(list(Path("all").glob("*/result.json"))) == 2
    code, out, err = call(*piece)
    assert code == 0 and "9 of 9 runs are finished" in out, err
    assert played == ["mnist-lenet5-to-lenet5-half-paper", *["mnist-lenet5-to-lenet5-half"] * 2]
    tuned = Result.read(Path("all/few-shot-mnist-lenet5-to-lenet5-half-2-tuned-seed0/result.json"))
    assert tuned.init_from_run == "zero-shot mnist-lenet5-to-lenet5-half" and tuned.samples_per_class == 2
    assert len(read_records(Path("all"))) == 9
    row = next(line for line in all_tables(Path("all"), catalog).splitlines() if line.startswith("| MNIST, lenet5"))
    assert row.count("(n = 1)") == 6 and row.count("not run") == 1  # KD+AT with 200 a class was not asked for

    # A longer or shorter game than the recipe's is no entry of the paper's tables.
    path = Path("all/zero-shot-mnist-lenet5-to-lenet5-half-seed0/result.json")
    write_json(path, replace(Result.read(path), iterations=5).to_dict())
    row = next(line for line in all_tables(Path("all"), catalog).splitlines() if line.startswith("| MNIST, lenet5"))
    assert row.count("(n = 1)") == 5 and row.count("not run") == 2


def test_a_deadline_stops_between_turns(call: Call, digits: Path, small: None) -> None:
    code, out, err = call(
        *("--mode", "paper", "--only", "mnist", "--data", digits, "--out", "all", "--seed", 0),
        *("--minutes", 0.02, "--pseudo-batches", 100_000),
    )
    assert code == 0, err
    assert "0 of 9 runs are finished in all" in out and "next: teacher-mnist-lenet5-seed0; go on with the same" in out
    assert Path("all/teacher-mnist-lenet5-seed0/checkpoint.pt").is_file()


def test_a_run_that_fails_does_not_stop_the_others(
    call: Call, digits: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = Game.turn

    def diverges(game: Game) -> dict[str, float]:
        if game.config.preset.endswith("paper"):
            raise NonFiniteLoss("student's KL is nan")
        return turn(game)

    monkeypatch.setattr(Game, "turn", diverges)
    piece = ("--mode", "paper", "--only", "mnist", "--data", digits, "--out", "all", "--seed", 0)
    code, out, err = call(*piece)
    assert code == 0 and "zero-shot-mnist-lenet5-to-lenet5-half-paper-seed0: turn 0: student's KL is nan" in err
    assert "8 of 9 runs are finished" in out
    code, _, err = call(*piece, "--pseudo-batches", 3)
    assert code == 2 and "teacher-mnist-lenet5-seed0: was begun with another iterations; name another --out" in err


def test_mistakes_of_paper(call: Call) -> None:
    for arguments, message in (
        ((), "say for which data"),
        (("--only", "imagenet"), "no table is about it; choose one of cifar10, svhn, mnist"),
        (("--only", "mnist", "--minutes", -1), "--minutes is -1.0, but must be positive"),
        (("--only", "mnist", "--minutes", "inf"), "--minutes is inf, but must be positive, and at most"),
        (("--only", "mnist", "--preset", "x"), "--mode paper does not use --preset"),
    ):
        code, _, err = call("--mode", "paper", *arguments)
        assert code == 2 and message in err and err.count("\n") == 1, err
