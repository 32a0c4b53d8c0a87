"""Mode paper: every run behind the tables, in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from zskt.errors import NonFiniteLoss
from zskt.experiments import few_shot_presets as few_shot
from zskt.experiments import presets
from zskt.experiments.catalog import Catalog
from zskt.experiments.result import Result
from zskt.methods import Metrics
from zskt.methods.zskt import ZSKT
from zskt.results import paper_runs as module
from zskt.results.paper_runs import planned_runs
from zskt.results.published import PAIRS
from zskt.results.records import read_records
from zskt.results.tables import all_tables
from zskt.storage.files import write_json

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
    for recipes in (few_shot.OF_DATASET, few_shot.ALL_SAMPLES):
        short = recipes.get("mnist", {}) | {"epochs": 1, "student_steps": 1}
        monkeypatch.setitem(recipes, "mnist", short)
    for name in ("mnist-lenet5", "mnist-lenet5-to-lenet5-half", "mnist-lenet5-to-lenet5-half-paper"):
        monkeypatch.setitem(presets.PRESETS, name, presets.PRESETS[name].with_length(1))


def test_pieces_make_the_whole_and_the_tables_find_every_run(
    call: Call, digits: Path, small: None, monkeypatch: pytest.MonkeyPatch, catalog: Catalog
) -> None:
    piece = ("--mode", "paper", "--only", "mnist", "--data", digits, "--out", "all", "--seed", 0)
    run, generators = ZSKT.run, []

    def stopped(method: ZSKT) -> Iterator[Metrics]:
        generators.append(type(method.generator).__name__)
        if len(generators) == 2:
            raise KeyboardInterrupt  # in the second distillation
        yield from run(method)

    monkeypatch.setattr(ZSKT, "run", stopped)
    code, out, err = call(*piece)
    assert code == 130 and "interrupted" in err
    assert len(list(Path("all").glob("*/result.json"))) == 2
    code, out, err = call(*piece)
    assert code == 0 and "9 of 9 runs are finished" in out, err
    assert generators == ["ConvGenerator", "Strokes", "Strokes"]  # the paper's recipe, then ours
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
        *("--minutes", 0.02, "--iterations", 100_000),
    )
    assert code == 0, err
    assert "0 of 9 runs are finished in all" in out and "next: teacher-mnist-lenet5-seed0; go on with the same" in out
    assert Path("all/teacher-mnist-lenet5-seed0/checkpoint.pt").is_file()


def test_a_run_that_fails_does_not_stop_the_others(
    call: Call, digits: Path, small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ZSKT.run

    def diverges(method: ZSKT) -> Iterator[Metrics]:
        if type(method.generator).__name__ == "ConvGenerator":  # the paper's recipe
            raise NonFiniteLoss("student's KL is nan")
        yield from run(method)

    monkeypatch.setattr(ZSKT, "run", diverges)
    piece = ("--mode", "paper", "--only", "mnist", "--data", digits, "--out", "all", "--seed", 0)
    code, out, err = call(*piece)
    assert code == 0 and "zero-shot-mnist-lenet5-to-lenet5-half-paper-seed0: iteration 0: student's KL is nan" in err
    assert "8 of 9 runs are finished" in out
    code, _, err = call(*piece, "--iterations", 3)
    assert code == 2 and "teacher-mnist-lenet5-seed0: was begun otherwise: epochs is " in err


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
