"""Named recipes. Each line says what to expect; the figures behind are in ``runs/reference``."""

from __future__ import annotations

from .config import Config
from .errors import lookup

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
    )
}

LINES = {
    "jets-embedded": "the default: the teacher that ships with zskt, two minutes on two cores",
    "jetclass-kin": "the published JetClass ParticleNet on kinematics, 38 400 answers, 12 000 student steps",
    "jetclass-kinpid": "the same with particle types",
    "jetclass-full": "the same with impact parameters",
    "embedded-teacher": "how the teacher that ships with zskt was trained: 40 000 jets of --mode simulate",
}


def preset(name: str | None, teacher: str | None, mode: str) -> Config:
    """The named recipe, or the one made for a teacher, or the default.

    Raises:
        UserError: if the name is unknown.
    """
    if name is None:
        if mode == "teacher":
            name = "embedded-teacher"
        else:
            fitting = [p.preset for p in PRESETS.values() if p.teacher == teacher and p.mode != "teacher"]
            name = fitting[0] if fitting else EMBEDDED.preset
    return lookup(PRESETS, name, "preset").with_(mode=mode)
