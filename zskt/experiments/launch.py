"""The jobs behind ``--mode``: each sets up its players, runs a loop and leaves a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from tqdm import tqdm

from generators import GENERATORS
from teachers import AnyCard, TaggerCard, load_teacher
from teachers.tagger import Tagger
from zskt.bn_statistics import normalisations
from zskt.dataset import Labelled, of_each_class
from zskt.domains import DOMAINS
from zskt.errors import UserError
from zskt.experiments.build import build_student, card_of, inherit, load_student
from zskt.experiments.config import NO_GENERATOR, Config
from zskt.experiments.evaluator import Evaluator
from zskt.experiments.pseudo_pictures import Pictures
from zskt.experiments.run_folder import RunFolder
from zskt.experiments.runner import Options, choose_device, conclude, open_folder, play, require_room, start
from zskt.files import write_json
from zskt.forward import ask
from zskt.jets.plots import pictures as physics_pictures
from zskt.jets.random_inputs import random_inputs
from zskt.jets.tagger_description import RECORD
from zskt.methods.supervised import Classifier
from zskt.methods.zskt import Game, begin
from zskt.metrics import BATCH
from zskt.networks.particle_flow import RegressionHead
from zskt.pair import Pair

CALIBRATION = 512
"""Samples from which a student learns the scale of regressed values."""


def distil(config: Config, options: Options) -> tuple[Path, dict[str, Any]]:
    """Modes ``zero-shot`` and ``kd``: the run folder and its result.

    Raises:
        UserError: if anything that was asked for cannot be.
    """
    require_room(options)
    device, card = choose_device(options.device), card_of(config)
    domain = DOMAINS[card.domain]
    learned_from, judged_on = domain.sources(card, options.data, config.mode)
    teacher = domain.place(load_teacher(config.teacher, card, options.teacher_path), device)
    given = None if learned_from is None else learned_from.read()
    judge = Evaluator(judged_on, card, teacher, device)
    judged_on.check()
    student = domain.place(build_student(config, card), device).train()
    if config.inherit:
        inherit(student, teacher)
    generator = None
    if given is None:
        built = GENERATORS[config.generator].build(card.inputs)
        assert isinstance(built, nn.Module)
        generator = domain.place(built, device).train()
    else:
        config = config.with_(pool=len(given), generator=NO_GENERATOR)
    players = Pair(teacher, student, generator)
    if isinstance(card, TaggerCard) and generator is not None and not options.resume:
        assert isinstance(teacher, Tagger)
        require_device(teacher, card, device)
        print(f"teacher: {teacher.origin}\n{card.describe()}")
    if generator is not None and config.moments and not normalisations(teacher):
        raise UserError(f"moments is {config.moments}, but {config.teacher} has no batch normalisation; leave it out")
    if config.beta or config.hint:
        first = None if given is None else card.inputs(given.samples[:2])
        players.require_layers_that_match(first, device, whole=config.hint > 0)
    state = begin(players, config, device)
    folder = open_folder(config, options)
    start(folder, state, config, options, device, learned_from or judged_on)
    if isinstance(card, TaggerCard):
        write_json(folder.path / RECORD, card.description.to_record())
    game = Game(players, config, state)
    if isinstance(student, RegressionHead) and not state.step:
        calibrate(players, card, None if given is None else given[:CALIBRATION], device)
    if given is not None and not len(game.pool):
        starts = tqdm(range(0, len(given), BATCH), "teacher's answers", disable=not options.progress, unit="batch")
        game.fill(card.inputs(given.samples[i : i + BATCH]) for i in starts)
    pictures = None
    if generator is not None:
        pictures = Pictures(generator, lambda draw: domain.picture(draw, judge.data, card), config.seed, device)
    play(folder, state, config, options, game.play(config.pseudo_batches), judge, game.result, pictures)
    show_physics(folder, judge, game.result, state.step)
    return folder.path, conclude(folder, state, config, judge, game.result, config.student)


def require_device(teacher: Tagger, card: TaggerCard, device: torch.device) -> None:
    """Raise `UserError` if a network from a file cannot run where it was put: traced ones may hold a device of old."""
    x = random_inputs(card.inputs.preprocess.groups, 2)
    try:
        with torch.no_grad():
            teacher(*(t.to(device) for t in x))
    except RuntimeError as error:
        raise UserError(f"{card.name}: its file does not run on {device.type}; take --device cpu") from error


def show_physics(folder: RunFolder, judge: Evaluator, student: nn.Module, turn: int) -> None:
    """What physicists look at, on TensorBoard at the end of a run."""
    found = judge.physics(student)
    if found is not None:
        for title, figure in physics_pictures(*found).items():
            folder.writer.add_figure(f"physics/{title}", figure, turn)


def calibrate(players: Pair, card: AnyCard, given: Labelled | None, device: torch.device) -> None:
    """Tell a student that regresses what the teacher's values spread over: asked of some first samples."""
    assert isinstance(players.student, RegressionHead)
    if given is not None:
        x = tuple(t.to(device) for t in card.inputs(given.samples))
    else:
        assert players.generator is not None
        size: int = players.generator.latent_size  # type: ignore[assignment]
        rng = torch.Generator(device).manual_seed(0)
        with torch.no_grad():
            x = players.generator(torch.randn(CALIBRATION, size, generator=rng, device=device), rng).x
    with torch.no_grad():
        values = ask(players.teacher, x).values
    assert values is not None
    players.student.calibrate(values)


def train_teacher(config: Config, options: Options) -> tuple[Path, dict[str, Any]]:
    """Mode ``teacher``: trains the architecture of a card on labelled samples."""
    require_room(options)
    device, card = choose_device(options.device), card_of(config)
    torch.manual_seed(config.seed)
    network = card.build()
    return _supervise(config, options, device, card, network, None)


def few_shot(config: Config, options: Options) -> tuple[Path, dict[str, Any]]:
    """Mode ``few-shot``: a student of labelled samples, all or M of each class, beside the teacher or without it.

    Raises:
        UserError: if anything that was asked for cannot be.
    """
    require_room(options)
    device, card = choose_device(options.device), card_of(config)
    teacher = None
    if config.alpha or config.beta:
        teacher = load_teacher(config.teacher, card, options.teacher_path)
    student = build_student(config, card)
    if options.start is not None:
        student = load_student(options.start, config)
    return _supervise(config, options, device, card, student, teacher)


def _supervise(
    config: Config, options: Options, device: torch.device, card: AnyCard, network: nn.Module, teacher: nn.Module | None
) -> tuple[Path, dict[str, Any]]:
    if card.values:
        raise UserError(f"--mode {config.mode} learns classes, but {config.teacher} regresses, too: use --mode kd")
    domain = DOMAINS[card.domain]
    for each in (network, *([] if teacher is None else [teacher])):
        domain.place(each, device)
    learned_from, judged_on = domain.sources(card, options.data, config.mode)
    assert learned_from is not None
    data = learned_from.read()
    if (data.labels < 0).any():
        raise UserError(f"--data {options.data}: samples without labels; --mode {config.mode} needs a file with them")
    if config.images_per_class:
        data = of_each_class(data, card.classes, config.images_per_class, config.seed)
    if teacher is not None and config.beta:
        Pair(teacher, network).require_layers_that_match(card.inputs(data.samples[:2]), device)
    steps = config.student_steps if config.mode == "few-shot" else None
    classifier = Classifier(network, data, card.inputs, config, device, teacher, steps)
    judge = Evaluator(judged_on, card, teacher, device)
    judged_on.check()
    folder = open_folder(config, options)
    start(folder, classifier.state, config, options, device, learned_from)
    play(folder, classifier.state, config, options, classifier.play(config.pseudo_batches), judge, network, None)
    name = config.teacher if config.mode == "teacher" else config.student
    return folder.path, conclude(folder, classifier.state, config, judge, network, name)
