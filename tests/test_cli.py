"""The command line as a user meets it: results, and one line for each mistake."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from teachers import TEACHERS
from zskt.experiments.summary import summary
from zskt.jets.sample import SAMPLE
from zskt.simulation.simulate import simulate

Call = Callable[..., tuple[int, str, str]]
QUICK = ("--pseudo-batches", 2, "--batch-size", 16, "--student-steps", 1, "--student", "pfn-small")
KEYS = {"preset", "mode", "generator", "seed", "pseudo_batches", "seconds", "teacher", "student"}


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


def test_kd_and_teacher_modes(call: Call, tmp_path: Path) -> None:
    code, _, err = call("--mode", "kd", *QUICK, "--data", SAMPLE, "--out", "kd")
    assert code == 0, err
    result = json.loads((tmp_path / "kd/result.json").read_text())
    assert result["mode"] == "kd" and result["teacher_queries"] == 2000
    assert result["steps"] == 2  # of QUICK
    code, _, err = call("--mode", "teacher", "--data", SAMPLE, "--pseudo-batches", 3, "--out", "teacher")
    assert code == 0, err
    assert json.loads((tmp_path / "teacher/result.json").read_text())["student"]["accuracy"] > 0.2  # chance is 0.1


def test_an_interrupted_run_resumes_to_the_same_result(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    four = ("--mode", "zero-shot", "--pseudo-batches", 4, *QUICK[2:])
    assert call(*four, "--out", "whole")[0] == 0
    from zskt.methods import zskt as distill

    student_step = distill.Game.student_step

    def interrupted(self: distill.Game, *args: Any) -> Any:
        if self.state.step == 1:  # in the middle of the second turn
            signal.raise_signal(signal.SIGINT)
        return student_step(self, *args)

    monkeypatch.setattr(distill.Game, "student_step", interrupted)
    code, _, err = call(*four, "--out", "parts")
    assert code == 130 and "--resume" in err
    monkeypatch.setattr(distill.Game, "student_step", student_step)
    assert len((tmp_path / "parts/metrics.jsonl").read_text().splitlines()) == 2
    assert not (tmp_path / "parts/result.json").exists()
    code, _, err = call("--mode", "zero-shot", "--out", "parts", "--resume")
    assert code == 0, err
    a, b = (tmp_path / name / "student.safetensors" for name in ("whole", "parts"))
    assert a.read_bytes() == b.read_bytes()
    assert len((tmp_path / "parts/metrics.jsonl").read_text().splitlines()) == 4


def test_list_names_everything(call: Call) -> None:
    code, out, _ = call("--mode", "list")
    assert code == 0
    for name in ("jetclass-particlenet-kin", "pfn-small", "shower-prior", "jets-embedded"):
        assert name in out


def test_a_teacher_without_a_preset_gets_the_recipe_of_its_data() -> None:
    from zskt.experiments.presets import preset

    assert preset(None, "cifar10-resnet56", "zero-shot").generator == "things-prior"
    assert preset(None, "cifar10-resnet20", "zero-shot").preset == "cifar10-resnet20-to-resnet8"
    assert preset(None, "jetclass-particlenet-full", "kd").preset == "jetclass-full"


def mistakes() -> list[tuple[tuple[object, ...], str]]:
    zero = ("--mode", "zero-shot")
    return [
        ((*zero, "--teacher", "resnet"), "unknown teacher 'resnet': choose one of cifar10-resnet20"),
        (
            (*zero, "--student", "x"),
            "unknown student 'x': choose one of deepsets, lenet5-half, particlenet-light, pfn",
        ),
        ((*zero, "--generator", "x"), "unknown generator 'x': choose one of cutouts-prior, image, leaves-prior, mlp"),
        ((*zero, "--preset", "x"), "unknown preset 'x': choose one of"),
        ((*zero, "--pseudo-batches", 0), "--pseudo-batches is 0, but must be at least 1"),
        ((*zero, "--batch-size", 1), "--batch-size is 1, but must be at least 2"),
        ((*zero, "--seed", -1), "--seed is -1"),
        ((*zero, "--teacher-path", "none.pt"), "none.pt: no such file"),
        ((*zero, "--data", "none.root"), "none.root: no such file"),
        ((*zero, "--resume"), "--resume: say which run"),
        ((*zero, "--resume", "--out", "nothing"), "no such file; give the folder of a run"),
        ((*zero, "--teacher", "jetclass-particlenet-full"), "give it as --teacher-path"),
        ((*zero, "--generator", "none"), "unknown generator 'none'"),
        (("--mode", "kd", "--generator", "mlp"), "--mode kd does not use --generator"),
        (("--mode", "dance"), "invalid choice: 'dance'"),
        ((*zero, "--seed", "x"), "argument --seed: invalid int value: 'x'"),
        (("--mode", "kd"), "--mode kd: learns from jets: --data FILE.root"),
        (("--mode", "teacher"), "--mode teacher: learns from jets: --data FILE.root"),
        (("--mode", "evaluate"), "--mode evaluate: say which run"),
        (("--mode", "evaluate", "--run", "nothing"), "nothing/config.json: no such file"),
        (("--mode", "simulate"), "--mode simulate: say where to write"),
        (("--mode", "tables", "--run", "."), "no run with a result.json"),
    ]


@pytest.mark.parametrize(("arguments", "message"), mistakes())
def test_a_mistake_gets_one_line_and_exit_code_2(
    call: Call, tmp_path: Path, arguments: tuple[object, ...], message: str
) -> None:
    code, _, err = call(*arguments)
    assert code == 2
    assert message in err and err.startswith("train.py: ")
    assert err.count("\n") == 1
    assert not any(tmp_path.iterdir()), "a mistake leaves nothing behind"


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_cuda_where_there_is_none(call: Call) -> None:
    code, _, err = call("--mode", "zero-shot", "--device", "cuda")
    assert code == 2 and "--device cuda" in err


def test_a_folder_with_something_in_it_is_never_overwritten(call: Call, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/notes").write_text("mine")
    code, _, err = call("--mode", "zero-shot", *QUICK, "--out", "run")
    assert code == 2 and "not empty" in err
    assert [p.name for p in (tmp_path / "run").iterdir()] == ["notes"]


def test_a_checkpoint_of_another_preset(call: Call) -> None:
    assert call("--mode", "zero-shot", *QUICK, "--out", "run")[0] == 0
    for flags in (("--preset", "jetclass-kin"), ("--seed", 3), ("--student", "pfn")):
        code, _, err = call("--mode", "zero-shot", *flags, "--out", "run", "--resume")
        assert code == 2 and "resume" in err


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


def test_no_network_and_a_hash_that_does_not_match(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch

    def fails(error: Exception) -> Callable[..., str]:
        def retrieve(*_args: object, **_kwargs: object) -> str:
            raise error

        return retrieve

    for error, message in ((OSError("no route"), "cannot fetch"), (ValueError("SHA256 hash"), "SHA-256 is not")):
        monkeypatch.setattr(pooch, "retrieve", fails(error))
        code, _, err = call("--mode", "zero-shot", "--teacher", "jetclass-particlenet-kin")
        assert code == 2 and message in err and "--teacher-path" in err and err.count("\n") == 1


def test_a_run_without_its_teacher_is_still_evaluated(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("--mode", "zero-shot", *QUICK, "--out", "run")[0] == 0
    from zskt.errors import UserError

    def missing(*_args: object) -> None:
        raise UserError("no network")

    monkeypatch.setattr("zskt.experiments.runner.load_teacher", missing)
    code, out, err = call("--mode", "evaluate", "--run", "run")
    assert code == 0 and "agreement and KL are left out" in err and "–" in out
    result = json.loads((tmp_path / "run/evaluate-sample.json").read_text())
    assert result["student"]["agreement"] is None and result["student"]["accuracy"] is not None


def test_a_run_is_resumed_and_judged_with_its_own_teacher(call: Call, tmp_path: Path) -> None:
    shipped = TEACHERS["zskt-particlenet"].bundled_file
    assert shipped is not None
    state = load_file(shipped)
    for name, value in state.items():
        if name.endswith("fc.1.weight"):
            value.mul_(0.5)
    for name in ("mine", "other"):
        save_file(state, tmp_path / f"{name}.safetensors")
        state["fc.1.bias"] += 1
    assert call("--mode", "zero-shot", *QUICK, "--teacher-path", "mine.safetensors", "--out", "run")[0] == 0
    for flags in (("zero-shot", "--out", "run", "--resume"), ("evaluate", "--run", "run")):
        assert call("--mode", *flags)[0] == 0
        code, _, err = call("--mode", *flags, "--teacher-path", "other.safetensors")
        assert code == 2 and "other.safetensors" in err and "not the" in err
    (tmp_path / "mine.safetensors").unlink()
    kept = tmp_path / "run/evaluate-sample.json"
    before = kept.read_text()
    code, _, err = call("--mode", "evaluate", "--run", "run")
    assert code == 2 and "is not the teacher that this run was distilled from" in err and kept.read_text() == before
    kept.unlink()
    assert call("--mode", "evaluate", "--run", "run")[0] == 0
    assert json.loads(kept.read_text())["student"]["agreement"] is None


def test_unlabelled_jets_cannot_train_a_teacher(call: Call, shared: Path) -> None:
    code, _, err = call("--mode", "teacher", "--data", shared / "data/jetclass2/JetClassII_example.parquet")
    assert code == 2 and "samples without labels" in err


def test_a_damaged_run(call: Call, tmp_path: Path) -> None:
    assert call("--mode", "zero-shot", *QUICK, "--out", "run")[0] == 0
    for name, message in (
        ("student.safetensors", "does not hold"),
        ("config.json", "not a readable JSON"),
        ("checkpoint.pt", "not a readable checkpoint"),
    ):
        copy = tmp_path / f"copy-{name}"
        shutil.copytree(tmp_path / "run", copy)
        (copy / name).write_bytes(b"damaged")
        mode = ("zero-shot", "--resume", "--out") if name == "checkpoint.pt" else ("evaluate", "--run")
        code, _, err = call("--mode", *mode, copy)
        assert code == 2 and message in err, err


def test_simulate_without_its_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import builtins

    real = builtins.__import__

    def without(name: str, *args: object, **kwargs: object) -> object:
        if name.split(".")[0] == "pythia8mc":
            raise ImportError(name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    from zskt.errors import UserError

    monkeypatch.setitem(__import__("sys").modules, "pythia8mc", None)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"requirements-sim.txt"):
        simulate(tmp_path / "jets.root", per_class=1, seed=0)
