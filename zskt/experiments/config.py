"""What a run is asked to do: one frozen object, validated when made, recorded in the run folder."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from generators import GENERATORS
from teachers import TEACHERS
from zskt.errors import UserError, lookup
from zskt.images.augment import AUGMENTATIONS
from zskt.networks.students import STUDENTS

NO_GENERATOR = "none"
"""Recorded by the modes that learn from given samples."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """A recipe, whichever mode uses it. Losses are in nats per example.

    Raises:
        UserError: if a name is unknown or a value cannot work; the message names the flag.
    """

    preset: str
    """Name of the preset that this began as."""
    mode: str = "zero-shot"
    teacher: str = "zskt-particlenet"
    student: str = "pfn"
    generator: str = "shower"
    seed: int = 0
    """Of every random stream of the run: initialisation, latent, replay, demonstration."""
    pseudo_batches: int = 400
    """N of Algorithm 1: turns of the game. In mode kd as many turns of student steps alone; in mode teacher, epochs."""
    batch_size: int = 128
    """B: pseudo-samples a turn, and samples a student step."""
    student_steps: int = 10
    """n_S: student steps a turn, on average over the run."""
    growth: float = 0.0
    """In the game, student steps of turn t go with t^growth. 0 is Algorithm 1; 1 goes with the number of samples that
    there are to replay, so that early ones are not learned by heart before there are others."""
    generator_every: int = 1
    """Turns from one generator step to the next; 0 never takes one."""
    reuse: bool = True
    """Whether the student learns from the very samples of the generator step, whose answers are paid for already;
    False takes the same z through the generator after its step and asks again, as Algorithm 1 has it."""
    fresh: bool = False
    """Whether each student step draws a new z, and asks the teacher anew."""
    replay: float = 0.5
    """Share of each student batch that comes from earlier pseudo-batches."""
    pool: int = 65536
    """How many pseudo-samples are kept for replay, the latest ones."""
    balance: float = 0.0
    """Replay draws a sample with probability ~ (frequency of its class among the teacher's answers)^-balance."""
    beta: float = 0.0
    """Weight of the attention match."""
    hint: float = 0.0
    """Weight of the match of what the blocks put out, in units of the teacher's mean square, where both networks have
    the same widths. Layers are too large to be kept: the teacher is asked again in each student step, at as many
    answers more."""
    cutmix: float = 0.0
    """Share of the images of each student batch that get a rectangle of another one; the teacher is asked anew in each
    student step, at as many answers more."""
    regression: float = 1.0
    """Weight of the robust distance of regressed values, of teachers that have such."""
    radius: float = 0.0
    """Of the jets that the teacher is for; 0 takes what its card says. So for the two that follow."""
    pt_low: float = 0.0
    pt_high: float = 0.0
    """GeV"""
    coverage: float = 0.0
    """Weight of the entropy of the teacher's mean belief in what the generator maximises: all classes shall come up."""
    certainty: float = 0.0
    """Price of the teacher's doubt, the entropy of each of its beliefs, in what the generator maximises."""
    push: float = 0.0
    """How far, at most, each pseudo-image is moved along the gradient of KL(T || S) in normalised pixels before the
    student learns from it: an adversary without parameters, beside the generator's or instead of it. It is asked about
    where it begins and where it ends."""
    moments: float = 0.0
    """Price of pseudo-samples whose moments are not those that the teacher's batch normalisations remember."""
    inherit: bool = False
    """Whether the student begins with the teacher's own layers, wherever name and shapes are the same: a shallower
    network of the same widths begins as the teacher with blocks left out, and knows real samples from it. Of modes
    zero-shot and kd."""
    average: float = 0.0
    """Decay, each step, of an exponential moving average of the student; it is what the run leaves. 0 keeps none."""
    alpha: float = 0.9
    """In mode few-shot, the teacher's share of the loss, the labels have the rest; 0 does without a teacher."""
    images_per_class: int = 0
    """M, labelled samples of each class in mode few-shot; 0 takes all."""
    start: str = "scratch"
    """In mode few-shot, the recipe of the run whose student is where this one begins."""
    temperature: float = 1.0
    student_lr: float = 2e-3
    """Of Adam; falls to 0 by a cosine over the run, like the generator's."""
    warmup: float = 0.0
    """Share of the student's steps of a game in which its rate rises to that cosine: too high a rate at first leaves
    units that never answer again."""
    generator_lr: float = 1e-3
    weight_decay: float = 0.0
    """Of the student, decoupled (AdamW)."""
    optimizer: str = "adamw"
    """Of mode teacher: "adamw" with a cosine, or "sgd", Nesterov's with momentum 0.9, its rate divided by 5 after
    30, 60 and 80 % of the epochs, as in the literature on wide ResNets."""
    augment: str = "none"
    """Of real images in training: see `zskt.augment.AUGMENTATIONS`."""
    clip: float = 5.0
    """Largest norm of a gradient."""
    evaluate_every: int = 100
    """Turns between evaluations on the test samples; 0 evaluates at the end only. Never used to choose a student."""
    checkpoint_every: int = 100
    """Turns between checkpoints; there is one every five minutes in any case."""

    def __post_init__(self) -> None:
        lookup(TEACHERS, self.teacher, "teacher")
        lookup(STUDENTS, self.student, "student")
        if self.generator != NO_GENERATOR or self.mode == "zero-shot":
            lookup(GENERATORS, self.generator, "generator")
        self._require_one_domain()
        least = {"pseudo_batches": 1, "batch_size": 2, "student_steps": 1, "student_lr": 0, "generator_lr": 0}
        least |= {"seed": 0, "generator_every": 0, "beta": 0, "weight_decay": 0, "clip": 0, "balance": 0, "pool": 1}
        least |= {"evaluate_every": 0, "checkpoint_every": 1, "coverage": 0, "growth": 0, "moments": 0}
        least |= {"certainty": 0, "images_per_class": 0, "regression": 0, "radius": 0, "pt_low": 0, "pt_high": 0}
        least |= {"push": 0, "hint": 0}
        for name, value in self.to_dict().items():
            if isinstance(value, float) and not math.isfinite(value):
                raise UserError(f"{name} is {value}, but must be a finite number")
        for name, value in least.items():
            if getattr(self, name) < value:
                flag = name.replace("_", "-")
                raise UserError(f"--{flag} is {getattr(self, name)}, but must be at least {value}")
        for name, most in {"seed": 2**60, "balance": 2, "pool": 2**24}.items():
            if getattr(self, name) > most:
                raise UserError(f"--{name} is {getattr(self, name)}, but must be at most {most}")
        if not 0 <= self.replay < 1:
            raise UserError(f"replay is {self.replay}, but must be in [0, 1): some of a batch has to be new")
        for name in ("alpha", "average", "warmup", "cutmix"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} is {getattr(self, name)}, but must be in [0, 1]")
        if self.mode not in ("zero-shot", "kd"):
            for name in ("inherit", "hint", "cutmix"):
                if getattr(self, name):
                    raise UserError(f"{name} is of modes zero-shot and kd, not of {self.mode}: take it out of --set")
        lookup(AUGMENTATIONS, self.augment, "augmentation")
        lookup({"adamw": 0, "sgd": 0}, self.optimizer, "optimizer")
        if self.temperature <= 0:
            raise UserError(f"temperature is {self.temperature}, but must be positive")

    def _require_one_domain(self) -> None:
        domain = TEACHERS[self.teacher].domain
        tables: list[tuple[str, str, dict[str, str]]] = []
        if self.mode != "teacher":
            tables.append(("student", self.student, {name: s.domain for name, s in STUDENTS.items()}))
        if self.mode == "zero-shot":
            tables.append(("generator", self.generator, {name: g.domain for name, g in GENERATORS.items()}))
        for kind, name, domains in tables:
            if domains[name] != domain:
                fitting = ", ".join(sorted(n for n, d in domains.items() if d == domain))
                raise UserError(
                    f"--{kind} {name} is for {domains[name]}, but the teacher {self.teacher} takes {domain}: "
                    f"choose one of {fitting}"
                )
        for name, is_on in {"augment": self.augment != "none", "push": self.push, "cutmix": self.cutmix}.items():
            if is_on and domain != "images":
                chosen = getattr(self, name)
                raise UserError(f"{name} {chosen} is for images, but the teacher {self.teacher} takes {domain}")

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any], where: str, *, whole: bool = False) -> Config:
        """The inverse of `to_dict`. What an older version did not have yet takes its default.

        Args:
            whole: nothing may be missing, as for a run that is to go on exactly.

        Raises:
            UserError: if there are fields that this version does not know, or some are missing.
        """
        known = {f.name for f in fields(cls)}
        wrong = set(values) - known
        missing = known - set(values) if whole else {"preset"} - set(values)
        if wrong or missing:
            odd = f"fields {', '.join(sorted(wrong | missing))}"
            raise UserError(f"{where}: written by another version of zskt ({odd}); use that version")
        return cls(**values)

    def with_(self, **changes: Any) -> Config:
        """A copy with those of ``changes`` that are not None."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})
