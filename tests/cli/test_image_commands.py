"""Images on the command line: the whole way from a teacher to a student on a tiny data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.conftest import Call, png


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
    for preset, queries in (("cifar10-wrn-16-2-to-wrn-16-1", 4), ("cifar10-wrn-16-2-to-wrn-16-1-paper", 8)):
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
