"""The command line as a user meets it: results, exit codes, and one line for each mistake."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from teachers import TEACHERS
from tests.conftest import ROOT, Call
from zskt.cli.commands import COMMANDS
from zskt.cli.modes import MODES
from zskt.cli.names import read_names
from zskt.experiments.summary import summary
from zskt.jets.sample import SAMPLE
from zskt.methods import METHODS, Metrics
from zskt.methods.zskt import ZSKT

QUICK = ("--iterations", 2, "--batch-size", 16, "--student-steps", 1, "--student", "pfn-small")
PAIR = "mnist-lenet5-to-lenet5-half"
KEYS = {"schema", "preset", "mode", "method", "generator", "seed", "iterations", "seconds", "teacher", "student"}


def fast(digits: Path, preset: str = PAIR) -> tuple[object, ...]:
    """A run on forty digits."""
    return ("--preset", preset, "--data", digits, "--iterations", 2, "--batch-size", 8, "--student-steps", 2)


def test_every_mode_has_a_command() -> None:
    assert set(COMMANDS) == set(MODES) - {"list", "view"}


def test_zero_shot_leaves_a_whole_run_folder_and_evaluate_reads_it(call: Call, tmp_path: Path) -> None:
    code, out, err = call("--mode", "zero-shot", *QUICK, "--out", "run")
    assert code == 0, err
    run = tmp_path / "run"
    names = {path.name.split(".out.")[0] for path in run.iterdir()}
    assert names >= {"config.json", "environment.json", "metrics.jsonl", "checkpoint.pt", "student.safetensors"}
    assert names >= {"result.json", "events"}
    result = json.loads((run / "result.json").read_text())
    assert set(result) >= KEYS
    assert set(result["teacher"]) >= {"name", "parameters", "accuracy", "auc"}
    assert set(result["student"]) >= {"name", "parameters", "accuracy", "auc", "agreement", "kl"}
    assert result["teacher"]["accuracy"] > 0.65
    assert summary(result, Path("run")) in out
    assert [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()] == [1, 2]
    code, out, err = call("--mode", "evaluate", "--run", "run", "--data", SAMPLE)
    assert code == 0, err
    again = json.loads((run / "evaluate-sample.json").read_text())
    assert set(again) == set(result)
    for key in ("accuracy", "auc", "agreement"):
        assert again["student"][key] == pytest.approx(result["student"][key], abs=1e-6)


def test_kd_and_teacher_modes(call: Call, tmp_path: Path, few_jets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zskt.domains.jets.SAMPLE", few_jets)  # to be judged on
    code, _, err = call("--mode", "kd", *QUICK, "--data", few_jets, "--out", "kd")
    assert code == 0, err
    result = json.loads((tmp_path / "kd/result.json").read_text())
    assert result["mode"] == result["method"] == "kd" and result["teacher_queries"] == 200
    assert result["steps"] == 2  # of QUICK
    code, _, err = call(
        "--mode", "teacher", "--data", SAMPLE, "--iterations", 1, "--batch-size", 32, "--out", "teacher"
    )
    assert code == 0, err
    result = json.loads((tmp_path / "teacher/result.json").read_text())
    assert result["student"]["accuracy"] > 0.2  # chance is 0.1
    assert result["epochs"] == 1


def test_few_shot_with_a_teacher_without_and_from_a_zero_shot_student(call: Call, digits: Path) -> None:
    code, _, err = call("--mode", "few-shot", *fast(digits), "--samples-per-class", 2, "--out", "kdat")
    assert code == 0, err
    result = json.loads(Path("kdat/result.json").read_text())
    assert result["steps"] == 4 and result["teacher_queries"] == 16 + 4 * 8 and result["samples_per_class"] == 2
    assert result["kd_fraction"] == 0.9 and result["init_from_run"] == "scratch"
    assert result["changes"] == {"student_steps": 2}
    code, out, err = call("--mode", "few-shot", *fast(digits), "--without-teacher", "--out", "labels")
    assert code == 0, err
    result = json.loads(Path("labels/result.json").read_text())
    assert result["student"]["agreement"] is None and result["teacher_queries"] == 0
    assert "\nstudent" in out and "\nteacher" not in out, "who took no part has no line"
    code, _, err = call("--mode", "zero-shot", *fast(digits), "--out", "zero")
    assert code == 0, err
    fine = ("--mode", "few-shot", "--run", "zero", "--iterations", 1, "--student-steps", 1, "--data", digits)
    code, _, err = call(*fine, "--set", "student_lr=0", "--set", "weight_decay=0", "--out", "fine")
    assert code == 0, err
    before, after = (json.loads(Path(run, "result.json").read_text()) for run in ("zero", "fine"))
    assert after["init_from_run"] == f"zero-shot {PAIR}"
    assert after["student"]["kl"] == pytest.approx(before["student"]["kl"], rel=1e-6)  # a rate of 0 leaves it as it was
    files = json.loads(Path("fine/config.json").read_text())["files"]
    assert Path(files["start"]["path"]) == Path("zero").absolute() and len(files["start"]["sha256"]) == 64


def test_a_process_that_gets_ctrl_c_says_how_to_go_on_and_does(digits: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "train.py"), "--mode", "zero-shot", "--device", "cpu"]
    flags = [str(flag) for flag in fast(digits)]
    flags[flags.index("--iterations") + 1] = "400"
    recipe = [*command, *flags, "--set", "checkpoint_every=1000"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*recipe, "--out", "run"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment
    )
    metrics = tmp_path / "run/metrics.jsonl"
    while process.poll() is None and not (metrics.exists() and metrics.read_text().count("\n") > 2):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130 and err.endswith("--resume --out run\n"), err
    done = metrics.read_text().count("\n")
    assert 2 < done < 400 and not (tmp_path / "run/result.json").exists()
    checkpoint = torch.load(tmp_path / "run/checkpoint.pt", weights_only=True)
    assert checkpoint["step"] == done


def test_a_run_is_resumed_by_its_folder_alone(call: Call, digits: Path) -> None:
    assert call("--mode", "zero-shot", *fast(digits), "--out", "run")[0] == 0
    before = Path("run/student.safetensors").read_bytes()
    times = {path: path.stat().st_mtime_ns for path in (Path("run"), *Path("run").iterdir())}
    code, out, err = call("--mode", "zero-shot", "--resume", "--out", "run")
    assert (code, out) == (0, "run: is finished, nothing is left to do; see run/result.json\n"), err
    assert times == {path: path.stat().st_mtime_ns for path in (Path("run"), *Path("run").iterdir())}
    Path("run/result.json").unlink()
    code, _, err = call("--mode", "zero-shot", "--resume", "auto", "--out", "run")
    assert code == 0, err
    assert Path("run/student.safetensors").read_bytes() == before
    for flags in (("--seed", 3), ("--set", "student_lr=0.5"), ("--batch-size", 4)):
        code, _, err = call("--mode", "zero-shot", *flags, "--out", "run", "--resume")
        assert code == 2 and "resume with the flags that it was started with" in err and err.count("\n") == 1
    for flags in (("--mode", "zero-shot", "--preset", "jetclass-kin"), ("--mode", "kd")):
        code, _, err = call(*flags, "--out", "run", "--resume")
        assert code == 2 and "resume it with these" in err and err.count("\n") == 1


def test_another_method_is_run_by_its_name(call: Call, digits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Half(ZSKT):
        """ZSKT that stops after half of its iterations."""

        def run(self) -> Iterator[Metrics]:
            for metrics in super().run():
                yield metrics
                if 2 * self.state.step >= self.config.iterations:
                    return

    monkeypatch.setitem(METHODS, "half", Half)
    monkeypatch.setitem(read_names()["methods"], "half", "half of ZSKT")
    code, _, err = call("--mode", "zero-shot", *fast(digits), "--method", "half", "--set", "student_lr=0.001")
    assert code == 0, err
    (folder,) = Path("runs").iterdir()
    assert folder.name == f"zero-shot-{PAIR}-lenet5-half-image-half-seed0"
    result = json.loads((folder / "result.json").read_text())
    assert result["method"] == "half" and result["changes"]["student_lr"] == 0.001
    assert (folder / "metrics.jsonl").read_text().count("\n") == 1


def test_a_run_that_diverges_ends_with_code_1(call: Call, digits: Path) -> None:
    code, _, err = call("--mode", "zero-shot", *fast(digits), "--set", "student_lr=1e30", "--out", "run")
    assert code == 1 and err.splitlines()[-1].startswith("zskt: stopped at iteration ")
    assert (
        err.endswith("no step was taken on it; good until iteration 0: run/checkpoint.pt\n")
        and not Path("run/result.json").exists()
    )


def mistakes() -> list[tuple[tuple[object, ...], str]]:
    zero = ("--mode", "zero-shot")
    return [
        ((*zero, "--iterations", 0), "iterations is 0, but must be at least 1"),
        ((*zero, "--resume"), "--resume: say which run"),
        ((*zero, "--resume", "--out", "nothing"), "no such file; give the folder of a run"),
        ((*zero, "--set", "optimizer=sgd"), "unknown setting of --mode zero-shot (method zskt) 'optimizer'"),
        (
            ("--mode", "kd", "--set", "warmup=0.5", "--data", SAMPLE),
            "unknown setting of --mode kd (method kd) 'warmup'",
        ),
        ((*zero, "--set", "inherit=True", *QUICK), "init_from_teacher: of the student's"),
        (
            (*zero, "--set", "hint=1", "--student", "deepsets"),
            "hint_weight: teacher or student has no blocks to compare",
        ),
        ((*zero, "--set", "pt_low=2000"), "the first must be the smaller"),
        (
            (*zero, "--preset", "cifar100-wrn-40-2-to-wrn-16-1"),
            "train it with --mode teacher --preset cifar100-wrn-40-2",
        ),
        ((*zero, "--method", "supervised"), "--method supervised learns from samples: take --mode few-shot or teacher"),
        (("--mode", "kd"), "--data: this mode learns from jets: give FILE.root"),
        (("--mode", "teacher"), "--data: this mode learns from jets: give FILE.root"),
        (("--mode", "evaluate"), "--mode evaluate: say which run"),
        (("--mode", "evaluate", "--run", "nothing"), "nothing/config.json: no such file"),
        (("--mode", "report"), "--mode report: say which run"),
        (("--mode", "export", "--run", "nothing"), "--mode export: say where to write"),
        (("--mode", "transition"), "--mode transition: say which run"),
        (("--mode", "simulate"), "--mode simulate: say where to write"),
        (("--mode", "record"), "--mode record: say which run"),
        (("--mode", "paper"), "--mode paper: say for which data"),
        (("--mode", "toy", "--iterations", -1), "--iterations -1 at least 1"),
        (("--mode", "tables", "--run", "."), "no run with a result.json"),
    ]


@pytest.mark.parametrize(("arguments", "message"), mistakes())
def test_a_mistake_gets_one_line_and_exit_code_2(
    call: Call, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert message in err and err.startswith("zskt: ")
    assert err.count("\n") == 1
    assert not any(tmp_path.iterdir()), "a mistake leaves nothing behind"


def test_a_folder_with_something_in_it_is_never_overwritten(call: Call, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/notes").write_text("mine")
    code, _, err = call("--mode", "zero-shot", *QUICK, "--out", "run")
    assert code == 2 and "not empty" in err
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["notes"]


def test_a_teacher_of_another_shape(call: Call, tmp_path: Path) -> None:
    for state, message in (
        (TEACHERS["jetclass-particlenet-kinpid"].build().state_dict(), "takes 13 features, the card says 7"),
        ({"weight": torch.ones(3)}, "takes 0 features, the card says 7"),
        ([1, 2], "holds no state_dict"),
    ):
        torch.save(state, tmp_path / "other.pt")
        flags = ("--mode", "zero-shot", "--teacher", "jetclass-particlenet-kin", "--teacher-path", "other.pt")
        code, _, err = call(*flags)
        assert code == 2 and message in err
    (tmp_path / "other.pt").write_bytes(b"broken")
    code, _, err = call(*flags)
    assert code == 2 and "not a readable PyTorch state_dict" in err


@pytest.mark.usefixtures("offline")
def test_a_teacher_that_cannot_be_fetched(call: Call) -> None:
    for mode in ("zero-shot", "fetch"):
        code, _, err = call("--mode", mode, "--teacher", "jetclass-particlenet-kin")
        assert code == 2 and "cannot fetch" in err and "--teacher-path" in err and err.count("\n") == 1


@pytest.mark.usefixtures("offline")
def test_what_was_fetched_is_found_without_a_network(call: Call, digits: Path) -> None:
    code, out, _ = call("--mode", "fetch", "--teacher", "zskt-particlenet")
    assert code == 0 and "teacher: " in out and "ZSKT_CACHE=FOLDER" in out
    code, out, err = call("--mode", "fetch")
    assert code == 2 and "--teacher NAME, or --preset NAME" in err
    code, out, err = call("--mode", "fetch", "--preset", "mnist-lenet5-to-lenet5-half")
    assert code == 2 and "train-images-idx3-ubyte.gz" in err and "as --data" in err


def test_a_run_is_resumed_and_judged_with_its_own_teacher(call: Call, digits: Path, tmp_path: Path) -> None:
    state = load_file(TEACHERS["mnist-lenet5"].files()["teacher"])
    for name in ("mine", "other"):
        state[next(iter(state))] += 1
        save_file(state, tmp_path / f"{name}.safetensors")
    run = ("--mode", "zero-shot", *fast(digits), "--teacher-path", "mine.safetensors", "--out", "run")
    assert call(*run)[0] == 0
    resume, evaluate = ("zero-shot", "--out", "run", "--resume"), ("evaluate", "--run", "run")
    for flags in (evaluate, resume):
        assert call("--mode", *flags)[0] == 0
        if flags == resume:  # a finished run would only say so
            (tmp_path / "run/result.json").unlink()
        code, _, err = call("--mode", *flags, "--teacher-path", "other.safetensors")
        assert code == 2 and "other.safetensors" in err and "not the" in err
    assert call("--mode", *resume)[0] == 0 and (tmp_path / "run/result.json").is_file()
    (tmp_path / "mine.safetensors").unlink()
    figures = tmp_path / "run/evaluate-mnist-test-digits.json"
    before = figures.read_text()
    code, _, err = call("--mode", "evaluate", "--run", "run")
    assert code == 2 and "is not the teacher that this run was distilled from" in err and figures.read_text() == before
    figures.unlink()
    code, out, err = call("--mode", "evaluate", "--run", "run")
    assert code == 0 and "agreement and KL are left out" in err and "–" in out
    student = json.loads(figures.read_text())["student"]
    assert student["agreement"] is None and student["accuracy"] is not None


def test_unlabelled_jets_cannot_train_a_teacher(call: Call, shared: Path) -> None:
    code, _, err = call("--mode", "teacher", "--data", shared / "data/jetclass2/JetClassII_example.parquet")
    assert code == 2 and "samples without labels" in err


def test_a_damaged_run(call: Call, digits: Path, tmp_path: Path) -> None:
    assert call("--mode", "zero-shot", *fast(digits), "--out", "run")[0] == 0
    for name, message in (
        ("student.safetensors", "does not hold"),
        ("config.json", "not a readable JSON"),
        ("checkpoint.pt", "not a readable checkpoint"),
    ):
        copy = tmp_path / f"copy-{name}"
        shutil.copytree(tmp_path / "run", copy)
        (copy / name).write_bytes(b"damaged")
        if name == "checkpoint.pt":
            (copy / "checkpoint.previous.pt").unlink()
            (copy / "result.json").unlink()
        mode = ("zero-shot", "--resume", "--out") if name == "checkpoint.pt" else ("evaluate", "--run")
        code, _, err = call("--mode", *mode, copy)
        assert code == 2 and message in err, err
