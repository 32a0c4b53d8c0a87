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
from .distill import Game, begin
from .domains import DOMAINS, Source
from .errors import UserError
from .evaluate import BATCH, Answers, answers, compare, figures
from .folder import RunFolder, free_name, read_json
from .interrupt import Interruption
from .labelled import Labelled
from .pictures import Pictures
from .players import Players
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
    parts = [config.mode, config.preset]
    if config.mode != "teacher":
        parts += [config.student, config.generator]
    default = "-".join([*parts, f"seed{config.seed}"])
    if options.resume and options.out is None:
        raise UserError("--resume: say which run to continue: --out runs/NAME")
    return RunFolder(options.out or free_name(RUNS, default), resume=options.resume)


@dataclass
class Judge:
    """Test samples and what the teacher says of them; read when figures are first asked for, not before."""

    source: Source
    card: Card
    teacher: nn.Module | None
    device: torch.device
    _data: Labelled | None = None
    _said: Answers | None = None

    @property
    def data(self) -> Labelled:
        if self._data is None:
            self._data = self.source.read()
        return self._data

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
            entry = figures(config.teacher, self.card.build(), teacher, self.data.labels, self.source.unit)
        own = figures(name, student, said, self.data.labels, self.source.unit)
        own |= compare(teacher, said.logits)
        source = {"name": self.source.name, "sha256": self.source.sha256(), f"{self.source.unit}s": len(self.data)}
        return {"data": source, "teacher": entry, "student": own}


def build_student(config: Config, card: Card) -> nn.Module:
    torch.manual_seed(config.seed)
    return STUDENTS[config.student].build(card.inputs, len(card.classes))


def distil(config: Config, options: Options) -> tuple[Path, dict[str, Any]]:
    """Modes ``zero-shot`` and ``kd``: the run folder and its result.

    Raises:
        UserError: if anything that was asked for cannot be.
    """
    device, card = choose_device(options.device), TEACHERS[config.teacher]
    domain = DOMAINS[card.inputs.domain]
    learned_from, judged_on = domain.sources(card, options.data, config.mode)
    teacher = load_teacher(config.teacher, card, options.teacher_path).to(device)
    given = None if learned_from is None else learned_from.read()
    judge = Judge(judged_on, card, teacher, device)
    judged_on.check()
    student = build_student(config, card).to(device).train()
    generator = None
    if given is None:
        built = GENERATORS[config.generator].build(card.inputs)
        assert isinstance(built, nn.Module)
        generator = built.to(device).train()
    else:
        config = config.with_(pool=len(given), generator=NO_GENERATOR)
    players = Players(teacher, student, generator)
    if config.beta:
        players.require_maps_that_match(None if given is None else card.inputs(given.samples[:2]), device)
    state = begin(players, config, device)
    folder = open_folder(config, options)
    _start(folder, state, config, options, device, learned_from or judged_on)
    game = Game(players, config, state, device)
    pool = state.parts["pool"]
    assert isinstance(pool, Pool)
    if given is not None and not len(pool):
        starts = tqdm(range(0, len(given), BATCH), "teacher's answers", disable=not options.progress, unit="batch")
        game.fill(card.inputs(given.samples[i : i + BATCH]) for i in starts)
    pictures = None
    if generator is not None:
        pictures = Pictures(generator, lambda draw: domain.picture(draw, judge.data, card), config.seed, device)
    _run(folder, state, config, options, game.play(config.pseudo_batches), judge, student, pictures)
    return folder.path, _conclude(folder, state, config, judge, student, config.student)


def train_teacher(config: Config, options: Options) -> tuple[Path, dict[str, Any]]:
    """Mode ``teacher``: trains the architecture of a card on labelled samples."""
    device, card = choose_device(options.device), TEACHERS[config.teacher]
    learned_from, judged_on = DOMAINS[card.inputs.domain].sources(card, options.data, config.mode)
    assert learned_from is not None
    torch.manual_seed(config.seed)
    network = card.build().to(device)
    data = learned_from.read()
    if (data.labels < 0).any():
        raise UserError(f"--data {options.data}: samples without labels; training a teacher needs a file that has them")
    classifier = Classifier(network, data, card.inputs, config, device)
    judge = Judge(judged_on, card, None, device)
    judged_on.check()
    config = config.with_(generator=NO_GENERATOR)
    folder = open_folder(config, options)
    _start(folder, classifier.state, config, options, device, learned_from)
    _run(folder, classifier.state, config, options, classifier.play(config.pseudo_batches), judge, network, None)
    return folder.path, _conclude(folder, classifier.state, config, judge, network, config.teacher)


def _files(config: Config, options: Options, data: Source) -> dict[str, Any]:
    """Which files a run is made of: paths as the user gave them, and what they held."""
    teacher = (
        locate(config.teacher, TEACHERS[config.teacher], options.teacher_path) if config.mode != "teacher" else None
    )
    given = options.data is not None
    return {
        "teacher": {
            "path": None if options.teacher_path is None else str(options.teacher_path),
            "sha256": None if teacher is None else sha256(teacher),
        },
        "data": {"path": str(options.data) if given else None, "sha256": data.sha256() if given else None},
    }


def _start(
    folder: RunFolder, state: State, config: Config, options: Options, device: torch.device, data: Source
) -> None:
    files = _files(config, options, data)
    if not options.resume:
        folder.begin(config, device, files)
        return
    recorded = read_json(folder.path / "config.json")["files"]
    for name, file in files.items():
        judged_alone = name == "data" and config.mode == "zero-shot"  # it learns nothing from them
        if file["sha256"] != recorded[name]["sha256"] and not judged_alone:
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
