"""Mode ``compare`` as a user meets it; its runs work in this process, which spares their start."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Call
from zskt.cli.modes import MODES
from zskt.cluster.compare.processes import Failure
from zskt.cluster.jobs import Job
from zskt.storage.files import read_json

PAIR = "mnist-lenet5-to-lenet5-half"


@pytest.fixture
def commands(call: Call, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Have runs work in this process; returns the command lines as they come."""
    seen: list[list[str]] = []

    def run(job: Job, seconds: float | None = None) -> Failure | None:
        del seconds
        words = job.command()
        seen.append(words[words.index("zskt") + 1 :])
        code, _, err = call(*seen[-1])
        lines = [line for line in err.splitlines() if line.startswith("zskt: ")]
        return None if code == 0 else Failure(lines[-1].removeprefix("zskt: "), code == 2)

    monkeypatch.setattr("zskt.cluster.compare.campaign.run", run)
    return seen


def quick(digits: Path, *more: object) -> tuple[object, ...]:
    """A comparison on forty digits."""
    sizes = (
        "--set",
        "iterations=2",
        "--set",
        "batch_size=8",
        "--set",
        "zskt-paper:student_steps=2",
        "--set",
        "kd:student_steps=2",
    )
    return ("--mode", "compare", "--preset", PAIR, "--data", digits, *sizes, *more)


def test_methods_on_one_page_and_the_same_command_again(
    call: Call, commands: list[list[str]], digits: Path, tmp_path: Path
) -> None:
    told = ("--logger", "csv", "--logger", "tensorboard")
    words = quick(digits, "--methods", "zskt-paper", "dafl", "--seeds", 0, 1, *told, "--out", "c")
    code, out, err = call(*words)
    assert code == 0, err
    assert [line[line.index("--mode") + 1] for line in commands] == ["zero-shot", "zero-shot", "kd"] * 2
    figures = read_json(tmp_path / "c" / "comparison.json")
    assert {e["entrant"] for e in figures["entrants"]} == {"zskt-paper", "dafl", "kd"}
    runs = {e["entrant"]: e["runs"] for e in figures["entrants"]}
    assert [run["seed"] for run in runs["dafl"]] == [0, 1] and runs["zskt-paper"][0]["steps"] == 4
    assert all((tmp_path / "c" / name / "metrics.csv").is_file() for name in ("c-dafl-seed1", "c-kd-seed0"))
    config = read_json(tmp_path / "c" / "c-dafl-seed1" / "config.json")
    assert (config["generator"], config["settings"]["class_entropy_weight"]) == ("image", 5.0)
    page = (tmp_path / "c" / "comparison.html").read_text()
    assert "Pseudo-samples of dafl" in page and "Learning curves" in page and "of kd&#39;s agreement" in page
    assert "page: c/comparison.html" in out
    assert call(*words)[0] == 0 and len(commands) == 6  # nothing is done twice


def test_a_budget_makes_lengths_of_trials(
    call: Call, commands: list[list[str]], digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zskt.cluster.compare.budget.MOST_TRIALS", 1)
    code, _, err = call(*quick(digits, "--methods", "dafl", "hard-label", "--queries", 48, "--out", "c"))
    assert code == 0, err
    lengths = read_json(tmp_path / "c" / "plan.json")["iterations"]
    assert lengths["dafl"] == 6 and "kd" not in lengths  # which asks about each sample once
    asked = read_json(tmp_path / "c" / "c-hard-label-seed0" / "result.json")
    assert 0 < asked["teacher_queries"] <= 48 and asked["queries"] == 48
    result = read_json(tmp_path / "c" / "c-dafl-seed0" / "result.json")
    assert result["iterations"] == 6 and result["teacher_queries"] == 48
    trial = read_json(tmp_path / "c" / "trials" / "trial-dafl-seed0-2" / "result.json")
    assert "left out" in trial["data"]["missing"] and trial["student"]["agreement"] is None
    assert "--without-evaluation" in commands[0] and "--without-evaluation" not in commands[-1]


def test_what_cannot_play_has_a_row_and_a_reason(
    call: Call, commands: list[list[str]], digits: Path, tmp_path: Path
) -> None:
    code, out, err = call(
        *quick(digits, "--methods", "dafl", "dafl@shower", "zskt-paper", "--out", "c"),
        "--set", "zskt-paper:bn_statistics_weight=1",
    )  # fmt: skip
    assert code == 0, err
    failures = read_json(tmp_path / "c" / "comparison.json")["failures"]
    assert "is for jets" in failures["dafl@shower"]["reason"] and failures["dafl@shower"]["refused"]
    assert "the teacher has no batch normalisation" in failures["zskt-paper"]["reason"]
    assert (
        "2 runs have no result" in out and "no batch normalisation" in (tmp_path / "c" / "comparison.html").read_text()
    )
    assert not any("shower" in word for line in commands for word in line)


def test_finished_runs_as_they_are(call: Call, digits: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        run = ("--mode", "zero-shot", "--preset", PAIR, "--data", digits, "--method", "dafl", "--iterations", 2)
        looks = ("--set", "evaluate_every=1")
        code, _, err = call(*run, *looks, "--batch-size", 8, "--seed", seed, "--out", f"r{seed}")
        assert code == 0, err
    page = ("--mode", "compare", "--run", "r0", "r1", "--out", "page", "--experiment-label", "CMS Simulation")
    for _ in range(2):  # a page is made again
        code, out, err = call(*page)
        assert code == 0, err
    assert "| dafl | image |" in out
    (entrant,) = json.loads((tmp_path / "page" / "comparison.json").read_text())["entrants"]
    assert [run["run"] for run in entrant["runs"]] == ["r0", "r1"]
    drawn = [path.read_text() for path in (tmp_path / "page").rglob("*.svg")]
    assert drawn and all("CMS" in text and "Simulation" in text for text in drawn)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "say of what: --preset NAME"),
        (("--preset", PAIR, "--methods", "dalf"), "unknown method 'dalf': did you mean dafl?"),
        (
            ("--preset", PAIR, "--methods", "dafl", "--budget-minutes", 0),
            "--budget-minutes is 0.0, but must be positive",
        ),
        (("--preset", PAIR, "--methods", "dafl", "--set", "batch_sise=8"), "did you mean batch_size?"),
        (("--preset", "jets-embedded", "--iterations", 3), "does not use --iterations"),
        (("--preset", PAIR, "--methods", "dafl", "--out", "full"), "holds something else than a comparison"),
    ],
)
def test_mistakes_are_told_in_one_line(call: Call, tmp_path: Path, words: tuple[object, ...], message: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    code, _, err = call("--mode", "compare", *words)
    assert code == 2 and message in err and err.count("\n") == 1


def test_a_folder_that_may_be_taken_is_not_left_behind_by_a_mistake(call: Call, tmp_path: Path) -> None:
    call("--mode", "compare", "--preset", PAIR, "--methods", "dalf", "--out", "c")
    assert not (tmp_path / "c").exists()


def test_every_flag_of_a_run_is_passed_on() -> None:
    own = {"methods", "seeds", "budget_minutes", "training_data", "run", "queries", "out"}
    run = set(MODES["zero-shot"].flags) - {"method", "seed", "iterations", "resume", "without_evaluation"}
    assert run <= set(MODES["compare"].flags) | own
