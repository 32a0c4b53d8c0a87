"""The catalogue: every teacher, student, generator and preset that a process knows, in one frozen object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zskt.contracts import Card
from zskt.domains import DOMAINS
from zskt.errors import UserError, lookup
from zskt.experiments.config import LEARNS_FROM_DATA, METHOD_OF_MODE, RunConfig, recorded_files, require_settings
from zskt.experiments.teacher_files import TeacherFiles
from zskt.methods import METHODS
from zskt.networks.own_student import is_own, own_student
from zskt.storage.files import read_json, sha256
from zskt.storage.run_files import CONFIG, INPUTS, is_finished
from zskt.teacher_access import GRADIENT
from zskt.viewed import make_view

TEACHER_RECORD = INPUTS
"""File of a run folder that says what a teacher from the user's files takes and answers."""


@dataclass(frozen=True)
class Catalog:
    """The available teachers, students, generators and presets; immutable: `with_teacher` returns another one."""

    teachers: Mapping[str, Card]
    students: Mapping[str, Any]
    """`zskt.networks.students.Student` by name."""
    generators: Mapping[str, Any]
    """`generators.Entry` by name."""
    presets: Mapping[str, RunConfig]
    card_of_files: Callable[..., Card]
    """Network, preprocess.json, `TeacherFiles.feeding` by keyword -> the card of a teacher that nobody registered."""
    card_of_record: Callable[[str, dict[str, Any], Path], Card]
    """Name, what `Card.record` gave -> the card of a finished run's teacher, without its files."""
    needs_preprocess: Callable[[Path], bool]
    """Whether a file holds a network with its code, which needs a description of its inputs."""

    def with_teacher(self, card: Card) -> Catalog:
        """Return a catalogue that knows one more teacher, or another one under the same name."""
        return replace(self, teachers={**self.teachers, card.name: card})

    def with_files(self, name: str | None, files: TeacherFiles) -> tuple[Catalog, str | None]:
        """Return a catalogue that takes a teacher from the user's files, and the teacher's name.

        Args:
            name: of the command line, ``--teacher``.
            files: what the user says of its files.

        Raises:
            UserError: if the files do not go together.
        """
        if files.feeding:
            catalog, name = self._with_feeding(name, files)
        else:
            catalog, name = self._with_files(name, files.network, files.preprocess)
        if files.layouts:
            flag = f"--layout {'='.join(files.layouts[0])}"
            if name is None:
                raise UserError(f"{flag}: say of which network, and how it is fed: --teacher-path, --preprocess")
            catalog = catalog.with_teacher(catalog.teachers[name].with_layouts(files.layouts))
        if files.architecture is not None:
            catalog = catalog._with_architecture(name, *files.architecture)
        return catalog, name

    def _with_feeding(self, name: str | None, files: TeacherFiles) -> tuple[Catalog, str]:
        """Return a catalogue with a network of images or vectors from a file; a resumed run may describe it again."""
        feeding = files.feeding
        built = {} if files.architecture is None else {"architecture": files.architecture}
        flag = f"--{next(iter(feeding)).replace('_', '-')}"
        if name is None and files.network is None:
            raise UserError(f"{flag}: say of which network: --teacher-path FILE")
        if name is None:
            card = self.card_of_files(files.network, files.preprocess, **feeding, **built)
            return self.with_teacher(card), card.name
        card = lookup(self.teachers, name, "teacher").with_files(files.network, files.preprocess)
        feed = getattr(card, "with_feeding", None)  # cards of networks of images or vectors from files have it
        if feed is None or files.network is None:
            raise UserError(f"{flag}: {name} is fed as its card says; leave the flag out")
        return self.with_teacher(feed(self.card_of_files(files.network, None, **feeding, **built))), name

    def student(self, name: str) -> Any:
        """Return the `zskt.networks.students.Student` of a name, or of the user's code, ``module:function``.

        Raises:
            UserError: if there is none.
        """
        return own_student(name) if is_own(name) else lookup(self.students, name, "student")

    def _require_own_files(self, card: Card, network: Path | None, preprocess: Path | None) -> None:
        """Raise `UserError` if a published teacher is given the file of another one.

        A file that nobody knows may be taken, and a teacher that a user's files made is what they say.
        """
        for flag, path, field in (
            ("--teacher-path", network, "sha256"),
            ("--preprocess", preprocess, "preprocess_sha256"),
        ):
            if path is None or not path.is_file() or getattr(card, field, None) is None:
                continue
            sha = sha256(path)
            whose = [other.name for other in self.teachers.values() if getattr(other, field, None) == sha]
            if whose and card.name not in whose:
                raise UserError(
                    f"{flag} {path}: is the file of {whose[0]}, not of {card.name}; take --teacher {whose[0]}"
                )

    def _with_files(
        self, name: str | None, network: Path | None, preprocess: Path | None
    ) -> tuple[Catalog, str | None]:
        if name is not None:
            card = lookup(self.teachers, name, "teacher")
            if network is None and preprocess is None:
                return self, name
            self._require_own_files(card, network, preprocess)
            return self.with_teacher(card.with_files(network, preprocess)), name
        if preprocess is None:
            if network is None or not self.needs_preprocess(network):
                return self, None
            card = self.card_of_files(network, None)  # some say themselves how they are fed
            return self.with_teacher(card), card.name
        if network is None:
            raise UserError(
                f"--preprocess {preprocess}: say of which network: --teacher-path model.pt, or a --teacher by name"
            )
        card = self.card_of_files(network, preprocess)
        return self.with_teacher(card), card.name

    def _with_architecture(self, name: str | None, architecture: str, options: str | None) -> Catalog:
        """Return a catalogue in which a network from a file of parameters is built so."""
        flag = f"--architecture {architecture}"
        if name is None:
            raise UserError(f"{flag}: say of which parameters, and how they are fed: --teacher-path, --preprocess")
        build = getattr(self.teachers[name], "with_architecture", None)  # cards of files have it
        if build is None:
            raise UserError(f"{flag}: the teacher {name} has its own architecture; leave one of the two flags out")
        return self.with_teacher(build(architecture, options))

    def with_run(self, run: Path) -> Catalog:
        """Return a catalogue that knows the teacher of a run, if the run's folder says what it takes and answers."""
        record = run / TEACHER_RECORD
        if not record.is_file():
            self._require_known(run)
            return self
        recorded = read_json(run / CONFIG)
        name = str(recorded.get("teacher"))
        card = self.teachers.get(name) or self.card_of_record(name, read_json(record), record)
        path = recorded_files(recorded, run / CONFIG).get("teacher", {}).get("path")
        if path is not None and Path(path).exists():
            card = card.with_files(Path(path))
        return self.with_teacher(card.with_record(read_json(record), record))

    def _require_known(self, run: Path) -> None:
        """Raise `UserError` if a finished run is of a teacher from files, and does not say any more what that takes."""
        if not is_finished(run) or not (run / CONFIG).is_file():
            return
        recorded = read_json(run / CONFIG)
        path = recorded_files(recorded, run / CONFIG).get("teacher", {}).get("path")
        if path is not None and recorded.get("teacher") not in self.teachers:
            raise UserError(
                f"{run / INPUTS}: no such file; it says what the teacher {recorded['teacher']} takes and answers: copy "
                "all of the run's folder"
            )

    def card(self, config: RunConfig) -> Card:
        """Return the card of a run's teacher, for the jets that the run asks for, read as far as the run may see it."""
        card = lookup(self.teachers, config.teacher, "teacher")
        answering = getattr(card, "answering_only", None)  # cards whose file another runtime can run have it
        if config.teacher_access not in ("", GRADIENT) and answering is not None:
            card = answering()
        return card.with_selection(**config.selection) if config.selection else card

    def require(self, config: RunConfig) -> None:
        """Raise `UserError` if a run names somebody unknown, or those that it names do not fit together."""
        card = lookup(self.teachers, config.teacher, "teacher")
        method = lookup(METHODS, config.method, "method")
        if method.needs_data and config.mode not in LEARNS_FROM_DATA:
            modes = " or ".join(mode for mode, name in METHOD_OF_MODE.items() if name == config.method)
            raise UserError(f"--method {config.method} learns from samples: take --mode {modes}")
        if config.mode in LEARNS_FROM_DATA and not method.needs_data:
            raise UserError(f"--mode {config.mode} learns from data, but method {config.method} uses none")
        chosen: list[tuple[str, str, Mapping[str, Any]]] = []
        if config.mode != "teacher" and is_own(config.student):
            self.student(config.student)
        elif config.mode != "teacher":
            chosen.append(("student", config.student, self.students))
        if method.needs_generator:
            chosen.append(("generator", str(config.generator), self.generators))
        if config.prior:
            if not method.takes_prior:
                able = ", ".join(name for name, kind in METHODS.items() if kind.takes_prior)
                raise UserError(f"prior {config.prior}: method {config.method} takes none; {able} do")
            if prior := lookup(self.generators, config.prior, "generator").prior:
                raise UserError(f"prior {config.prior}: is trained; take {prior}")
            chosen.append(("prior", config.prior, self.generators))
        seen = card.domain
        if config.view and config.mode != "teacher":
            seen = make_view(config.view, card.inputs, DOMAINS[card.domain].views).inputs.domain
        for kind, name, table in chosen:
            domain, wanted = lookup(table, name, kind).domain, seen if kind == "student" else card.domain
            if domain != wanted:
                fitting = ", ".join(sorted(n for n, entry in table.items() if entry.domain == wanted))
                gives = (
                    f"--view {config.view} leaves" if wanted != card.domain else f"the teacher {config.teacher} takes"
                )
                flag = "prior" if kind == "prior" else f"--{kind}"
                raise UserError(f"{flag} {name} is for {domain}, but {gives} {wanted}: choose one of {fitting}")
        require_settings(config.settings, card.domain, config.teacher)
