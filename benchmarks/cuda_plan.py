"""All that a few minutes on a card are good for, in one command: ``python -m benchmarks --device cuda --out DIR``.

First the tests marked ``cuda``; then the benchmarks, alone on the card; then runs side by side: teachers, rows of the
paper, and methods compared. Each is a process of its own, so that one that fails stops nobody else. Runs lie in a
folder that stays, and go on there when the command is given again. ``DIR`` gets few files: the tests' output, the
benchmarks' figures, what runs left, and ``plan.json``, which says what became of everything.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.report import report
from benchmarks.runner import ROOT, Outcome, Runner
from benchmarks.table import BENCHMARKS
from zskt.storage.run_files import CONFIG, ENVIRONMENT, METRICS, RESULT, STUDENT

TIMED = ("game", "particlenet", "overhead", "growth")
"""Benchmarks that a GPU changes."""
SHARE_OF_TESTS, SHARE_OF_BENCHMARKS = 0.2, 0.25
"""Shares of the time that tests and benchmarks may take, at most."""
SAVING_SECONDS = 20.0
"""Before the end, in which interrupted runs save what they have and results are packed."""
DAFL = {"class_entropy_weight": 5, "temperature": 1, "student_lr": 0.002}
"""What the preset, which is another method's, says differently from the paper."""
VOLUME = 14 * 2**20
"""Bytes of runs that are packed into one file, about."""
KEPT = (CONFIG, ENVIRONMENT, RESULT, METRICS, STUDENT)
"""Files of a run that are packed; of one that is not finished its metrics alone."""
SEEDS = (0, 1, 2)
PARTS = ("tests", "benchmarks", "runs")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What the user says of it."""

    device: str
    out: Path
    deadline: float
    """By `time.monotonic`."""
    work: Path = Path("runs/cuda")
    """Where runs lie, and go on."""
    data: Path | None = None
    """CIFAR-10: its training images are needed for teachers, its test images to judge."""
    resnet20: Path | None = None
    """The published ResNet-20, from whose students methods are compared; without it they are not."""
    iterations: int = 2000
    """Of the paper's rows."""
    jobs: int = 1
    """Runs side by side."""
    parts: Sequence[str] = PARTS
    """Which of them are done."""

    @property
    def left(self) -> float:
        """Seconds before the end."""
        return self.deadline - time.monotonic()


@dataclass(frozen=True)
class Run:
    """A run: its name, what ``train.py`` is told, and the run whose student is its teacher."""

    name: str
    arguments: tuple[str, ...]
    teacher: str = ""


def runs(plan: Plan) -> list[Run]:
    """List the runs in the order of their worth; those that wait for a teacher begin as soon as it is there."""
    from teachers import TEACHERS

    teachers = ("cifar10-wrn-16-2", "cifar10-wrn-40-2", "cifar10-wrn-40-1")
    trained = [name for name in teachers if TEACHERS[name].bundled_file is None] if plan.data else []  # type: ignore[attr-defined]
    fast = ("--set", "precision=bf16")
    found = [Run(name, ("--mode", "teacher", "--preset", name, *fast)) for name in trained]

    def game(preset: str, seed: int, *more: str) -> Run:
        teacher = preset.partition("-to-")[0]
        length = ("--iterations", str(plan.iterations), "--set", "evaluate_every=100")
        name = "-".join([preset, *(word.partition("=")[2] for word in more if "=" in word), f"seed{seed}"])
        arguments = ("--mode", "zero-shot", "--preset", preset, "--seed", str(seed), *length, *more)
        return Run(name, arguments, teacher if teacher in trained else "")

    small, large = "cifar10-wrn-16-2-to-wrn-16-1", "cifar10-wrn-40-2-to-wrn-16-1"
    if plan.device != "cuda":
        short = ("--set", "batch_size=4", "--set", "student_steps=2")
        return [*found, game(small, 0, *short), game(f"{small}-paper", 0, *short)]
    for seed in SEEDS:
        found += [game(small, seed, *fast), game(f"{small}-paper", seed, *fast)]
    found += [game(large, 0, *fast), game(f"{large}-paper", 0, *fast)]
    return [*found, *compared(plan), game(small, 0)]


def compared(plan: Plan) -> list[Run]:
    """List the methods that are compared, ResNet-20 to ResNet-8, about as many questions to the teacher each."""
    if plan.resnet20 is None:
        return []
    preset = ("--preset", "cifar10-resnet20-to-resnet8", "--teacher-path", str(plan.resnet20))
    methods: dict[str, tuple[str, ...]] = {"zskt": ("--mode", "zero-shot")}
    if plan.data is not None:
        methods["kd"] = ("--mode", "kd")
    own = [word for name, value in DAFL.items() for word in ("--set", f"{name}={value}")]
    methods["dafl"] = ("--mode", "zero-shot", "--method", "dafl", "--generator", "image", "--iterations", "7000", *own)
    return [
        Run(f"resnet20-to-resnet8-{name}-seed{seed}", (*arguments, *preset, "--seed", str(seed)))
        for name, arguments in methods.items()
        for seed in SEEDS
    ]


def carry_out(plan: Plan) -> int:
    """Do all of it; 0, or 1 if a test, a benchmark or a run failed."""
    plan.out.mkdir(parents=True, exist_ok=True)
    begun, whole = time.monotonic(), plan.left
    states: dict[str, Any] = {}
    outcomes: list[Outcome] = []
    if "tests" in plan.parts:
        states["tests"] = run_tests(plan, SHARE_OF_TESTS * whole if len(plan.parts) > 1 else whole)
    if "benchmarks" in plan.parts:
        seconds = SHARE_OF_BENCHMARKS * whole if "runs" in plan.parts else plan.left
        runner = Runner(device=plan.device, deadline=time.monotonic() + seconds)
        outcomes = runner.run({name: BENCHMARKS[name] for name in TIMED})
        write(plan.out / "benchmarks.json", {o.name: o.report for o in outcomes if o.state == "done"})
        states |= {f"benchmark {o.name}": {"state": o.state, "why": o.why} for o in outcomes}
    if "runs" in plan.parts:
        with side_by_side(plan):
            states |= run_all(plan, runs(plan))
        pack(plan)
    states["seconds"] = round(time.monotonic() - begun, 1)
    write(plan.out / "plan.json", states)
    print(report(outcomes))
    for name, state in states.items():
        if isinstance(state, dict):
            print(f"{name}: " + ", ".join(str(value) for value in state.values() if value != ""))
    return int(any(isinstance(state, dict) and state["state"] == "failed" for state in states.values()))


def run_tests(plan: Plan, seconds: float) -> dict[str, Any]:
    """Run the tests that are for a GPU; their output goes to a file."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "cuda", "-p", "no:cacheprovider", "tests/cuda"]
    begun = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds
        )
    except subprocess.TimeoutExpired:
        return {"state": "stopped", "why": f"after {seconds:.0f} s"}
    (plan.out / "tests.txt").write_text(done.stdout)
    last = (done.stdout.strip().splitlines() or ["no output"])[-1]
    return {
        "state": "failed" if done.returncode else "done",
        "why": last,
        "seconds": round(time.monotonic() - begun, 1),
    }


@contextmanager
def side_by_side(plan: Plan) -> Iterator[None]:
    """Let processes compute on the card at the same time, by NVIDIA's multi-process service where there is one.

    Without it they take turns, and small networks leave most of the card idle.
    """
    control = shutil.which("nvidia-cuda-mps-control")
    if plan.device != "cuda" or plan.jobs == 1 or control is None or "CUDA_MPS_PIPE_DIRECTORY" in os.environ:
        yield
        return
    folder = plan.work / "mps"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= {"CUDA_MPS_PIPE_DIRECTORY": str(folder.absolute()), "CUDA_MPS_LOG_DIRECTORY": str(folder.absolute())}
    subprocess.run([control, "-d"], check=False)
    try:
        yield
    finally:
        subprocess.run([control], input="quit\n", text=True, check=False)
        del os.environ["CUDA_MPS_PIPE_DIRECTORY"], os.environ["CUDA_MPS_LOG_DIRECTORY"]


def run_all(plan: Plan, waiting: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Play runs, as many at once as the plan says, until all are done or time is over."""
    waiting = list(waiting)
    states: dict[str, dict[str, Any]] = {run.name: {"state": "not begun", "why": ""} for run in waiting}
    playing: dict[str, tuple[subprocess.Popen[str], float]] = {}
    while (waiting or playing) and plan.left > SAVING_SECONDS:
        for name, (process, since) in list(playing.items()):
            if process.poll() is not None:
                states[name] = outcome(plan, name, process.returncode, since)
                del playing[name]
        ready = [run for run in waiting if not run.teacher or student(plan, run.teacher).is_file()]
        for run in ready[: plan.jobs - len(playing)]:
            waiting.remove(run)
            if student(plan, run.name).is_file():
                states[run.name] = {"state": "done", "why": "before"}
            else:
                playing[run.name] = start(plan, run), time.monotonic()
        if not ready and not playing:
            break  # their teachers failed
        time.sleep(0.2)
    for process, _ in playing.values():
        process.send_signal(signal.SIGINT)
    for name, (process, _) in playing.items():
        try:
            process.wait(max(plan.left - SAVING_SECONDS / 4, 1.0))
        except subprocess.TimeoutExpired:
            process.kill()
        states[name] = {"state": "interrupted", "why": last_line(plan, name)}
    return states


def student(plan: Plan, name: str) -> Path:
    """Return where a finished run has its student."""
    return plan.work / name / STUDENT


def start(plan: Plan, run: Run) -> subprocess.Popen[str]:
    """Start a run, or go on with it where it was interrupted."""
    folder = plan.work / run.name
    command = [sys.executable, "train.py", *run.arguments, "--device", plan.device, "--out", str(folder)]
    command += ["--data", str(plan.data)] if plan.data else []
    command += ["--teacher-path", str(student(plan, run.teacher))] if run.teacher else []
    if (folder / "checkpoint.pt").is_file():
        command.append("--resume")
    plan.work.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    with (plan.work / f"{run.name}.log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, text=True, env=environment)


def outcome(plan: Plan, name: str, code: int, since: float) -> dict[str, Any]:
    """Say what became of a run."""
    seconds = round(time.monotonic() - since, 1)
    if code:
        return {"state": "failed", "why": last_line(plan, name), "seconds": seconds}
    result = json.loads((plan.work / name / RESULT).read_text())
    figures = {k: result["student"].get(k) for k in ("accuracy", "agreement")}
    return {"state": "done", "why": "", **{k: v for k, v in figures.items() if v is not None}, "seconds": seconds}


def last_line(plan: Plan, name: str) -> str:
    """Return what a run said last."""
    lines = (plan.work / f"{name}.log").read_text().strip().splitlines()
    return lines[-1] if lines else "says nothing"


def pack(plan: Plan) -> None:
    """Pack what runs leave into files of about `VOLUME`: all of finished ones, the metrics of others."""
    volumes: list[list[Path]] = [[]]
    size = 0
    for folder in sorted(p for p in plan.work.glob("*") if (p / METRICS).is_file()):
        names = KEPT if (folder / RESULT).is_file() else (METRICS,)
        files = [folder / name for name in names if (folder / name).is_file()]
        size += sum(file.stat().st_size for file in files)
        if size > VOLUME and volumes[-1]:
            volumes.append([])
            size = sum(file.stat().st_size for file in files)
        volumes[-1] += files
    for i, volume in enumerate(volumes):
        with tarfile.open(plan.out / f"runs-{i}.tar.gz", "w:gz") as archive:
            for file in volume:
                archive.add(file, file.relative_to(plan.work))


def write(path: Path, content: Any) -> None:
    """Write JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n")
