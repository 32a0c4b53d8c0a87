"""Named recipes. Each line says what to expect; the figures behind are in ``runs/reference``."""

from __future__ import annotations

from typing import Any

from teachers import TEACHERS
from zskt.errors import UserError, lookup
from zskt.experiments.config import Config
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.image_presets import IMAGES

EMBEDDED = Config(
    preset="jets-embedded",
    pseudo_batches=200,
    batch_size=128,
    student_steps=15,
    growth=1.0,
    generator_every=3,
    replay=0.9,
    balance=0.5,
    coverage=3.0,
    evaluate_every=50,
)
JETCLASS = EMBEDDED.with_(
    preset="jetclass-kin",
    teacher="jetclass-particlenet-kin",
    pseudo_batches=300,
    student_steps=40,
    evaluate_every=100,
)
TAGGER = JETCLASS.with_(preset="tagger", teacher="cms-hlt-particlenet-ak4", pseudo_batches=200, student_lr=5e-3)

PRESETS: dict[str, Config] = {
    config.preset: config
    for config in (
        EMBEDDED,
        JETCLASS,
        TAGGER,
        JETCLASS.with_(preset="jetclass-kinpid", teacher="jetclass-particlenet-kinpid"),
        JETCLASS.with_(preset="jetclass-full", teacher="jetclass-particlenet-full"),
        Config(
            preset="embedded-teacher",
            mode="teacher",
            pseudo_batches=10,
            batch_size=128,
            student_lr=3e-3,
            weight_decay=1e-2,
            evaluate_every=1,
            checkpoint_every=1,
        ),
        *IMAGES,
    )
}

LINES = {
    "jets-embedded": "the default: the teacher that ships with zskt, under five minutes on two cores",
    "jetclass-kin": "the published JetClass ParticleNet on kinematics, 38 400 answers, 12 000 student steps",
    "tagger": "a tagger from a file, or one of CMS's by name, with whatever inputs its preprocess.json describes",
    "jetclass-kinpid": "the same with particle types",
    "jetclass-full": "the same with impact parameters",
    "mnist-lenet5-to-lenet5-half": "LeNet-5 to its half on MNIST, pen strokes for a generator",
    "fashion-mnist-lenet5-to-lenet5-half": "LeNet-5 to its half on FashionMNIST, things cut out for a generator",
    "mnist-lenet5": "trains LeNet-5 on MNIST, 20 epochs",
    "fashion-mnist-lenet5": "trains LeNet-5 on FashionMNIST, 20 epochs",
    "cifar10-wrn-40-2": "trains the wide ResNet 40-2 on CIFAR-10, 200 epochs: for a GPU, as those that follow",
    "cifar10-wrn-16-2": "trains the wide ResNet 16-2",
    "cifar10-wrn-40-1": "trains the wide ResNet 40-1",
    "cifar10-resnet34": "trains ResNet-34",
    "cifar100-wrn-40-2": "trains the wide ResNet 40-2 on CIFAR-100",
    "cifar100-resnet34": "trains ResNet-34 on CIFAR-100",
    "svhn-wrn-40-2": "trains the wide ResNet 40-2 on SVHN, 200 epochs",
    "embedded-teacher": "how the teacher that ships with zskt was trained: 40 000 jets of --mode simulate",
}
"""A line each, for --mode list; pairs of image networks have theirs from `line`."""


def line(config: Config) -> str:
    """What a preset is for."""
    if config.preset in LINES:
        return LINES[config.preset]
    recipe = "the paper's own recipe" if config.preset.endswith("-paper") else "our recipe"
    return f"{config.teacher} to {config.student}: {recipe}, {config.pseudo_batches} turns"


def changes(config: Config) -> dict[str, Any]:
    """In what a recipe differs from the one that its preset names, beside what each result records anyway."""
    named = PRESETS[config.preset]
    if config.mode == "few-shot":
        base = few_shot(named, config.start, config.images_per_class)
    else:
        base = named.with_(mode=config.mode)
    told = {"preset", "mode", "teacher", "student", "generator", "seed", "pseudo_batches", "batch_size"}
    told |= {"evaluate_every", "checkpoint_every"} | ({"pool"} if config.mode == "kd" else set())
    if config.mode == "few-shot":
        told |= {"images_per_class", "start"}
        if not config.alpha:
            base = base.with_(alpha=0.0)
        if not config.beta:
            base = base.with_(beta=0.0)
    mine, usual = config.to_dict(), base.to_dict()
    return {name: mine[name] for name in mine if name not in told and mine[name] != usual[name]}


def preset(name: str | None, teacher: str | None, mode: str) -> Config:
    """The named recipe (in mode few-shot, of a game); else the one made for the teacher, or its domain, or the default.

    Raises:
        UserError: if the name is unknown, or the preset is for another mode or, in mode teacher, another teacher.
    """
    trains = mode == "teacher"
    if name is None:
        names = [n for n, p in PRESETS.items() if (p.mode == "teacher") == trains]
        chosen = teacher or EMBEDDED.teacher
        card = TEACHERS[chosen]
        fitting = [n for n in names if PRESETS[n].teacher == chosen] or (
            [card.default_preset] if card.default_preset else []
        )
        if not trains:
            others = [n for n in names if TEACHERS[PRESETS[n].teacher].domain == card.domain]
            fitting += [n for n in others if TEACHERS[PRESETS[n].teacher].dataset == card.dataset] + others
        if not fitting:
            raise UserError(f"--mode teacher: no preset trains {chosen}; choose one of {', '.join(names)} as --preset")
        name = fitting[0]
    found = lookup(PRESETS, name, "preset")
    if (found.mode == "teacher") != trains:
        raise UserError(f"--preset {name} is for --mode {found.mode}; see --mode list for the others")
    if trains and teacher not in (None, found.teacher):
        raise UserError(f"--preset {name} trains {found.teacher}, not {teacher}; leave one of the two flags out")
    return found if mode == "few-shot" else found.with_(mode=mode)
