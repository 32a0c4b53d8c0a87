"""Access to a teacher and budgets of queries, in runs from a configuration: counted, limited, recorded, resumed."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.conftest import Call
from zskt.__main__ import catalog
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.config import RunConfig
from zskt.experiments.finished import as_begun, read_config, require_same_config
from zskt.experiments.interrupt import Interrupted
from zskt.experiments.launch import launch
from zskt.experiments.result import Result
from zskt.experiments.runner import Options
from zskt.methods import METHODS, Method, iterate
from zskt.storage.files import read_json

CATALOG = catalog()
SHORT: dict[str, Any] = {"batch_size": 8, "student_steps": 2}
PAIR = CATALOG.presets["mnist-lenet5-to-lenet5-half"].with_(generator="image", iterations=3, **SHORT)
QUICK: dict[str, dict[str, Any]] = {
    "zskt": {"perturbation_radius": 0.0},
    "fast": {"synthesis_steps": 2, "synthesis_size": 8, "synthesis_warmup": 1, "bn_weight": 0.0},
    "nayer": {
        "synthesis_batch_size": 8,
        "generator_steps": 2,
        "warmup_loops": 1,
        "synthesis_warmup": 1,
        "bn_weight": 0.0,
    },
}
N_TEST = 40
"""Images of the fixture ``digits``, on which teacher and student are judged."""


class Counted(nn.Module):
    def __init__(self, network: nn.Module, **marks: Any) -> None:
        super().__init__()
        self.network, self.asked = network, 0
        for name, value in marks.items():
            setattr(self, name, value)

    def forward(self, *x: Tensor) -> Tensor:
        self.asked += len(x[0])
        answer: Tensor = self.network(*x)
        return answer


def counted(**marks: Any) -> tuple[Catalog, Counted]:
    """A catalogue whose LeNet-5 counts what it is asked."""
    card: Any = CATALOG.teachers["mnist-lenet5"]
    teacher = Counted(card.load(), **marks)

    class Card(type(card)):  # type: ignore[misc]
        def load(self) -> nn.Module:
            return teacher

    own = Card(**{name: getattr(card, name) for name in card.__dataclass_fields__})
    return CATALOG.with_teacher(own), teacher


def options(digits: Path, out: Path, **more: Any) -> Options:
    return Options(device="cpu", out=out, data=digits, progress=False, **more)


def with_method(name: str, **changes: Any) -> RunConfig:
    own = PAIR.with_method(name).settings.names()
    short = {"iterations": 3, **SHORT, **changes}
    return PAIR.with_method(name).with_(**{k: v for k, v in short.items() if k in own or k not in SHORT})


@pytest.mark.parametrize(
    ("method", "queries"),
    [
        ("fast", 0),
        ("nayer", 0),
        ("zskt", 0),
        ("zskt", 19),
        ("dfme", 0),
        ("dfme", 75),
        ("maze", 135),
        ("disguide", 19),
        ("hard-label", 19),
    ],
)
def test_the_teachers_own_counter_is_what_the_result_says(
    digits: Path, tmp_path: Path, method: str, queries: int
) -> None:
    known, teacher = counted()
    config = with_method(method, queries=queries)
    config = config.with_(**QUICK.get(method, {}))
    _, result = launch(config, known, options(digits, tmp_path / "run"))
    assert teacher.asked - N_TEST == result["teacher_queries"] > 0
    assert not queries or result["teacher_queries"] <= queries
    assert result.get("queries") == (queries or None)
    assert Result.read(tmp_path / "run" / "result.json").queries == (queries or None)


def test_a_budget_makes_a_run_as_long_as_it_lasts(call: Call, digits: Path, tmp_path: Path) -> None:
    run = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--method", "prior-only", "--data", digits,
           "--batch-size", 8, "--student-steps", 2)  # fmt: skip
    code, _, err = call(*run, "--queries", "43", "--out", tmp_path / "a")
    assert code == 0, err
    result = read_json(tmp_path / "a" / "result.json")
    assert (result["iterations"], result["teacher_queries"], result["queries"]) == (5, 40, 43)
    config, _ = read_config(tmp_path / "a")
    assert config.queries == 43 and config.generator == "strokes-prior"
    for queries, message in ((-3, "queries is -3"), (7, "an iteration costs 8")):
        code, _, err = call(*run, "--queries", queries, "--out", tmp_path / "b")
        assert code == 2 and message in err and len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(("generator", "length"), [("strokes", 2), ("strokes-prior", 5)])
def test_a_generator_that_takes_no_steps_costs_none(
    call: Call, digits: Path, tmp_path: Path, generator: str, length: int
) -> None:
    """A batch of the student's own costs a second one for a generator that is trained; a prior's budget lasts."""
    code, _, err = call(
        "--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half-paper", "--generator", generator, "--out",
        tmp_path / "a", "--data", digits, "--batch-size", 8, "--student-steps", 2, "--queries", "40", "--set",
        "attention_weight=0")  # fmt: skip
    assert code == 0, err
    result = read_json(tmp_path / "a" / "result.json")
    assert (result["iterations"], result["teacher_queries"]) == (length, 8 * length * (1 + (generator == "strokes")))


def test_what_the_teacher_is_said_to_give_is_all_that_a_method_gets(digits: Path, tmp_path: Path) -> None:
    known, teacher = counted()
    config = with_method("disguide", teacher_access="top-class")
    folder, result = launch(config, known, options(digits, tmp_path / "run"))
    assert result["teacher_access"] == "top-class" and teacher.asked - N_TEST == result["teacher_queries"]
    assert read_config(folder)[0].teacher_access == "top-class"
    with pytest.raises(UserError, match=r"method dfme follows the teacher's probabilities.*disguide, hard-label"):
        launch(with_method("dfme", teacher_access="top-class"), known, options(digits, tmp_path / "b", method="dfme"))
    with pytest.raises(UserError, match="unknown teacher_access 'all'"):
        PAIR.with_(teacher_access="all")


def test_a_method_that_nobody_chose_gives_way(digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known, _ = counted(differentiable=False)
    folder, result = launch(PAIR, known, options(digits, tmp_path / "run"))
    assert result["method"] == "prior-only" and result["generator"] == "leaves-prior"
    assert "has no gradient by its input; method prior-only in place of zskt" in capsys.readouterr().out
    with pytest.raises(UserError, match="take one of dfme"):
        launch(PAIR, known, options(digits, tmp_path / "b", method="zskt"))
    assert folder.is_dir() and not (tmp_path / "b").exists()


def test_what_a_run_exchanged_by_itself_is_known_to_who_asks_for_the_same_again(digits: Path, tmp_path: Path) -> None:
    """As comparisons and sweeps do, which plan runs before a teacher is read."""
    known, _ = counted(differentiable=False)
    chosen = with_method("prior-only").with_(generator="image")
    for name, asked, replaced in (("gives-way", PAIR, ["method", "generator"]), ("chosen", chosen, ["generator"])):
        folder, _ = launch(asked, known, options(digits, tmp_path / name))
        recorded, _ = read_config(folder)
        assert recorded.generator == "leaves-prior" != asked.generator
        assert set(replaced) <= set(read_json(folder / "config.json")["asked"])
        for same in (asked, recorded):
            require_same_config(folder, same)
            assert as_begun(same, folder) == recorded
        for field, other in (
            ("seed", {"seed": 3}),
            ("batch_size", {"batch_size": 6}),
            ("generator", {"generator": "noise"}),
        ):
            with pytest.raises(UserError, match=f"was begun otherwise: {field} is .* there, .* here"):
                require_same_config(folder, asked.with_(**other))
            assert as_begun(asked.with_(**other), folder) == asked.with_(**other)


def test_a_run_that_its_budget_ended_stays_ended(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(METHODS["zskt"], "queries_of", lambda *_: None)  # as of a method that cannot tell
    known, teacher = counted()
    config = PAIR.with_(queries=30, perturbation_radius=1.0)
    folder, result = launch(config, known, options(digits, tmp_path / "run"))
    assert 0 < result["teacher_queries"] <= 30 and (folder / "student.safetensors").is_file()
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    assert result["ended_after"] == json.loads(lines[-1])["step"] < result["iterations"]
    before, asked = (folder / "student.safetensors").read_bytes(), teacher.asked
    _, again = launch(config, known, options(digits, tmp_path / "run", resume=True))
    assert again["teacher_queries"] == result["teacher_queries"] and teacher.asked == asked + N_TEST
    assert (folder / "student.safetensors").read_bytes() == before


class Killed(BaseException):
    """Ends a process, as far as a run can tell."""


def killed_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs be killed behind so many iterations."""

    def iterate_until(method: Method) -> Iterator[dict[str, float]]:
        for metrics in iterate(method):
            if method.state.step > steps:
                raise Killed
            yield metrics

    monkeypatch.setattr("zskt.experiments.runner.iterate", iterate_until)


@pytest.mark.parametrize(("method", "every", "done"), [("prior-only", 100, 9), ("prior-only", 4, 6), ("fast", 2, 3)])
def test_a_budget_holds_when_a_run_is_killed_and_goes_on(
    method: str, every: int, done: int, digits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, teacher = counted()
    inversion = {"synthesis_steps": 2, "synthesis_size": 8, "synthesis_warmup": 0, "bn_weight": 0.0}
    own = inversion if method == "fast" else {"generator": "strokes-prior"}
    config = with_method(method, queries=200, iterations=20, checkpoint_every=every, **own)
    with pytest.MonkeyPatch.context() as patched:
        killed_after(done, patched)
        with pytest.raises(Killed):
            launch(config, known, options(digits, tmp_path / "run"))
    before = teacher.asked - N_TEST
    noted = read_json(tmp_path / "run" / "queries.json")["noted"]
    assert before <= noted <= before + 200 // 100
    config, _ = read_config(tmp_path / "run")
    _, result = launch(config, known, options(digits, tmp_path / "run", resume=True))
    assert teacher.asked - 2 * N_TEST <= result["teacher_queries"] <= 200 and result["steps"] > 0
    assert teacher.asked - 2 * N_TEST > 200 - 8 * 3 - 2 - 8
    said = capsys.readouterr().err
    assert f"after its checkpoint; {200 - noted} of 200 are left" in said
    lost = int(said.split(" queries count that were asked or set aside")[0].split()[-1])
    assert lost <= 200 // 10 + 8 * 3 + 2  # a checkpoint after a tenth of the budget, an iteration, what is set aside
    _, again = launch(config, known, options(digits, tmp_path / "run", resume=True))
    assert again["teacher_queries"] == result["teacher_queries"] and teacher.asked - 3 * N_TEST <= 200


def test_a_run_that_is_stopped_and_saves_loses_nothing_of_its_budget(
    digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    students = []
    for name in ("whole", "stopped"):
        known, teacher = counted()
        config = with_method("prior-only", queries=160, iterations=20, generator="strokes-prior")
        if name == "stopped":
            with monkeypatch.context() as patched:
                patched.setattr("zskt.experiments.runner.Interruption.requested", signal.SIGTERM)
                with pytest.raises(Interrupted):
                    launch(config, known, options(digits, tmp_path / name))
            assert read_json(tmp_path / name / "queries.json") == {"noted": 8}
        launch(config, known, options(digits, tmp_path / name, resume=name == "stopped"))
        students.append((tmp_path / name / "student.safetensors").read_bytes())
        result = read_json(tmp_path / name / "result.json")
        assert result["teacher_queries"] == 160 == teacher.asked - N_TEST * (1 + (name == "stopped"))
    assert students[0] == students[1] and "after its checkpoint" not in capsys.readouterr().err
    killed_after(0, monkeypatch)
    with pytest.raises(Killed):
        launch(config, known, options(digits, tmp_path / "third"))
    (tmp_path / "third" / "queries.json").write_text('{"noted": "many"}')
    with pytest.raises(UserError, match="says not how many queries were asked"):
        launch(config, known, options(digits, tmp_path / "third", resume=True))
    (tmp_path / "third" / "queries.json").write_text('{"noted": 160}')
    with pytest.raises(UserError, match="queries is 160: spent before the student's first step; give more"):
        launch(config, known, options(digits, tmp_path / "third", resume=True))


def test_a_run_that_its_budget_shortened_goes_on_by_its_own_command(call: Call, digits: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--method", "prior-only", "--data", digits,
           "--batch-size", 8, "--student-steps", 2, "--queries", "43", "--out", out, "--resume", "auto")  # fmt: skip
    code, _, err = call(*run, "--iterations", 100)
    assert code == 0, err
    result, student = read_json(out / "result.json"), (out / "student.safetensors").read_bytes()
    assert result["iterations"] == 5 and read_json(out / "config.json")["asked"]["iterations"] == 100
    code, said, err = call(*run, "--iterations", 100)
    assert (code, said) == (0, f"{out}: is finished, nothing is left to do; see {out / 'result.json'}\n"), err
    (out / "result.json").unlink()
    code, _, err = call(*run, "--iterations", 100)
    assert code == 0, err
    assert read_json(out / "result.json")["iterations"] == 5
    assert (out / "student.safetensors").read_bytes() == student
    for other, told in (
        (("--iterations", 50), "iterations is 100 there, 50 here"),
        (("--iterations", 100, "--queries", 80), " there, 80 here"),
    ):
        code, _, err = call(*run, *other)
        assert code == 2 and f"{told}; resume with the flags that it was started" in err, err


def test_few_shot_is_as_long_as_its_budget_lasts_and_goes_on_by_its_own_command(
    call: Call, digits: Path, tmp_path: Path
) -> None:
    few = ("--mode", "few-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--samples-per-class", 1, "--data", digits,
           "--batch-size", 8, "--iterations", 6, "--set", "attention_weight=0", "--resume", "auto")  # fmt: skip
    for steps, queries, rounds in ((2, 60, (3, 2)), (4, 24, (1, 3)), (2, 0, (6, 2)), (2, 96, (6, 2))):
        out = tmp_path / f"{steps}-{queries}"
        budget = ("--queries", queries) if queries else ()
        code, _, err = call(*few, "--student-steps", steps, *budget, "--out", out)
        assert code == 0, err
        config, _ = read_config(out)
        assert (config.settings.epochs, config.settings.student_steps) == rounds
        result = read_json(out / "result.json")
        assert result["teacher_queries"] == 8 * rounds[0] * rounds[1] and result["steps"] == rounds[0] * rounds[1]
        code, said, err = call(*few, "--student-steps", steps, *budget, "--out", out)
        assert code == 0 and "is finished" in said, err


def test_few_shot_without_a_length_is_as_long_as_its_budget_lasts(call: Call, digits: Path, tmp_path: Path) -> None:
    few = ("--mode", "few-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--samples-per-class", 1, "--data", digits,
           "--batch-size", 8, "--student-steps", 2, "--set", "attention_weight=0")  # fmt: skip
    code, _, err = call(*few, "--queries", 60, "--out", tmp_path / "run")
    assert code == 0, err
    result = read_json(tmp_path / "run" / "result.json")
    assert (result["steps"], result["teacher_queries"]) == (6, 48)


def test_a_budget_that_ends_before_the_student_learns_leaves_no_result(
    call: Call, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ("synthesis_batch_size=8", "generator_steps=2", "warmup_loops=1", "synthesis_warmup=3", "bn_weight=0")
    run = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--method", "nayer", "--data", digits,
           "--iterations", 6, "--queries", 100, *(word for name in settings for word in ("--set", name)))  # fmt: skip
    code, _, err = call(*run, "--out", tmp_path / "a")
    assert code == 2 and "queries is 100, but the student's first step comes after" in err
    assert "give more, or a smaller synthesis_warmup" in err and not (tmp_path / "a").exists()
    monkeypatch.setattr(METHODS["nayer"], "queries_before_learning", 0)  # as of a method that cannot tell
    code, _, err = call(*run, "--out", tmp_path / "b")
    assert code == 2 and "queries is 100: spent before the student's first step; give more" in err
    assert not (tmp_path / "b" / "result.json").exists() and (tmp_path / "b" / "checkpoint.pt").is_file()


def test_samples_are_counted_too_where_a_student_learns_from_data(digits: Path, tmp_path: Path) -> None:
    known, teacher = counted()
    config = replace(with_method("kd"), mode="kd", queries=1000, teacher_access="probabilities")
    _, result = launch(config, known, options(digits, tmp_path / "run"))
    assert teacher.asked - N_TEST == result["teacher_queries"] == 40


def test_published_onnx_answers_alike_in_both_ways(shared: Path) -> None:
    files = shared / "teachers" / "cms" / "hlt-ak4-v00"
    card: Any = CATALOG.teachers["cms-hlt-particlenet-ak4"].with_files(files / "model.onnx", files / "preprocess.json")
    ours, theirs = card.load(), card.answering_only().load()
    assert ours.differentiable and not theirs.differentiable and "run by onnxruntime" in theirs.origin
    rng = torch.Generator().manual_seed(0)
    x = CATALOG.generators["shower-mix"].build(card.inputs).sample(32, rng).x
    with torch.no_grad():
        a, b = ours(*x).softmax(1), theirs(*x).softmax(1)
    assert float((a - b).abs().amax(1).median()) < 1e-4
