"""Images on the command line: the whole way from a teacher to a student on a tiny data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from torch import nn

from tests.conftest import Call, png
from tests.images.idx import digits_in
from zskt.storage.files import read_json


def test_a_teacher_is_trained_and_becomes_that_of_a_run(call: Call, digits: Path) -> None:
    teacher = ("--mode", "teacher", "--preset", "mnist-lenet5", "--data", digits, "--batch-size", 16)
    code, out, err = call(*teacher, "--iterations", 3, "--out", "teacher")
    assert code == 0 and "40 images of mnist test" in out, err
    short = ("--data", digits, "--iterations", 3, "--batch-size", 16, "--student-steps", 2)
    run = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", *short)
    code, out, err = call(*run, "--teacher-path", "teacher/student.safetensors", "--out", "run")
    assert code == 0, err
    result, trained = (json.loads(Path(name, "result.json").read_text()) for name in ("run", "teacher"))
    assert result["teacher"]["accuracy"] == trained["student"]["accuracy"]
    code, _, err = call("--mode", "evaluate", "--run", "run")  # the run knows where its images are
    assert code == 0 and Path("run", "evaluate-mnist-test-digits.json").is_file(), err
    next(digits.glob("test*")).write_bytes(next(digits.glob("train*")).read_bytes())
    code, _, err = call("--mode", "evaluate", "--run", "run")
    assert code == 2 and "not the images that this run was evaluated on" in err and err.count("\n") == 1


def test_wide_resnets_have_both_recipes_and_are_tuned(call: Call, tmp_path: Path) -> None:
    place = tmp_path / "photographs"
    place.mkdir()
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        rows = [{"bytes": png(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)), "path": None} for _ in range(20)]
        pq.write_table(pa.table({"img": rows, "label": list(range(10)) * 2}), place / f"{split}.parquet")
    short = ("--data", place, "--iterations", 1, "--batch-size", 4)
    code, _, err = call("--mode", "teacher", "--preset", "cifar10-wrn-16-2", *short)
    assert code == 0, err
    for preset, queries in (("cifar10-wrn-16-2-to-wrn-16-1", 4), ("cifar10-wrn-16-2-to-wrn-16-1-paper", 16 + 8)):
        code, _, err = call("--mode", "zero-shot", "--preset", preset, *short, "--student-steps", 1, "--out", preset)
        assert code == 0, err
        result = json.loads(Path(preset, "result.json").read_text())
        assert result["student"]["name"] == "wrn-16-1" and result["teacher_queries"] == queries
    code, _, err = call(
        *("--mode", "few-shot", "--run", "cifar10-wrn-16-2-to-wrn-16-1", "--samples-per-class", 1),
        *(*short, "--student-steps", 1, "--out", "tuned"),
    )
    assert code == 0, err


def test_images_that_are_not_there_are_told_before_a_run(call: Call, digits: Path) -> None:
    next(digits.glob("test*")).unlink()
    for mode in (("teacher", "--preset", "mnist-lenet5"), ("zero-shot", "--preset", "mnist-lenet5-to-lenet5-half")):
        code, _, err = call("--mode", *mode, "--data", digits, "--iterations", 1, "--out", "run")
        assert code == 2 and "holds neither test.parquet nor" in err and err.count("\n") == 1
    assert not Path("run").exists()


@pytest.mark.usefixtures("offline")
def test_a_run_and_its_export_need_no_images_and_are_judged_later(call: Call, tmp_path: Path, digits: Path) -> None:
    short = ("--iterations", 2, "--batch-size", 16, "--student-steps", 2, "--set", "evaluate_every=1")
    run = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", *short)
    code, out, err = call(*run, "--out", "run")
    assert code == 0, err
    told = [line for line in err.splitlines() if "not judged" in line]
    assert len(told) == 1 and "MNIST: cannot fetch http" in told[0] and "--data" in told[0]
    assert "nothing was judged" in out
    result = json.loads(Path("run/result.json").read_text())
    assert (result["data"]["count"], result["data"]["sha256"]) == (0, None)
    assert "cannot fetch http" in result["data"]["missing"]
    for role, figures in (("teacher", ("accuracy", "auc")), ("student", ("accuracy", "auc", "agreement", "kl"))):
        assert all(result[role][name] is None for name in figures) and result[role]["parameters"] > 15_000
    code, out, err = call("--mode", "export", "--run", "run", "--out", "student")
    assert code == 0 and err.count("not judged") == 1, err
    measured = json.loads(Path("student/export.json").read_text())
    assert measured["count"] == 0 and measured["difference"] < 1e-5 and "cannot fetch http" in measured["missing"]
    pseudo = "agreement_with_student_on_pseudo_samples"
    assert not any("agreement" in name for name in (*measured["onnx"], *measured["int8"]) if name != pseudo)
    assert 0 <= measured["int8"][pseudo] <= 1
    card = Path("student/README.md").read_text()
    assert "Nothing was judged: MNIST: cannot fetch http" in card and "not compared with the student" in card
    code, _, err = call("--mode", "evaluate", "--run", "run")
    assert code == 2 and "give the folder of its images as --data" in err and err.count("\n") == 1
    code, out, err = call("--mode", "report", "--run", "run")
    assert code == 0 and "report:" in out, err
    code, out, err = call("--mode", "evaluate", "--run", "run", "--data", digits)
    assert code == 0 and "on 40 images" in out, err
    later = json.loads(Path("run/evaluate-mnist-test-digits.json").read_text())
    assert 0 <= later["student"]["agreement"] <= 1 and later["teacher"]["accuracy"] is not None
    code, _, err = call(*run, "--data", digits, "--out", "judged")
    assert code == 0, err
    same = [Path(name, "student.safetensors").read_bytes() for name in ("run", "judged")]
    assert same[0] == same[1]  # images judge, and change nothing


@pytest.mark.usefixtures("offline")
def test_modes_that_learn_from_images_need_them(call: Call) -> None:
    code, _, err = call("--mode", "few-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--out", "run")
    assert code == 2 and "cannot fetch http" in err and err.count("\n") == 1 and not Path("run").exists()


@pytest.mark.parametrize(
    ("labels", "side", "told"), [((0, 1, 12), 28, "labels from 0 to 12"), ((0, 1), 20, "images of (1, 20, 20)")]
)
def test_wrong_images_are_told_before_the_first_iteration(
    call: Call, tmp_path: Path, labels: tuple[int, ...], side: int, told: str
) -> None:
    digits_in(tmp_path / "MNIST/raw", labels=labels, side=side)
    preset = ("--preset", "mnist-lenet5-to-lenet5-half")
    code, _, err = call("--mode", "zero-shot", *preset, "--data", tmp_path, "--out", "run")
    assert code == 2 and told in err and err.count("\n") == 1 and not Path("run").exists()


def a_file(path: Path, *layers: nn.Module) -> Path:
    """Write a network of ten numbers for digits, as TorchScript."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10), *layers).eval()
    torch.jit.script(network).save(str(path))  # type: ignore[no-untyped-call]
    return path


SHORT = ("--iterations", 2, "--batch-size", 8, "--student-steps", 2)


def test_independent_labels_of_images_are_counted_reported_and_compressed(
    call: Call, tmp_path: Path, digits: Path
) -> None:
    teacher = ("--teacher-path", a_file(tmp_path / "labels.pt", nn.Sigmoid()), "--input-shape", 1, 28, 28)
    code, out, err = call("--mode", "kd", *teacher, "--data", digits, *SHORT, "--out", "kd")
    assert code == 0 and "decisions on independent labels, label by label" in out, err
    assert read_json(Path("kd/result.json"))["data"]["counted"] == "labels"
    code, _, err = call("--mode", "report", "--run", "kd")
    assert code == 0, err
    code, _, err = call("--mode", "transition", "--run", "kd", "--images", 1)
    assert code == 2 and "its teacher has independent labels" in err and err.count("\n") == 1
    small = ("--mode", "compress", "--run", "kd", "--channels", 0.5, *SHORT)
    code, out, err = call(*small, "--out", "small")  # the run knows where its images are
    assert code == 0 and "nothing is judged" not in err + out, err
    assert read_json(Path("small/result.json"))["data"]["count"] == 40


def test_few_shot_matches_no_attention_where_a_file_names_no_blocks(call: Call, tmp_path: Path, digits: Path) -> None:
    run = ("--mode", "few-shot", "--teacher-path", a_file(tmp_path / "net.pt"), "--input-shape", 1, 28, 28, *SHORT)
    code, _, err = call(*run, "--data", digits, "--out", "few")
    assert code == 0, err
    assert "no blocks: attention_weight is 0, not the recipe's" in err
    assert read_json(Path("few/result.json"))["attention_weight"] == 0
    code, _, err = call(*run, "--data", digits, "--set", "attention_weight=5", "--out", "other")
    assert code == 2 and "attention_weight: teacher or student has no blocks to compare" in err
