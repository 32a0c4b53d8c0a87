"""Launch a run of any method: build who takes part, check that they fit, run the loop, leave a run folder."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled, of_each_class
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.answers_data import answers_source, open_shards
from zskt.experiments.build import build_student, choose_device, load_student
from zskt.experiments.catalog import TEACHER_RECORD, Catalog
from zskt.experiments.config import LEARNS_FROM_DATA, RunConfig
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.preparation import calibrate, require_fit
from zskt.experiments.pseudo_pictures import PseudoPictures
from zskt.experiments.run_folder import RunFolder
from zskt.experiments.runner import Options, begin_or_resume, open_folder, require_room, train_loop, write_result
from zskt.files import require_new, write_json
from zskt.folder_lock import FolderLock
from zskt.forward import Pair
from zskt.generator import Generator
from zskt.methods import METHODS, Method, Setup
from zskt.networks.regression_head import RegressionHead
from zskt.parallel.distributed import group, in_turn, placed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def launch(config: RunConfig, catalog: Catalog, options: Options) -> tuple[Path, dict[str, Any]]:
    """Run a configuration, on all processes that torchrun started; the run folder and its result.

    Raises:
        UserError: if anything that was asked for cannot be.
        NonFiniteLoss: if the run diverges.
        RankLost: if another process of it ends before.
    """
    require_room(options)
    catalog.require(config)
    device = placed(choose_device(options.device))
    again = options.out or "RUN_FOLDER"
    with group(device, f"; continue with the same command and --resume --out {again}"):
        return _run(config, catalog, options, device)


def _run(config: RunConfig, catalog: Catalog, options: Options, device: torch.device) -> tuple[Path, dict[str, Any]]:
    card = catalog.card(config)
    domain, kind = DOMAINS[card.domain], METHODS[config.method]
    shards = open_shards(config, card, options)
    if shards is None:
        train_source, test_source = domain.sources(card, options.data, config.mode in LEARNS_FROM_DATA)
    else:
        train_source, test_source = None, domain.sources(card, None, False)[1]
    has_teacher = config.mode != "teacher" and getattr(config.settings, "has_teacher", True)
    with in_turn():  # the first one downloads what is not there
        teacher = domain.place(card.load(), device) if has_teacher else None
    config = without_gradient(config, teacher, catalog, options)
    student = domain.place(_student(config, card, catalog, options), device).train()
    evaluator = Evaluator(test_source, card, teacher, device)
    with in_turn():
        data = None if train_source is None else _training_data(train_source.read(), config, card, options)
        evaluator.missing = None if options.judged else "left out (--without-evaluation)"
        evaluator.missing = evaluator.missing or evaluator.look()
    if evaluator.missing is not None and options.judged:
        print(f"zskt: {evaluator.missing}; without it this run is not judged", file=sys.stderr)
    generator = _generator(config, card, catalog, device) if kind.needs_generator else None
    scale = student.scale if isinstance(student, RegressionHead) else None
    pair = Pair(teacher, student, scale, card.gaussians, config.precision, config.attention_layers)
    setup = Setup(
        pair=pair,
        generator=generator,
        data=data,
        shards=shards,
        inputs=card.inputs,
        seed=config.seed,
        device=device,
    )
    method = kind(config.settings, setup)
    require_fit(method, setup)
    if generator is not None and card.describe() and not options.resume:
        print(card.describe())
    folder = open_folder(config, options)
    source = (train_source or test_source) if shards is None else answers_source(shards)
    with FolderLock(folder.path) if folder.writes else nullcontext():
        if folder.writes and not options.resume:
            require_new(folder.path)  # another process may have begun and left in the meantime
        begin_or_resume(folder, method, config, options, card, source, has_teacher)
        if card.record() is not None and folder.writes:
            write_json(folder.path / TEACHER_RECORD, card.record() or {})
        if isinstance(student, RegressionHead) and not method.state.step:
            calibrate(student, setup)
        pictures = None if generator is None else _pictures(generator, evaluator, card, config, device)
        train_loop(folder, method, config, options, evaluator, pictures)
        _show_diagnosis(folder, evaluator, method)
        name = config.teacher if config.mode == "teacher" else config.student
        return folder.path, write_result(
            folder, method, config, evaluator, catalog, name, None if shards is None else shards.manifest.samples
        )


def without_gradient(config: RunConfig, teacher: nn.Module | None, catalog: Catalog, options: Options) -> RunConfig:
    """Return the configuration that a teacher without gradients allows: its generator is the prior of what was asked.

    Raises:
        UserError: if the user asked for a generator that follows gradients.
    """
    if teacher is None or getattr(teacher, "differentiable", True) or config.generator is None:
        return config
    prior = catalog.generators[config.generator].prior
    if not prior:
        return config
    if options.generator is not None:
        raise UserError(
            f"--generator {config.generator}: follows the teacher's gradient, and {config.teacher} has none; take "
            f"--generator {prior}"
        )
    print(f"{config.teacher}: has no gradient by its input; generator {prior} in place of {config.generator}")
    return config.with_(generator=prior)


def _student(config: RunConfig, card: Card, catalog: Catalog, options: Options) -> nn.Module:
    """Build the network that learns: a student, the student of an earlier run, or, in mode teacher, a teacher."""
    if config.mode == "teacher":
        torch.manual_seed(config.seed)
        return card.build()
    student = build_student(config, card, catalog)
    if options.start is None:
        return student
    # The earlier run may be of any mode: its student is what this configuration names.
    return load_student(options.start, replace(config, mode="few-shot"), catalog)


def _training_data(data: Labelled, config: RunConfig, card: Card, options: Options) -> Labelled:
    """Choose the samples to learn from, and see that they carry what the method needs."""
    if config.method != "supervised":
        return data
    if card.values:
        raise UserError(f"--mode {config.mode} learns classes, but {config.teacher} regresses, too: use --mode kd")
    if card.bernoulli:
        raise UserError(
            f"--mode {config.mode} learns one class a jet, but {config.teacher} has independent labels: use --mode kd"
        )
    if (data.labels < 0).any():
        raise UserError(f"--data {options.data}: samples without labels; --mode {config.mode} needs a file with them")
    count = config.settings.samples_per_class
    return of_each_class(data, card.classes, count, config.seed) if count else data


def _generator(config: RunConfig, card: Card, catalog: Catalog, device: torch.device) -> Generator:
    """Build the generator, after the student: it goes on with the same random stream."""
    generator: Generator = catalog.generators[str(config.generator)].build(card.inputs)
    DOMAINS[card.domain].place(generator, device)
    return generator.train()


def _pictures(
    generator: Generator, evaluator: Evaluator, card: Card, config: RunConfig, device: torch.device
) -> PseudoPictures:
    domain = DOMAINS[card.domain]

    def draw(batch: PseudoBatch) -> Figure | None:
        return domain.picture(batch, None if evaluator.missing else evaluator.data, card)

    return PseudoPictures(generator, draw, domain.pictured, config.seed, device)


def _show_diagnosis(folder: RunFolder, evaluator: Evaluator, method: Method) -> None:
    """Put what the people of the domain look at on TensorBoard."""
    diagnosis = evaluator.diagnose(method.result)
    if diagnosis is not None and folder.writes:
        for title, figure in diagnosis.pictures().items():
            folder.writer.add_figure(f"physics/{title}", figure, method.state.step)
