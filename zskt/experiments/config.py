"""What a run is asked to do: one frozen object, recorded in the run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

from zskt.ensemble import DRAWS
from zskt.errors import SETTINGS_PAGE, UserError, lookup
from zskt.experiments.aliases import SETTING_ALIASES
from zskt.experiments.method_recipes import VARIANTS, recipe_of
from zskt.forward import LAYERS, PRECISIONS
from zskt.methods import METHODS, Method, Setup, iterations_of
from zskt.methods.zskt import ZSKT
from zskt.settings import MOST_SEED, Settings, setting
from zskt.storage.documents import checked
from zskt.storage.run_files import ASKED
from zskt.teacher_access import ACCESSES

METHOD_OF_MODE = {
    "zero-shot": "zskt", "compress": "zskt", "kd": "kd", "few-shot": "supervised", "teacher": "supervised",
}  # fmt: skip
"""Mode of the command line -> the method that it runs, unless told otherwise."""
RUN_SETTINGS = ("radius", "pt_low", "pt_high", "evaluate_every", "checkpoint_every", "precision",
                "attention_layers", "teacher_draw", "seed", "student", "generator", "prior")  # fmt: skip
"""Settings of a run beside its method's, that ``--set`` changes."""
BESIDE_A_TEACHER = ("kd_fraction", "attention_weight", "temperature", "terms")
"""Settings of learning from labels that only a student beside a teacher has."""
LEARNS_FROM_DATA = ("kd", "few-shot", "teacher")
"""Modes that may read training data."""


@dataclass(frozen=True, kw_only=True)
class RunConfig(Settings):
    """A run: who takes part, the method and its settings, what is logged.

    Raises:
        UserError: if a value cannot work.
    """

    preset: str
    """Name of the preset that this began as."""
    mode: str = "zero-shot"
    teacher: str = "zskt-particlenet"
    student: str = "pfn"
    generator: str | None = None
    """None where samples are given instead."""
    prior: str = ""
    """A second generator, without parameters, whose samples teach beside those that an inversion method makes. Empty:
    none."""
    method: str = "zskt"
    """Name of the method, in `zskt.methods.METHODS`."""
    settings: Any = field(default_factory=ZSKT.Config)
    """The method's own settings, its ``Config``."""
    begins_from: str = ""
    """Mode and preset of the earlier run whose student this one begins as, as far as its layers fit. Empty: anew."""
    seed: int = setting(0, minimum=0, maximum=MOST_SEED)
    """Seed of every random stream of the run: initialisation, latent variables, replay, pictures."""
    radius: float = setting(0.0, minimum=0)
    """Jet radius that the teacher is for. 0: the teacher card's value."""
    pt_low: float = setting(0.0, minimum=0)
    """Smallest transverse momentum of its jets, GeV. 0: the teacher card's value."""
    pt_high: float = setting(0.0, minimum=0)
    """Largest transverse momentum of its jets, GeV. 0: the teacher card's value."""
    precision: str = setting("float32", choices=PRECISIONS)
    """In what networks compute: float32, whose convolutions a GPU rounds to TF32; or bf16, PyTorch's automatic mixed
    precision, for processors and GPUs that are faster in it. Parameters and losses are float32."""
    attention_layers: str = setting("last", choices=LAYERS)
    """Which blocks the terms of the loss compare where one network has more of them: as many, counted from this end."""
    view: str = setting("")
    """What the student sees of a sample, as "features:kin", see `zskt.domains.domain.Domain.views`. Empty: all that the
    teacher sees."""
    teacher_access: str = setting("", choices=("", *ACCESSES))
    """What the method sees of the teacher: its gradient, its probabilities, or its top class alone. Empty: what the
    teacher can give, and the method asks for."""
    members: int = setting(1, minimum=1)
    """M, networks that are the teacher together, as many as ``--teacher-path`` names files: they answer the mean of
    their beliefs."""
    teacher_draw: str = setting("", choices=DRAWS)
    """What is drawn of the teacher for each question of the method: one "member" a sample, or the units that "dropout"
    leaves out. Empty: nothing, the mean answers. The student is judged beside the mean in any case."""
    queries: int = setting(0, minimum=0)
    """Samples that the teacher may be asked about, at most; a run ends when they are spent. 0: no limit."""
    channels: float = setting(1.0, above=0, maximum=1)
    """Mode compress: share of the channels of each hidden layer that stay. 1: all."""
    rank: float = setting(1.0, above=0, maximum=1)
    """Mode compress: rank of each product, as a share of the largest that its shape allows. 1: as it is."""
    bits: int = setting(32, minimum=2, maximum=32)
    """Mode compress: bits of weights and of the numbers that they multiply. 32: floating-point numbers."""
    sparsity: float = setting(0.0, minimum=0, below=1)
    """Mode compress: share of the weights of each product that are zero, and stay so."""
    evaluate_every: int = setting(100, minimum=0)
    """Iterations between evaluations on the test samples, never used to choose a student. 0: at the end only."""
    checkpoint_every: int = setting(100, minimum=1)
    """Iterations between checkpoints; there is one every five minutes in any case."""

    @property
    def compression(self) -> dict[str, Any]:
        """How its student is made smaller, as far as it is: the values of `zskt.networks.compression.Compression`."""
        names = ("channels", "rank", "bits", "sparsity")
        usual = {f.name: f.default for f in fields(self)}
        return {name: getattr(self, name) for name in names if getattr(self, name) != usual[name]}

    @property
    def selection(self) -> dict[str, float]:
        """Which jets the teacher is for, as far as the run says so."""
        return {name: getattr(self, name) for name in ("radius", "pt_low", "pt_high") if getattr(self, name)}

    @property
    def task(self) -> dict[str, Any]:
        """What is asked beside the recipe of the preset: which jets, what else teaches, what the student sees, who
        answers, how it begins."""
        beside = {
            "prior": self.prior,
            "view": self.view,
            "members": self.members if self.members > 1 else 0,
            "teacher_draw": self.teacher_draw,
            "begins_from": self.begins_from,
        }
        return self.selection | {name: value for name, value in beside.items() if value}

    def to_dict(self) -> dict[str, Any]:
        """Return all values, as ``config.json`` holds them."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"settings": self.settings.to_dict()}

    def flat(self) -> dict[str, Any]:
        """Return all values by name, those of the method's settings among them."""
        own = {name: value for name, value in self.to_dict().items() if name != "settings"}
        return {**own, **self.settings.to_dict()}

    def with_(self, **changes: Any) -> Self:
        """Copy, with those of ``changes`` that are not None; names of the method's settings are changed there."""
        changes = {name: value for name, value in changes.items() if value is not None}
        own = {name: value for name, value in changes.items() if name in self.names()}
        inner = {name: value for name, value in changes.items() if name not in own}
        for name in inner:
            lookup(dict.fromkeys(self.settings.names()), name, self._setting, SETTINGS_PAGE)
        return replace(self, settings=replace(self.settings, **inner), **own) if inner else replace(self, **own)

    @property
    def _setting(self) -> str:
        """What an error calls a setting of this run."""
        return f"setting of --mode {self.mode} (method {self.method})"

    def with_length(self, iterations: int) -> Self:
        """Copy, with another number of iterations, or of epochs where labels teach."""
        return replace(self, settings=self.settings.with_length(iterations))

    def with_method(self, name: str, domain: str = "") -> Self:
        """Copy, for another method.

        A method that learns from data keeps the settings that both have, so that it takes the same student steps. A
        data-free one takes its own defaults with its recipe for this preset, see `zskt.experiments.method_recipes`.

        Args:
            name: of a method, or of another recipe of one.
            domain: of the teacher, for recipes that hold for a whole domain.
        """
        kind = lookup({**METHODS, **{n: METHODS[of] for n, of in VARIANTS.items()}}, name, "method")
        if name == self.method:
            return self
        method = VARIANTS.get(name, name)
        if kind.needs_data:
            settings = kind.Config.from_dict(self.settings.to_dict())
            return replace(self, method=method, generator=None, prior="", settings=settings)
        recipe = recipe_of(self.preset, name, domain)
        generator = (recipe.generator or self.generator) if kind.needs_generator else None
        begun = kind.Config.from_dict(self.settings.to_dict() if recipe.keeps_settings else {})
        settings = replace(begun, **recipe.settings)
        return replace(self, method=method, generator=generator, prior="", settings=settings)

    def with_length_of_budget(self) -> Self:
        """Copy, as many iterations as the budget of queries may last, if the method says what they cost.

        What it is given decides, see `within_budget`: a generator that is trained asks more than a prior.
        """
        length = iterations_of(METHODS[self.method], self.settings, self.queries)
        return self if length is None else self.with_length(length)

    def within_budget(self, setup: Setup) -> Self:
        """Copy, no longer than the budget of queries lasts, see `zskt.methods.method.Method.within_budget`."""
        return replace(self, settings=METHODS[self.method].within_budget(self.settings, self.queries, setup))

    def assigned(self, name: str, text: str) -> Self:
        """Copy, with one setting from the command line; earlier names are understood.

        Raises:
            UserError: if neither the run nor its method has such a setting, or it has a flag of its own.
        """
        name = SETTING_ALIASES.get(name, name)
        name = self.settings.length_name if name == "iterations" else name
        unused = {"student": self.mode == "teacher", "generator": self.generator is None}
        unused |= dict.fromkeys(BESIDE_A_TEACHER, self.mode == "teacher")
        if unused.get(name.partition(".")[0]):
            raise UserError(f"--set {name}: --mode {self.mode} has no use for it; leave it out")
        if name in RUN_SETTINGS:
            return super().assigned(name, text)
        if name == "members":
            raise UserError("--set members: is the number of files behind --teacher-path; name them there")
        if name == "init_from_run" or name in self.names():
            raise UserError(f"--set {name}: has a flag of its own; see --help")
        inner = self.settings.names()
        if name in inner and is_unused(METHODS[self.method], name):
            raise UserError(f"--set {name}: method {self.method} trains no generator; leave it out")
        if name.partition(".")[0] not in inner:
            names = dict.fromkeys([*inner, *RUN_SETTINGS])
            lookup(names, name, self._setting, SETTINGS_PAGE)
        return replace(self, settings=self.settings.assigned(name, text))

    @classmethod
    def read(cls, values: Mapping[str, Any], where: str, *, whole: bool = False) -> RunConfig:
        """Make a configuration from ``config.json``, of this version or an earlier one.

        Args:
            where: the file, for messages.
            whole: nothing may be missing, as for a run that is to go on exactly.

        Raises:
            UserError: if there are fields that this version does not know, or some are missing.
        """
        values = {name: value for name, value in values.items() if name not in ("files", ASKED)}
        if "settings" not in values:
            values = _upgraded(values, where)
        values["settings"] = checked(values["settings"], dict[str, Any], f"{where}, settings")
        names = set(cls.names())
        kind = lookup(METHODS, str(values.get("method", "zskt")), "method")
        settings = values["settings"]
        strange = (set(values) - names) | (set(settings) - set(kind.Config.names()))
        required = (names | set(kind.Config.names())) if whole else {"preset"}
        missing = required - set(values) - set(settings)
        if strange or missing:
            odd = f"fields {', '.join(sorted(strange | missing))}"
            raise UserError(f"{where}: written by another version of zskt ({odd}); use that version")
        try:
            own = checked(settings, kind.Config, f"{where}, settings")
            run = {name: value for name, value in values.items() if name != "settings"}
            return replace(checked(run, cls, where), settings=own)
        except UserError as error:  # of a bound of a setting, which does not know the file
            raise error if str(where) in str(error) else UserError(f"{where}: {error}; mend it") from None


def recorded_files(recorded: Mapping[str, Any], where: Path | str) -> dict[str, dict[str, str | None]]:
    """Return the files that a run was made of, "path" and "sha256" by role, of the content of its ``config.json``.

    Raises:
        UserError: if the entry is of another kind.
    """
    return checked(recorded.get("files", {}), dict[str, dict[str, str | None]], f"{where}, files")


def _upgraded(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Translate a flat ``config.json``, as written before methods had settings of their own."""
    renamed = {SETTING_ALIASES.get(name, name): value for name, value in values.items()}
    mode = renamed.get("mode", "zero-shot")
    method = lookup(METHOD_OF_MODE, mode if isinstance(mode, str) else repr(mode), f"mode in {where}")
    names, length = set(METHODS[method].Config.names()), METHODS[method].Config.length_name
    settings = {name: value for name, value in renamed.items() if name in names}
    if length not in settings:  # all lengths were called iterations
        settings |= {length: renamed["iterations"]} if "iterations" in renamed else {}
    if mode == "teacher":  # an epoch took every sample once, whatever else was recorded
        settings |= {"student_steps": 0, "kd_fraction": 0.0, "attention_weight": 0.0}
    everything = set().union(*(kind.Config.names() for kind in METHODS.values()))
    run = {name: value for name, value in renamed.items() if name not in everything}
    if run.get("generator") == "none" or mode != "zero-shot":
        run["generator"] = None
    return {**run, "method": method, "settings": settings}


def is_unused(kind: type[Method], name: str) -> bool:
    """Whether a method has a setting that it shares with its family, and no use for it."""
    return name == "generator_lr" and not kind.trains_generator


def require_settings(settings: Settings, domain: str, teacher: str) -> None:
    """Raise `UserError` if a setting is used that only another domain has."""
    for f in fields(settings):
        only, value = f.metadata.get("domains"), getattr(settings, f.name)
        if only and domain not in only and value != f.default:
            raise UserError(f"{f.name} {value} is for {' or '.join(only)}, but the teacher {teacher} takes {domain}")
