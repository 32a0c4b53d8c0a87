"""All runs of a comparison, by a stand-in for the command line: what fails ends no other, nothing is done twice."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from zskt.cluster.compare.budget import Budget
from zskt.cluster.compare.campaign import PLAN, Campaign, Plan, Request
from zskt.cluster.compare.entrants import Entrant
from zskt.cluster.jobs import Job
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.storage.files import read_json, write_json

STUB = Path(__file__).with_name("stub.py")


def campaign(out: Path, methods: Sequence[str], budget: Budget, seeds: Sequence[int] = (0, 1)) -> Campaign:
    def job(name: str, arguments: Sequence[str]) -> Job:
        return Job(name=name, folder=out / name, arguments=tuple(arguments), python=(sys.executable, str(STUB)),
                   path="", cwd=str(out), log=out / "logs" / f"{name}.log")  # fmt: skip

    def arguments(request: Request) -> list[str]:
        words = ["--method", request.entrant.method, "--seed", str(request.seed)]
        return words + ([] if request.iterations is None else ["--iterations", str(request.iterations)])

    def config(request: Request) -> RunConfig:
        return RunConfig(preset="p", seed=request.seed).with_(
            iterations=request.iterations, evaluate_every=request.evaluate_every
        )

    out.mkdir(exist_ok=True)
    entrants = [Entrant(method=name) for name in methods]
    return Campaign(out=out, entrants=entrants, seeds=seeds, plan=Plan.open(out / PLAN, "p", budget),
                    arguments=arguments, config=config, job=job)  # fmt: skip


def calls(out: Path) -> list[str]:
    """What the stand-in was called for, trials first."""
    files = [out / "trials" / "calls.txt", out / "calls.txt"]
    return [line for file in files if file.is_file() for line in file.read_text().splitlines()]


def test_each_gets_what_fills_its_budget_and_a_second_call_does_nothing(tmp_path: Path) -> None:
    out, budget = tmp_path / "c", Budget(minutes=1, queries=100_000)
    first = campaign(out, ["a", "b"], budget)
    first.work()
    assert read_json(out / PLAN)["iterations"] == {"a": 120, "b": 120}  # half a second each
    runs = first.outcome().runs
    assert [path.name for path in runs["a"]] == ["c-a-seed0", "c-a-seed1"] and len(runs["b"]) == 2
    order = [line for line in calls(out) if " 120 " in line]
    assert order == ["a 0 120 begun", "b 0 120 begun", "a 1 120 begun", "b 1 120 begun"]
    before = calls(out)
    campaign(out, ["a", "b"], budget).work()
    assert calls(out) == before
    campaign(out, ["a", "b"], budget, seeds=(0, 1, 2)).work()  # one more seed, of the same length
    assert calls(out)[-2:] == ["a 2 120 begun", "b 2 120 begun"] and len(calls(out)) == len(before) + 2


def test_a_length_that_does_not_fill_the_budget_is_corrected_by_what_the_first_run_cost(tmp_path: Path) -> None:
    out = tmp_path / "c"
    campaign(out, ["grows", "a"], Budget(minutes=1), seeds=(0,)).work()  # n iterations take n^2 / 100 s: 77 fill it
    plan = read_json(out / PLAN)
    trials = [trial["iterations"] for trial in plan["trials"]["grows"]]
    assert plan["corrections"] == {"grows": 2} and len(trials) == 4
    assert plan["iterations"]["a"] == 120 and 70 < plan["iterations"]["grows"] < 85
    assert read_json(out / "c-grows-seed0" / "result.json")["iterations"] == plan["iterations"]["grows"]
    for length in trials[2:]:  # what was run is kept
        assert read_json(out / "trials" / f"c-grows-seed0-{length}" / "result.json")["iterations"] == length
    before = calls(out)
    campaign(out, ["grows", "a"], Budget(minutes=1), seeds=(0, 1)).work()  # other seeds are as long
    length = plan["iterations"]["grows"]
    assert calls(out)[len(before) :] == [f"grows 1 {length} begun", "a 1 120 begun"]


def test_a_length_stays_where_other_seeds_have_it_or_queries_are_the_limit(tmp_path: Path) -> None:
    out = tmp_path / "c"
    campaign(out, ["grows"], Budget(minutes=1, queries=3000), seeds=(0,)).work()
    assert read_json(out / PLAN)["iterations"] == {"grows": 30} and not read_json(out / PLAN)["corrections"]
    out = tmp_path / "d"
    work = campaign(out, ["grows"], Budget(minutes=1))
    (out / "d-grows-seed1").mkdir()
    work.work()
    assert read_json(out / PLAN)["corrections"] == {}


def test_what_cannot_play_or_breaks_is_told_and_others_go_on(tmp_path: Path) -> None:
    out = tmp_path / "c"
    work = campaign(out, ["refuses", "breaks", "a"], Budget(minutes=1))
    work.work()
    outcome = work.outcome()
    assert {name: len(runs) for name, runs in outcome.runs.items()} == {"breaks": 1, "a": 2}
    assert outcome.failures["refuses"].refused and outcome.failures["refuses"].reason == "refuses: knows no vectors"
    broken = outcome.failures["breaks, seed 1"]
    assert not broken.refused and broken.reason == "RuntimeError: out of luck"
    assert not any(line.startswith("refuses") for line in (out / "calls.txt").read_text().splitlines())


def test_a_process_that_was_killed_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    out = tmp_path / "c"
    work = campaign(out, ["killed"], Budget(), seeds=(0,))
    work.work()
    assert [line.split()[-1] for line in calls(out)] == ["begun", "resumed"] and work.outcome().runs
    assert not (out / "trials").exists()  # no budget, no trial


def test_another_budget_or_preset_is_another_comparison(tmp_path: Path) -> None:
    out = tmp_path / "c"
    campaign(out, ["a"], Budget(minutes=1), seeds=(0,)).work()
    with pytest.raises(UserError, match=r"was begun with minutes 1, not 2; name another --out"):
        campaign(out, ["a"], Budget(minutes=2))
    with pytest.raises(UserError, match="was begun with preset 'p', not 'q'"):
        Plan.open(out / PLAN, "q", Budget(minutes=1))


def test_a_run_of_another_recipe_is_not_taken_for_done(tmp_path: Path) -> None:
    out = tmp_path / "c"
    work = campaign(out, ["a"], Budget(), seeds=(0,))
    folder = out / "c-a-seed0"
    folder.mkdir()
    write_json(folder / "config.json", RunConfig(preset="p").with_(batch_size=3).to_dict() | {"files": {}})
    with pytest.raises(UserError, match=r"was begun otherwise: .*batch_size is 3 there, 128 here"):
        work.work()


def test_a_trial_that_takes_longer_than_the_budget_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zskt.cluster.compare.campaign.longest_trial", lambda budget: 0.2)
    work = campaign(tmp_path / "c", ["sleeps"], Budget(minutes=1), seeds=(0,))
    work.work()
    assert work.failures["sleeps"].refused and not work.outcome().runs
    assert work.failures["sleeps"].reason == "0 iterations took more than 0 seconds"
