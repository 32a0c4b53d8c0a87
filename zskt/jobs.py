"""The jobs behind ``--mode``: each sets up its players, runs a loop and leaves a run folder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from generators import GENERATORS
from teachers import TEACHERS, Card, load_teacher
from teachers.load import locate, sha256

from .config import NO_GENERATOR, Config
from .data import SAMPLE, Labelled, read_jets
from .distill import Game, Players, begin
from .errors import UserError
from .evaluate import BATCH, Answers, answers, compare, figures
from .folder import RunFolder, free_name, read_json
from .interrupt import Interruption
from .pictures import Pictures
from .pool import Pool
from .state import State
from .students import STUDENTS
from .supervise import Classifier

RUNS = Path("runs")


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a user says besides the recipe."""

    device: str = "auto"
    out: Path | None = None
    resume: bool = False
    data: Path | None = None
    teacher_path: Path | None = None
    progress: bool = True


def choose_device(name: str) -> torch.device:
    """Raises `UserError` if CUDA is asked for and not there."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(
            "--device cuda: this machine has no CUDA device that PyTorch can use; take --device cpu or auto"
        )
    return torch.device("cuda" if name == "auto" and torch.cuda.is_available() else name.replace("auto", "cpu"))


def open_folder(config: Config, options: Options) -> RunFolder:
    default = f"{config.mode}-{config.preset}-{config.student}-{config.generator}-seed{config.seed}"
    if options.resume and options.out is None:
        raise UserError("--resume: say which run to continue: --out runs/NAME")
    return RunFolder(options.out or free_name(RUNS, default), resume=options.resume)


@dataclass
class Judge:
    """Test jets and what the teacher says of them; asked for figures of a student at any time."""

    data: Labelled
    source: Path
    card: Card
    teacher: nn.Module | None
    device: torch.device
    _said: Answers | None = None

    @classmethod
    def of(cls, path: Path, card: Card, teacher: nn.Module | None, device: torch.device) -> Judge:
        return cls(read_jets(path, card.classes), path, card, teacher, device)

    def teacher_says(self) -> Answers | None:
        if self._said is None and self.teacher is not None:
            self._said = answers(self.teacher, self.data, self.card.inputs, self.device)
        return self._said

    def quick(self, student: nn.Module) -> dict[str, float | None]:
        """What is logged on the way."""
        said, teacher = answers(student, self.data, self.card.inputs, self.device), self.teacher_says()
        found = figures("", student, said, self.data.labels) | compare(teacher, said.logits)
        return {f"test/{key}": found[key] for key in ("accuracy", "auc", "agreement", "kl")}

    def verdict(self, config: Config, student: nn.Module, name: str) -> dict[str, Any]:
        """The entries of ``result.json`` that depend on the test jets."""
        said, teacher = answers(student, self.data, self.card.inputs, self.device), self.teacher_says()
        entry: dict[str, Any] = {"name": config.teacher, "parameters": None, "accuracy": None, "auc": None}
        if teacher is not None:
            # Parameters as published: folding away the normalisation changes their number.
            entry = figures(config.teacher, self.card.build(), teacher, self.data.labels)
        own = figures(name, student, said, self.data.labels)
        own |= compare(teacher, said.logits)
        source = {"name": self.source.name, "sha256": sha256(self.source), "jets": len(self.data)}
        return {"data": source, "teacher": entry, "student": own}


def build_student(config: Config, card: Card) -> nn.Module:
    torch.manual_seed(config.seed)
    return STUDENTS[config.student].build(len(card.inputs.features), len(card.classes))


def distil(config: Config, options: Options) -> tuple[Path, dict[str, Any]]:
    """Modes ``zero-shot`` and ``kd``: the run folder and its result.

    Raises:
        UserError: if anything that was asked for cannot be.
    """
    device, card = choose_device(options.device), TEACHERS[config.teacher]
    with_data = config.mode == "kd"
    if with_data and options.data is None:
        raise UserError("--mode kd: distillation with data needs it: --data FILE.root")
    teacher = load_teacher(config.teacher, card, options.teacher_path).to(device)
    given = read_jets(options.data, card.classes) if with_data and options.data else None
    judge = Judge.of(SAMPLE if with_data or options.data is None else options.data, card, teacher, device)
    student = build_student(config, card).to(device).train()
    generator = None
    if given is None:
        built = GENERATORS[config.generator].build(card.inputs)
        assert isinstance(built, nn.Module)
        generator = built.to(device).train()
    else:
        config = config.with_(pool=len(given), generator=NO_GENERATOR)
    players = Players(teacher, student, generator)
    state = begin(players, config, device)
    folder = open_folder(config, options)
    _start(folder, state, config, options, device)
    game = Game(players, config, state, device)
    pool = state.parts["pool"]
    assert isinstance(pool, Pool)
    if given is not None and not len(pool):
        starts = tqdm(range(0, len(given), BATCH), "teacher's answers", disable=not options.progress, unit="batch")
        game.fill(card.inputs(given.jets[i : i + BATCH]) for i in starts)
    pictures = None if generator is None else Pictures(generator, judge.data.jets, config.seed, device)
    _run(folder, state, config, options, game.play(config.pseudo_batches), judge, student, pictures)
    return folder.path, _conclude(folder, state, config, judge, student, config.student)


def train_teacher(config: Config, options: Options) -> tuple[Path, dict[str, Any]]:
    """Mode ``teacher``: trains the architecture of a card on labelled jets."""
    device, card = choose_device(options.device), TEACHERS[config.teacher]
    if options.data is None:
        raise UserError("--mode teacher: training needs jets: --data FILE.root, for example from --mode simulate")
    torch.manual_seed(config.seed)
    network = card.build().to(device)
    data = read_jets(options.data, card.classes)
    if (data.labels < 0).any():
        raise UserError(f"--data {options.data}: jets without labels; training a teacher needs a JetClass ROOT file")
    classifier = Classifier(network, data, card.inputs, config, device)
    judge = Judge.of(SAMPLE, card, None, device)
    config = config.with_(generator=NO_GENERATOR)
    folder = open_folder(config, options)
    _start(folder, classifier.state, config, options, device)
    _run(folder, classifier.state, config, options, classifier.play(config.pseudo_batches), judge, network, None)
    return folder.path, _conclude(folder, classifier.state, config, judge, network, config.teacher)


def _files(config: Config, options: Options) -> dict[str, Any]:
    """Which files a run is made of: paths as the user gave them, and what they held."""
    teacher = (
        locate(config.teacher, TEACHERS[config.teacher], options.teacher_path) if config.mode != "teacher" else None
    )
    found = {"teacher": (options.teacher_path, teacher), "data": (options.data, options.data)}
    return {
        name: {"path": None if path is None else str(path), "sha256": None if file is None else sha256(file)}
        for name, (path, file) in found.items()
    }


def _start(folder: RunFolder, state: State, config: Config, options: Options, device: torch.device) -> None:
    files = _files(config, options)
    if not options.resume:
        folder.begin(config, device, files)
        return
    recorded = read_json(folder.path / "config.json")["files"]
    for name, file in files.items():
        if file["sha256"] != recorded[name]["sha256"]:
            flag = {"teacher": "--teacher-path", "data": "--data"}[name]
            raise UserError(f"{flag} {file['path']}: not the file that this run began with ({recorded[name]['path']})")
    state.load(folder.checkpoint, config.to_dict())
    folder.rewind(state.step)


def _run(
    folder: RunFolder,
    state: State,
    config: Config,
    options: Options,
    turns: Iterator[dict[str, float]],
    judge: Judge,
    student: nn.Module,
    pictures: Pictures | None,
) -> None:
    """Play the turns; log, look and save on the way. An interruption leaves a checkpoint to resume from."""
    begun = time.monotonic() - state.counters.get("seconds", 0.0)
    bar = tqdm(turns, config.mode, config.pseudo_batches, initial=state.step, disable=not options.progress, unit="turn")
    with Interruption() as interruption:
        for values in bar:
            turn = state.step
            state.counters["seconds"] = time.monotonic() - begun
            logged: dict[str, float | None] = dict(values)
            if config.evaluate_every and (turn % config.evaluate_every == 0 or turn == config.pseudo_batches):
                logged |= judge.quick(student)
                if pictures is not None:
                    pictures.show(folder.writer, turn)
            folder.log(turn, logged)
            if interruption.asked or turn % config.checkpoint_every == 0 or turn == config.pseudo_batches:
                state.save(folder.checkpoint, config.to_dict())
            if interruption.asked:
                raise KeyboardInterrupt
            bar.set_postfix_str(" ".join(f"{k.split('/')[1]} {v:.3f}" for k, v in logged.items() if k in SHOWN and v))


SHOWN = ("loss/student", "agreement/pseudo", "accuracy/training")


def _conclude(
    folder: RunFolder, state: State, config: Config, judge: Judge, student: nn.Module, name: str
) -> dict[str, Any]:
    folder.save_student(student)
    asked = ("preset", "mode", "generator", "seed", "pseudo_batches", "batch_size")
    result = {name: config.to_dict()[name] for name in asked}
    result["steps"] = int(state.counters.get("steps", 0))
    result["teacher_answers"] = int(state.counters.get("teacher_answers", 0))
    result["seconds"] = round(state.counters.get("seconds", 0.0), 1)
    result |= judge.verdict(config, student, name)
    folder.finish(result)
    return result
