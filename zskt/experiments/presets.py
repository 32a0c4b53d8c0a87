"""Presets: named recipes. Each summary says what to expect; the figures behind are in ``runs/reference``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zskt.contracts import Card
from zskt.errors import UserError, lookup
from zskt.experiments.config import LEARNS_FROM_DATA, METHOD_OF_MODE, RunConfig
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.frame_presets import FRAMES
from zskt.experiments.image_presets import CHARACTERS, IMAGES, PHOTOGRAPHS
from zskt.methods.supervised import Supervised
from zskt.methods.zskt import ZSKT

JETS_EMBEDDED = RunConfig(
    preset="jets-embedded",
    generator="shower",
    settings=ZSKT.Config(
        iterations=200,
        batch_size=128,
        student_steps=15,
        step_growth=1.0,
        generator_every=3,
        replay_fraction=0.9,
        replay_balance=0.5,
        class_entropy_weight=3.0,
    ),
    evaluate_every=50,
)
JETCLASS = JETS_EMBEDDED.with_(
    preset="jetclass-kin",
    teacher="jetclass-particlenet-kin",
    iterations=300,
    student_steps=40,
    evaluate_every=100,
)
TAGGER = JETCLASS.with_(preset="tagger", teacher="cms-hlt-particlenet-ak4", iterations=200, student_lr=5e-3)
VECTORS = RunConfig(
    preset="vectors",
    teacher="",
    student="mlp",
    generator="tabular",
    settings=ZSKT.Config(
        iterations=400,
        batch_size=256,
        student_steps=15,
        step_growth=1.0,
        generator_every=1,
        generator_lr=2e-2,
        replay_fraction=0.9,
        replay_balance=0.5,
        class_entropy_weight=1.0,
    ),
    evaluate_every=50,
)
"""For networks of vectors from files; none ships, so it names no teacher.

Where mean and spread of the features are not known, bounds say little of where samples lie: with few answers, an
adversary that takes a step in each iteration, and large ones, was worth much on two tables of four (``LOG.md``).
"""
FOR_FILES = (TAGGER.preset, VECTORS.preset, *(preset.preset for preset in (PHOTOGRAPHS, CHARACTERS)))
"""Presets for the networks of users' files: each is the one recipe of many teachers."""
EMBEDDED_TEACHER = RunConfig(
    preset="embedded-teacher",
    mode="teacher",
    method="supervised",
    settings=Supervised.Config(epochs=10, student_lr=3e-3, weight_decay=1e-2, kd_fraction=0.0),
    evaluate_every=1,
    checkpoint_every=1,
)

PRESETS: dict[str, RunConfig] = {
    config.preset: config
    for config in (
        JETS_EMBEDDED,
        JETCLASS,
        TAGGER,
        JETCLASS.with_(preset="jetclass-kinpid", teacher="jetclass-particlenet-kinpid"),
        JETCLASS.with_(preset="jetclass-full", teacher="jetclass-particlenet-full"),
        EMBEDDED_TEACHER,
        *IMAGES,
        VECTORS,
        *FRAMES,
    )
}

SUMMARIES = {
    "jets-embedded": "the default: the teacher that ships with zskt, under five minutes on two cores",
    "jetclass-kin": "the published JetClass ParticleNet on kinematics, 38 400 queries, 12 000 student steps",
    "tagger": "a tagger from a file, or one of CMS's by name, with whatever inputs its preprocess.json describes",
    "images": "an image network from a file: --teacher-path FILE --input-shape 3 32 32",
    "images-deepinversion": "one of photographs with batch normalisations, from its parameters: --architecture FILE.py",
    "grey-images": "one of small grey images, as of written characters",
    "vectors": "a network of vectors from a file: --teacher-path FILE --inputs description.yaml",
    "jetclass-kinpid": "the same with particle types",
    "jetclass-full": "the same with impact parameters",
    "mnist-lenet5-to-lenet5-half": "LeNet-5 to its half on MNIST, pen strokes as generator",
    "mnist-lenet5-to-lenet5-half-mixup": "the same from the training images, blended, at length: --mode kd",
    "fashion-mnist-lenet5-to-lenet5-half": "LeNet-5 to its half on FashionMNIST, cut-out objects as generator",
    "mnist-lenet5": "trains LeNet-5 on MNIST, 20 epochs",
    "fashion-mnist-lenet5": "trains LeNet-5 on FashionMNIST, 20 epochs",
    "cifar10-wrn-40-2": "trains the wide ResNet 40-2 on CIFAR-10, 30 epochs: for a GPU, as those that follow",
    "cifar10-wrn-16-2": "trains the wide ResNet 16-2 on CIFAR-10",
    "cifar10-wrn-40-1": "trains the wide ResNet 40-1 on CIFAR-10",
    "cifar10-resnet34": "trains ResNet-34 on CIFAR-10",
    "cifar100-wrn-40-2": "trains the wide ResNet 40-2 on CIFAR-100",
    "cifar100-resnet34": "trains ResNet-34 on CIFAR-100",
    "svhn-wrn-40-2": "trains the wide ResNet 40-2 on SVHN, 30 epochs",
    "moving-digits": "moving digits: the recurrent teacher that ships with zskt, drawings that move as generator",
    "moving-digits-gru": "trains the recurrent network of moving digits that ships with zskt, 12 epochs",
    "embedded-teacher": "how the teacher that ships with zskt was trained: 40 000 jets of --mode simulate",
}
"""What a preset is for, in a line; pairs of image networks have theirs from `summary_of`."""
RECORDED = {"iterations", "epochs", "batch_size"}
"""Settings that every result records by themselves: a run may differ in them and still be of its preset."""


def summary_of(config: RunConfig) -> str:
    """Say what a preset is for."""
    if config.preset in SUMMARIES:
        return SUMMARIES[config.preset]
    recipe = "the paper's own recipe" if config.preset.endswith("-paper") else "our recipe"
    recipe += f", {config.method} beside {config.prior}" if config.prior else ""
    return f"{config.teacher} to {config.student}: {recipe}, {config.settings.iterations} iterations"


def for_mode(preset: RunConfig, mode: str, card: Card) -> RunConfig:
    """Return a preset's recipe for another mode: KD with the same settings, or KD+AT from labelled samples."""
    if mode == preset.mode:
        return preset
    if mode == "few-shot":
        return few_shot(preset, card)
    return preset.with_method(METHOD_OF_MODE[mode]).with_(mode=mode)


def changes(config: RunConfig, presets: Mapping[str, RunConfig], card: Card) -> dict[str, Any]:
    """Return the settings in which a run differs from its preset, beside what each result records anyway."""
    named = presets[config.preset]
    recorded = set(RECORDED)
    if config.mode == "few-shot":
        base = few_shot(named, card, config.settings.init_from_run, config.settings.samples_per_class)
        recorded |= {"samples_per_class", "init_from_run"}
        # Labels alone, and KD without attention, are rows of their own.
        recorded |= {name for name in ("kd_fraction", "attention_weight") if not getattr(config.settings, name)}
    else:
        base = for_mode(named, config.mode, card)
    if base.method != config.method:
        base = base.with_method(config.method, card.domain)
    mine, usual = _flat(config), _flat(base)
    return {name: value for name, value in mine.items() if name not in recorded and value != usual.get(name)}


def _flat(config: RunConfig) -> dict[str, Any]:
    """Return all settings by name, entries of mappings as "name.key", and what a run asks for beside them."""
    settings = config.settings.to_dict()
    mappings = {name: value for name, value in settings.items() if isinstance(value, Mapping)}
    entries = {f"{name}.{key}": value for name, mapping in mappings.items() for key, value in mapping.items()}
    return (
        {name: value for name, value in settings.items() if name not in mappings}
        | entries
        | config.task
        | config.compression
        | {"attention_layers": config.attention_layers}
    )


def find_preset(
    name: str | None, teacher: str | None, mode: str, presets: Mapping[str, RunConfig], teachers: Mapping[str, Card]
) -> RunConfig:
    """Return the named preset; else the one made for the teacher, or for its data, or the default.

    Raises:
        UserError: if the name is unknown, or the preset is for another mode or, in mode teacher, another teacher.
    """
    trains = mode == "teacher"
    if name is None:
        name = _fitting(teacher or JETS_EMBEDDED.teacher, trains, presets, teachers)
    preset = lookup(presets, name, "preset")
    if (preset.mode == "teacher") != trains or (preset.mode == "kd" and mode not in LEARNS_FROM_DATA):
        raise UserError(f"--preset {name} is for --mode {preset.mode}; see --mode list for the others")
    if trains and teacher not in (None, preset.teacher):
        raise UserError(f"--preset {name} trains {preset.teacher}, not {teacher}; leave one of the two flags out")
    return preset


def _fitting(teacher: str, trains: bool, presets: Mapping[str, RunConfig], teachers: Mapping[str, Card]) -> str:
    names = [n for n, p in presets.items() if p.mode == ("teacher" if trains else "zero-shot")]
    card = teachers[teacher]
    fitting = [n for n in names if presets[n].teacher == teacher]
    if not trains:
        fitting += [card.default_preset] if card.default_preset else []
        same_domain = [n for n in names if presets[n].teacher and teachers[presets[n].teacher].domain == card.domain]
        fitting += [n for n in same_domain if teachers[presets[n].teacher].dataset == card.dataset] + same_domain
    if not fitting:
        raise UserError(f"--mode teacher: no preset trains {teacher}; choose one of {', '.join(names)} as --preset")
    return fitting[0]
