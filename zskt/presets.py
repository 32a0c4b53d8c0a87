"""Named recipes. Each line says what to expect; the figures behind are in ``runs/reference``."""

from __future__ import annotations

from typing import Any

from teachers import TEACHERS

from .config import NO_GENERATOR, Config
from .errors import UserError, lookup

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

PAPER = Config(
    preset="paper",
    teacher="cifar10-wrn-40-2",
    student="wrn-16-1",
    generator="image",
    pseudo_batches=80_000,
    batch_size=128,
    student_steps=10,
    generator_every=1,
    reuse=False,
    replay=0.0,
    beta=2500.0,
    evaluate_every=1000,
    checkpoint_every=500,
)
"""Micaelli and Storkey's procedure: a fresh batch after the generator's step, ten student steps on it, no replay. Their
beta of 250 weighs a KL divided by the 10 classes too: 2 500 on a KL per example."""
ZSKT = PAPER.with_(
    preset="zskt",
    reuse=True,
    replay=0.5,
    balance=0.5,
    coverage=2.0,
    certainty=1.0,
    moments=3.0,
    average=0.999,
    beta=0.0,
    pool=16_384,
)
"""Ours, at half the teacher's answers a turn: the student learns from the samples of the generator's step."""


def _pair(
    teacher: str, student: str, turns: int, ours: dict[str, Any] | None = None, **both: Any
) -> tuple[Config, ...]:
    """Both recipes for a teacher and a student; ``ours`` changes the second alone."""
    name = f"{teacher}-to-{student}"
    pair = {"teacher": teacher, "student": student, "pseudo_batches": turns} | both
    return ZSKT.with_(preset=name, **(pair | (ours or {}))), PAPER.with_(preset=f"{name}-paper", **pair)


def _teacher(name: str, epochs: int, **changes: object) -> Config:
    return Config(preset=name, teacher=name, mode="teacher", pseudo_batches=epochs, evaluate_every=1,
                  checkpoint_every=1).with_(**changes)  # fmt: skip


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
        *_pair(
            "mnist-lenet5",
            "lenet5-half",
            500,
            {
                "generator": "strokes-prior",
                "pseudo_batches": 2500,
                "student_steps": 8,
                "growth": 1.0,
                "replay": 0.9,
                "balance": 1.0,
                "push": 5.0,
                "coverage": 0.0,
                "certainty": 0.0,
                "moments": 0.0,
                "temperature": 6.0,
                "student_lr": 1e-2,
                "warmup": 0.1,
                "pool": 131_072,
                "checkpoint_every": 500,
            },
            evaluate_every=0,
            checkpoint_every=100,
        ),
        *_pair(
            "cifar10-resnet20",
            "resnet8",
            700,
            {"growth": 1.0, "replay": 0.8, "generator_lr": 3e-3},
            evaluate_every=50,
            checkpoint_every=50,
        ),
        *(
            config
            for teacher, student in (
                ("wrn-40-2", "wrn-16-1"),
                ("wrn-16-2", "wrn-16-1"),
                ("wrn-40-1", "wrn-16-1"),
                ("wrn-40-1", "wrn-16-2"),
                ("wrn-40-2", "wrn-16-2"),
                ("wrn-40-2", "wrn-40-1"),
                ("resnet34", "resnet18"),
            )
            for config in _pair(f"cifar10-{teacher}", student, 80_000)
        ),
        *_pair("svhn-wrn-40-2", "wrn-16-1", 50_000),
        _teacher("mnist-lenet5", 20, student_lr=2e-3, weight_decay=1e-2, augment="shift"),
        *(
            _teacher(f"{data}-{net}", 200, student_lr=0.1, weight_decay=5e-4, optimizer="sgd", augment=augment)
            for data, net, augment in (
                ("cifar10", "wrn-40-2", "shift-mirror"),
                ("cifar10", "wrn-16-2", "shift-mirror"),
                ("cifar10", "wrn-40-1", "shift-mirror"),
                ("cifar10", "resnet34", "shift-mirror"),
                ("svhn", "wrn-40-2", "shift"),
            )
        ),
    )
}

LINES = {
    "jets-embedded": "the default: the teacher that ships with zskt, two minutes on two cores",
    "jetclass-kin": "the published JetClass ParticleNet on kinematics, 38 400 answers, 12 000 student steps",
    "tagger": "a tagger from a file, or one of CMS's by name, with whatever inputs its preprocess.json describes",
    "jetclass-kinpid": "the same with particle types",
    "jetclass-full": "the same with impact parameters",
    "mnist-lenet5-to-lenet5-half": "LeNet-5 to its half on MNIST, pen strokes for a generator",
    "mnist-lenet5": "trains LeNet-5 on MNIST, 20 epochs",
    "cifar10-wrn-40-2": "trains the wide ResNet 40-2 on CIFAR-10, 200 epochs: for a GPU, as those that follow",
    "cifar10-wrn-16-2": "trains the wide ResNet 16-2",
    "cifar10-wrn-40-1": "trains the wide ResNet 40-1",
    "cifar10-resnet34": "trains ResNet-34",
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


FEW_SHOT: dict[str, dict[str, Any]] = {
    "images": {
        "optimizer": "sgd",
        "student_lr": 0.1,
        "weight_decay": 5e-4,
        "temperature": 4.0,
        "beta": 1000.0,
        "pseudo_batches": 100,
        "student_steps": 100,
        "augment": "shift-mirror",
    },
    "jets": {"student_lr": 2e-3, "pseudo_batches": 100, "student_steps": 40},
}
"""Of a domain, mode few-shot: KD+AT as Micaelli and Storkey have it, 10 000 steps; for jets without attention."""
OF_DATA: dict[str | None, dict[str, Any]] = {
    "svhn": {"augment": "shift"},
    "mnist": {"augment": "shift", "student_lr": 0.03, "pseudo_batches": 40, "student_steps": 50},
}
"""No digit is a mirror image of itself; LeNet-5, which normalises nothing, diverges at 0.1."""
WHOLE: dict[str | None, dict[str, Any]] = {
    "cifar10": {"pseudo_batches": 200, "student_steps": 391},
    "svhn": {"pseudo_batches": 200, "student_steps": 572},
    "mnist": {"pseudo_batches": 20, "student_steps": 469},
}
"""From all images: epochs, and batches of 128 in one."""
FINE_TUNING: dict[str | None, dict[str, Any]] = {"mnist": {"student_lr": 1e-3, "beta": 0.0}}
"""Where the student has learned already: a tenth of the rate, unless something better was found. On MNIST the attention
maps of a few images cost more than they teach."""


def few_shot(pair: Config, start: str = "scratch", images_per_class: int = 0) -> Config:
    """The recipe of mode few-shot for the teacher and the student of another recipe."""
    domain, data = TEACHERS[pair.teacher].domain, TEACHERS[pair.teacher].data
    settings = FEW_SHOT[domain] | OF_DATA.get(data, {})
    if not images_per_class:
        settings = settings | WHOLE.get(data, {})
    if start != "scratch":
        settings = settings | {"student_lr": 0.1 * settings["student_lr"]} | FINE_TUNING.get(data, {})
    return Config(
        preset=pair.preset,
        mode="few-shot",
        teacher=pair.teacher,
        student=pair.student,
        generator=NO_GENERATOR,
        evaluate_every=0,
        start=start,
        images_per_class=images_per_class,
    ).with_(**settings)


def changes(config: Config) -> dict[str, Any]:
    """In what a recipe differs from the one that its preset names, beside what each result records anyway."""
    base = PRESETS[config.preset].with_(mode=config.mode)
    if config.mode == "few-shot":
        base = few_shot(base, config.start, config.images_per_class)
    told = {"preset", "mode", "teacher", "student", "generator", "seed", "pseudo_batches", "batch_size"}
    told |= {"evaluate_every", "checkpoint_every"} | ({"pool"} if config.mode == "kd" else set())
    if config.mode == "few-shot":
        told |= {"images_per_class", "start"}
        if not config.alpha:
            base = base.with_(alpha=0.0)
        if not config.beta:
            base = base.with_(beta=0.0)
    mine, named = config.to_dict(), base.to_dict()
    return {name: mine[name] for name in mine if name not in told and mine[name] != named[name]}


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
        fitting = [n for n in names if PRESETS[n].teacher == chosen] or ([card.recipe] if card.recipe else [])
        if not trains:
            others = [n for n in names if TEACHERS[PRESETS[n].teacher].domain == card.domain]
            fitting += [n for n in others if TEACHERS[PRESETS[n].teacher].data == card.data] + others
        if not fitting:
            raise UserError(f"--mode teacher: no preset trains {chosen}; choose one of {', '.join(names)} as --preset")
        name = fitting[0]
    found = lookup(PRESETS, name, "preset")
    if (found.mode == "teacher") != trains:
        raise UserError(f"--preset {name} is for --mode {found.mode}; see --mode list for the others")
    if trains and teacher not in (None, found.teacher):
        raise UserError(f"--preset {name} trains {found.teacher}, not {teacher}; leave one of the two flags out")
    return found if mode == "few-shot" else found.with_(mode=mode)
