"""Named recipes. Each line says what to expect; the figures behind are in ``runs/reference``."""

from __future__ import annotations

from teachers import TEACHERS

from .config import Config
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

PAPER = Config(
    preset="mnist-lenet5-to-lenet5-half-paper",
    teacher="mnist-lenet5",
    student="lenet5-half",
    generator="image",
    pseudo_batches=1000,
    batch_size=128,
    student_steps=10,
    generator_every=1,
    reuse=False,
    replay=0.0,
    beta=2500.0,
    evaluate_every=0,
)
"""Micaelli and Storkey's procedure: a fresh batch after the generator's step, ten student steps on it, no replay. Their
beta of 250 weighs a KL divided by the 10 classes too: 2 500 on a KL per example."""
ZSKT = PAPER.with_(preset="mnist-lenet5-to-lenet5-half", replay=0.5, balance=0.5, coverage=1.0, beta=0.0, reuse=True)


def _teacher(name: str, epochs: int, **changes: object) -> Config:
    return Config(preset=name, teacher=name, mode="teacher", pseudo_batches=epochs, evaluate_every=1,
                  checkpoint_every=1).with_(**changes)  # fmt: skip


PRESETS: dict[str, Config] = {
    config.preset: config
    for config in (
        EMBEDDED,
        JETCLASS,
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
        ZSKT,
        PAPER,
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
    "jetclass-kinpid": "the same with particle types",
    "jetclass-full": "the same with impact parameters",
    "mnist-lenet5-to-lenet5-half": "LeNet-5 to its half on MNIST: replay, balance, coverage",
    "mnist-lenet5-to-lenet5-half-paper": "the same by the paper's own recipe",
    "mnist-lenet5": "trains LeNet-5 on MNIST, 20 epochs",
    "cifar10-wrn-40-2": "trains the wide ResNet 40-2 on CIFAR-10, 200 epochs: for a GPU, as those that follow",
    "cifar10-wrn-16-2": "trains the wide ResNet 16-2",
    "cifar10-wrn-40-1": "trains the wide ResNet 40-1",
    "cifar10-resnet34": "trains ResNet-34",
    "svhn-wrn-40-2": "trains the wide ResNet 40-2 on SVHN, 200 epochs",
    "embedded-teacher": "how the teacher that ships with zskt was trained: 40 000 jets of --mode simulate",
}


def preset(name: str | None, teacher: str | None, mode: str) -> Config:
    """The named recipe; else the one made for the teacher, or for others of its domain, or the default.

    Raises:
        UserError: if the name is unknown, or the preset is for another mode or, in mode teacher, another teacher.
    """
    trains = mode == "teacher"
    if name is None:
        names = [n for n, p in PRESETS.items() if (p.mode == "teacher") == trains]
        chosen = teacher or EMBEDDED.teacher
        fitting = [n for n in names if PRESETS[n].teacher == chosen]
        domain = TEACHERS[chosen].inputs.domain
        fitting += [n for n in names if TEACHERS[PRESETS[n].teacher].inputs.domain == domain and not trains]
        if not fitting:
            raise UserError(f"--mode teacher: no preset trains {chosen}; choose one of {', '.join(names)} as --preset")
        name = fitting[0]
    found = lookup(PRESETS, name, "preset")
    if (found.mode == "teacher") != trains:
        raise UserError(f"--preset {name} is for --mode {found.mode}; see --mode list for the others")
    if trains and teacher not in (None, found.teacher):
        raise UserError(f"--preset {name} trains {found.teacher}, not {teacher}; leave one of the two flags out")
    return found.with_(mode=mode)
