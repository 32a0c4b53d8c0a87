"""Answers of a teacher in shards: made, made again, gone on with, and learned from, by the command line."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
import torch

from tests.conftest import Call
from tests.teachers.plain_networks import Pictures, Rows, write
from zskt.shards import Manifest, read_shard, shard_path
from zskt.storage.checkpoint_file import read_checkpoint
from zskt.storage.files import read_json

JETS = ("--preset", "jets-embedded")
SHORT = ("--student-steps", 2, "--batch-size", 16)


def shas(folder: Path) -> list[str]:
    return [read_shard(path).sha256() for path in sorted(folder.glob("shard-*.parquet"))]


@pytest.fixture
def vectors(tmp_path: Path) -> tuple[object, ...]:
    file = write(Rows(3), torch.rand(2, 3), tmp_path / "net.pt")
    (tmp_path / "inputs.yaml").write_text("features: [{name: a, low: 0, high: 1}, {name: b}, {name: c, low: -1}]")
    return ("--preset", "vectors", "--teacher-path", file, "--inputs", tmp_path / "inputs.yaml")


def answers(call: Call, teacher: tuple[object, ...], samples: int, folder: str, *more: object) -> str:
    code, out, err = call(
        "--mode", "answers", *teacher, "--samples", samples, "--shard-size", 40, "--out", folder, *more
    )
    assert code == 0, err
    return out


def test_jets_are_answered_in_shards_that_can_be_made_again(call: Call) -> None:
    assert "100 jets in 3 shards of a" in answers(call, JETS, 100, "a")
    first = shas(Path("a"))
    assert len(set(first)) == 3 and [len(read_shard(shard_path(Path("a"), i))) for i in range(3)] == [40, 40, 20]
    manifest = Manifest.read(Path("a"))
    assert (manifest.generator, manifest.unit, manifest.samples) == ("shower-prior", "jet", 100)
    code, out, err = call("--mode", "answers", *JETS, "--out", "a", "--shard", 1)
    assert code == 0 and "made again, the same to the bit" in out and first[1] in out, err
    shard_path(Path("a"), 0).unlink()
    shard_path(Path("a"), 2).write_bytes(b"PAR1")
    kept = shard_path(Path("a"), 1).stat().st_mtime_ns
    out = answers(call, JETS, 100, "a")
    assert "shard 0 of 3" in out and "shard 2 of 3" in out and "shard 1" not in out
    assert shas(Path("a")) == first and shard_path(Path("a"), 1).stat().st_mtime_ns == kept
    answers(call, JETS, 150, "a")
    assert shas(Path("a"))[:2] == first[:2], "a larger number adds shards"
    code, _, err = call("--mode", "answers", *JETS, "--out", "a", "--jets", 50)
    assert code == 2 and "has 150 jets already; ask for at least as many" in err
    answers(call, JETS, 80, "b", "--seed", 1)
    assert not set(shas(Path("b"))) & set(first)
    code, _, err = call("--mode", "answers", *JETS, "--out", "b", "--jets", 80, "--shard-size", 40)
    assert code == 2 and "b: was begun with seed 1, not 0; name another folder" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--out", "a"), "say how many samples: --samples N"),
        (("--out", "a", "--samples", 0), "must be at least 1 each"),
        (("--out", "full", "--samples", 5), "full: is not empty, and holds no answers"),
        (("--out", "a", "--samples", 5, "--set", "student_lr=1"), "reads radius, pt_low, pt_high alone"),
        (("--out", "a", "--samples", 5, "--shard", 3), "--shard 3: there are 1 shards, from 0 to 0"),
        (("--out", "a", "--samples", 5, "--cluster", "lsf"), "--cluster lsf: choose one of local"),
        (("--out", "a", "--samples", 5, "--generator", "mlp", "--workers", 0, "--cluster", "local"), "--workers is 0"),
    ],
)
def test_mistakes_are_one_line(call: Call, words: tuple[object, ...], line: str) -> None:
    Path("full").mkdir()
    Path("full", "mine").write_text("")
    code, _, err = call("--mode", "answers", *JETS, *words)
    assert code == 2 and line in err and err.count("\n") == 1, err


def test_a_student_learns_from_shards_and_the_teacher_is_not_asked(call: Call, vectors: tuple[object, ...]) -> None:
    answers(call, vectors, 200, "a")
    run = ("--mode", "kd", *vectors, "--data", "a", *SHORT)
    code, _, err = call(*run, "--iterations", 9, "--out", "whole")
    assert code == 0, err
    result = read_json(Path("whole/result.json"))
    assert (result["teacher_queries"], result["steps"]) == (200, 18), "an epoch and a half"
    recorded = read_json(Path("whole/config.json"))["files"]["data"]
    assert recorded["path"].endswith("/a") and len(recorded["sha256"]) == 64
    losses = [json.loads(line)["loss/student"] for line in Path("whole/metrics.jsonl").read_text().splitlines()]
    assert losses[-1] < losses[0]
    code, _, err = call(*run, "--iterations", 9, "--out", "again")
    assert code == 0 and student("again") == student("whole")
    code, _, err = call(*run, "--iterations", 9, "--seed", 1, "--out", "other")
    assert code == 0 and student("other") != student("whole")
    Path("table.csv").write_text("b,a,c,label\n0,0.5,1,1\n1,0.1,2,0\n-2,0.9,0,2\n")
    code, out, err = call("--mode", "evaluate", "--run", "whole", "--data", "table.csv")
    assert code == 0 and "3 vectors of table.csv" in out, err
    code, _, err = call("--mode", "few-shot", *vectors, "--data", "a", "--out", "few")
    assert code == 2 and "holds a teacher's answers, without labels; use --mode kd" in err
    shard_path(Path("a"), 3).unlink()
    code, _, err = call(*run, "--out", "none")
    assert code == 2 and "1 of 5 shards are not there yet" in err and err.count("\n") == 1


def student(run: str) -> bytes:
    return Path(run, "student.safetensors").read_bytes()


def test_an_interrupted_run_from_shards_goes_on_to_the_bit(
    call: Call, vectors: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(call, vectors, 120, "a")
    run = ("--mode", "kd", *vectors, "--data", "a", *SHORT, "--iterations", 8)
    code, _, err = call(*run, "--out", "whole")
    assert code == 0, err

    class Stop:
        """An interruption after five iterations."""

        def __enter__(self) -> Stop:
            self.count = 0
            return self

        def __exit__(self, *_: object) -> None: ...

        @property
        def requested(self) -> int:
            self.count += 1
            return signal.SIGINT if self.count >= 5 else 0

    with monkeypatch.context() as patch:
        patch.setattr("zskt.experiments.runner.Interruption", Stop)
        code, _, _ = call(*run, "--out", "part")
    assert code == 130
    state = read_checkpoint(Path("part/checkpoint.pt"))
    assert state["step"] == 5 and state["parts"]["samples"] == {"drawn": 5 * 2 * 16}
    code, _, err = call(*run, "--out", "part", "--resume")
    assert code == 0 and student("part") == student("whole"), err


def test_answers_of_another_teacher_are_told(call: Call, vectors: tuple[object, ...], tmp_path: Path) -> None:
    assert "80 vectors in 2 shards" in answers(call, vectors, 80, "v")
    code, _, err = call("--mode", "kd", *JETS, "--data", "v", "--out", "run")
    assert code == 2 and "v/answers.json: answers of " in err and err.count("\n") == 1
    code, _, err = call("--mode", "kd", *vectors, *SHORT, "--iterations", 2, "--data", "v", "--out", "run")
    assert code == 0, err
    write(Rows(3), torch.rand(2, 3) + 1, tmp_path / "net.pt")
    (tmp_path / "net.pt").write_bytes((tmp_path / "net.pt").read_bytes() + b"\0")
    code, _, err = call("--mode", "kd", *vectors, *SHORT, "--data", "v", "--out", "other")
    assert code == 2 and err.count("\n") == 1, err


def test_images_are_answered_too(call: Call, tmp_path: Path) -> None:
    file = write(Pictures(channels=1, outputs=10, head="softmax"), torch.rand(2, 1, 28, 28), tmp_path / "net.onnx")
    teacher = ("--preset", "grey-images", "--teacher-path", file, "--input-shape", 1, 28, 28)
    assert "60 images in 2 shards" in answers(call, teacher, 60, "i")
    assert read_shard(shard_path(Path("i"), 0)).columns["x.0"].shape == (40, 1, 28, 28)
    code, _, err = call("--mode", "kd", *teacher, *SHORT, "--iterations", 2, "--data", "i", "--out", "run")
    assert code == 0, err


@pytest.mark.slow
def test_a_cluster_makes_the_same_shards(call: Call) -> None:
    pytest.importorskip("distributed")
    answers(call, JETS, 200, "here")
    out = answers(call, JETS, 200, "there", "--cluster", "local", "--workers", 2)
    assert "5 done, 0 failed" in out and "200 jets in 5 shards" in out
    assert shas(Path("there")) == shas(Path("here"))
    assert answers(call, JETS, 200, "there", "--cluster", "local").count("\n") == 1, "nothing is left to do"
