"""The same seed, machine and number of threads: the same bytes, whatever is watched, written or done beside it."""

from __future__ import annotations

import contextlib
import io
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import ROOT, Call
from zskt.__main__ import main

JETS = ("--mode", "zero-shot", "--preset", "jets-embedded", "--iterations", "3", "--batch-size", "32")
IMAGES = ("--mode", "zero-shot", "--preset", "mnist-lenet5-to-lenet5-half", "--iterations", "3", "--batch-size", "16")


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def student(folder: str = "run") -> bytes:
    return Path(folder, "student.safetensors").read_bytes()


def as_before(call: Call, run: tuple[str, ...]) -> None:
    assert call(*run, "--out", "run")[0] == 0


def elsewhere(call: Call, run: tuple[str, ...]) -> None:
    Path("there").mkdir()
    assert call(*run, "--out", "there/ü b")[0] == 0
    Path("there/ü b").rename("run")


def evaluated_often(call: Call, run: tuple[str, ...]) -> None:
    assert call(*run, "--set", "evaluate_every=1", "--out", "run")[0] == 0


def evaluated_at_the_end(call: Call, run: tuple[str, ...]) -> None:
    assert call(*run, "--set", "evaluate_every=0", "--out", "run")[0] == 0


def never_judged(call: Call, run: tuple[str, ...]) -> None:
    assert call(*run, "--without-evaluation", "--out", "run")[0] == 0


def saved_often(call: Call, run: tuple[str, ...]) -> None:
    assert call(*run, "--set", "checkpoint_every=1", "--out", "run")[0] == 0


def in_a_terminal(call: Call, run: tuple[str, ...]) -> None:
    out, err = Terminal(), Terminal()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert main([*run, "--out", "run"]) == 0
    assert "\x1b[" in err.getvalue() and "left" in err.getvalue()


def after_other_work(call: Call, run: tuple[str, ...]) -> None:
    torch.rand(7), np.random.default_rng().random(), np.random.seed(5), random.seed(3)
    as_before(call, run)


def in_another_process(call: Call, run: tuple[str, ...], **environment: str) -> None:
    threads = {"OMP_NUM_THREADS": str(torch.get_num_threads()), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "train.py"), *run, "--out", "run"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **threads, **environment})


def with_other_hashes(call: Call, run: tuple[str, ...]) -> None:
    in_another_process(call, run, PYTHONHASHSEED="12345")


def in_another_language(call: Call, run: tuple[str, ...]) -> None:
    in_another_process(call, run, LC_ALL="C", LANG="C", TZ="Asia/Tokyo", COLUMNS="40")


def killed_and_resumed(call: Call, run: tuple[str, ...]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zskt.experiments.interrupt.Interruption.requested", property(lambda _: int(signal.SIGINT)))
        assert call(*run, "--out", "run")[0] == 130
    assert call(*run, "--out", "run", "--resume")[0] == 0


WAYS: tuple[Callable[[Call, tuple[str, ...]], None], ...] = (
    as_before,
    elsewhere,
    evaluated_often,
    evaluated_at_the_end,
    never_judged,
    saved_often,
    in_a_terminal,
    after_other_work,
    in_another_process,
    with_other_hashes,
    in_another_language,
    killed_and_resumed,
)


@pytest.fixture(scope="module")
def known() -> dict[str, bytes]:
    """Students of the plain way, by kind of sample."""
    return {}


@pytest.mark.parametrize("kind", ["jets", "images"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_student_is_the_same_to_the_byte(
    way: Callable[[Call, tuple[str, ...]], None],
    kind: str,
    call: Call,
    digits: Path,
    few_jets: Path,
    known: dict[str, bytes],
) -> None:
    run = (*JETS, "--data", str(few_jets)) if kind == "jets" else (*IMAGES, "--data", str(digits))
    if kind not in known:
        assert call(*run, "--out", "first")[0] == 0
        known[kind] = student("first")
    way(call, run)
    assert student() == known[kind]


@pytest.mark.parametrize("run", [JETS, IMAGES], ids=["jets", "images"])
def test_another_seed_is_another_student(run: tuple[str, ...], call: Call) -> None:
    for seed in (0, 1):
        assert call(*run, "--without-evaluation", "--seed", seed, "--out", f"run{seed}")[0] == 0
    assert student("run0") != student("run1")
