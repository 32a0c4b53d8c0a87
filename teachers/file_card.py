"""What cards of networks from files share, whose one input the user describes: images and vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from teachers.files import network_file, require_user_file
from teachers.single_input import SingleInputNetwork, Unit, read_network
from teachers.state_dict_reader import Architecture
from zskt.contracts import HeadKind, Inputs
from zskt.errors import UserError
from zskt.gaussian import GaussianHead
from zskt.terminal import note_once


@dataclass(frozen=True)
class Answers:
    """What a network answers, as a run recorded it or as its file tells."""

    classes: tuple[str, ...]
    bernoulli: bool
    parameters: int
    layout: str


@dataclass(frozen=True, kw_only=True)
class FileCard:
    """The card of a network from a file that takes one tensor: see `zskt.contracts.Card`.

    Raises:
        UserError: by its attributes, if they need a file that cannot be had or is damaged.
    """

    flag: ClassVar[str]
    """The flag that says what it takes."""
    unit: ClassVar[Unit]
    name: str
    summary: str
    """What the network is, in a line."""
    inputs: Inputs
    labels: tuple[str, ...] = ()
    """Names of its classes, of the user's file; none where they are numbered."""
    labels_file: Path | None = None
    local_file: Path | None = None
    """The user's file of the network."""
    recorded: Answers | None = None
    """What it answers, where a finished run recorded it."""
    source: str = "a file of the user's"
    licence: str = "as its publisher says"
    caveats: str = ""
    url: None = None
    sha256: None = None
    bundled_file: None = None
    dataset: None = None
    training_preset: None = None
    values: tuple[str, ...] = ()
    gaussians: tuple[GaussianHead, ...] = ()
    architecture: Architecture | None = None
    """What builds the network, where its file holds parameters alone."""
    answers_only: bool = False
    """Whether its file is run by its own runtime, without gradient, even where it could be converted."""

    @property
    def domain(self) -> str:
        """Name of the domain of its samples."""
        return self.inputs.domain

    def _asked(self) -> tuple[Callable[[Any], Tensor], tuple[int, ...], tuple[str, ...]]:
        """Return what draws samples, the shape of one as the user gave it, and the layouts that may be meant."""
        raise NotImplementedError

    @property
    def _network(self) -> SingleInputNetwork:
        draw, shape, layouts = self._asked()
        inputs: Any = self.inputs  # frozen, so that it can be a key
        named = self.labels if self.recorded is None else self.recorded.classes
        return read_network(
            network_file(self), self.unit, inputs, draw, shape, layouts, self.flag, self.answers_only, len(named),
            self.architecture,
        )  # fmt: skip

    @cached_property
    def answers(self) -> Answers:
        """What it answers: recorded by a run, or read from the file."""
        if self.recorded is not None:
            return self.recorded
        network = self._network
        labels = self._class_names(network)
        return Answers(labels, network.bernoulli, network.published, network.layout)

    def _class_names(self, network: SingleInputNetwork) -> tuple[str, ...]:
        """Return a name for each class, in the order of the logits: the user's, the network's, or numbers.

        Raises:
            UserError: if the user's file has another number of names, or it is not known which name is whose.
        """
        own = network.labels
        if not self.labels:
            return own or tuple(map(str, range(network.outputs)))
        is_score = network.heads.kind == HeadKind.SCORE
        if is_score and len(self.labels) == 1:
            return (f"not {self.labels[0]}", self.labels[0])
        if len(self.labels) != network.outputs:
            numbers = "1 number, which tells two classes apart" if is_score else f"{network.outputs} numbers"
            raise UserError(
                f"--classes {self.labels_file}: {len(self.labels)} names, but {self.local_file} answers {numbers} a "
                "sample; give a line a class"
            )
        if own != self.labels and set(own) == set(self.labels):
            note_once(
                f"zskt: --classes {self.labels_file}: {self.local_file} has the same names in another order, which is "
                f"taken: {', '.join(own)}"
            )
            return own
        if _is_out_of_order(network.file_labels):
            raise UserError(
                f"--classes {self.labels_file}: the columns of {self.local_file} are the classes "
                f"{', '.join(network.file_labels)}, in this order, so that it is not clear whose names these are; "
                "leave the flag out"
            )
        return self.labels

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its K classes, in the order of its logits."""
        return self.answers.classes

    @property
    def outputs(self) -> tuple[str, ...]:
        """The same: it has no values beside them."""
        return self.classes

    @property
    def bernoulli(self) -> bool:
        """Whether its classes are independent labels, and not one choice."""
        return self.answers.bernoulli

    def files(self) -> dict[str, Path]:
        """Return the file of the network, as "teacher".

        Raises:
            UserError: if it is not there.
        """
        return {"teacher": network_file(self)}

    def load(self) -> nn.Module:
        """Load the network, frozen; its file is read once a process.

        Raises:
            UserError: if the file is damaged, or does not take and answer what the card says.
        """
        network = self._network
        if self.recorded is None:
            self._class_names(network)
        elif set(network.labels) == set(self.recorded.classes) and network.labels != self.recorded.classes:
            raise UserError(
                f"{self.local_file}: answers {', '.join(network.labels)}, but the run's teacher had these classes in "
                "another order; give the file that the run began with"
            )
        elif network.outputs != len(self.recorded.classes) or network.bernoulli != self.recorded.bernoulli:
            raise UserError(
                f"{self.local_file}: answers {network.outputs} classes, but the run's teacher answered "
                f"{len(self.recorded.classes)}; give the file that the run began with"
            )
        return network

    def build(self) -> nn.Module:
        """Raise `UserError`: the file holds the trained network, and no architecture to train."""
        raise UserError(f"{self.name}: comes trained from a file; --mode teacher trains others, see --mode list")

    def parameters(self) -> int:
        """Count the parameters in the file."""
        return self.answers.parameters

    def describe(self) -> str:
        """Say what its input is taken for."""
        raise NotImplementedError

    def _inputs_record(self) -> dict[str, Any]:
        """Return what the run's record says of the inputs."""
        raise NotImplementedError

    def record(self) -> dict[str, Any]:
        """Return what a run folder keeps, for `with_record`: the run then goes on without the user's flags."""
        answers = self.answers
        head = {"classes": list(answers.classes), "bernoulli": answers.bernoulli, "parameters": answers.parameters}
        record = {"kind": self.unit, "inputs": self._inputs_record(), "layout": answers.layout} | head
        return record if self.architecture is None else record | {"architecture": self.architecture.record()}

    @classmethod
    def _inputs_of_record(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields of the card that `_inputs_record` wrote."""
        raise NotImplementedError

    def with_record(self, record: Mapping[str, Any], where: Path) -> Self:
        """Return the card of the same teacher, as a run's record describes it.

        Raises:
            UserError: if it is not such a record.
        """
        try:
            answers = Answers(
                tuple(map(str, record["classes"])),
                bool(record["bernoulli"]),
                int(record["parameters"]),
                str(record["layout"]),
            )
            built = record.get("architecture")
            architecture = self.architecture if built is None else Architecture.from_record(built)
            inputs = self._inputs_of_record(record["inputs"])
            return replace(self, recorded=answers, architecture=architecture, **inputs)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"{where}: is no record of a network of {self.unit}; fetch the run again") from error

    def with_files(self, network: Path | None = None, preprocess: Path | None = None) -> Self:
        """Return the card of the same teacher with the user's file; None leaves it as it is.

        Raises:
            UserError: if there is no such file, or ``preprocess`` is given, which is of taggers.
        """
        if preprocess is not None:
            raise UserError(
                f"--preprocess {preprocess}: is of taggers, but {self.name} takes {self.unit}; leave it out"
            )
        return self if network is None else replace(self, local_file=require_user_file(self.name, network))

    def with_feeding(self, card: FileCard) -> Self:
        """Return the same card, if the user describes it again as a run recorded it.

        Raises:
            UserError: if the user describes another.
        """
        if card.inputs != self.inputs or (card.labels and self.classes != card.classes):
            flag = card.flag if card.inputs != self.inputs else "--classes"
            raise UserError(f"{flag}: {self.name} is fed otherwise in this run; leave the flag out, or begin a new run")
        return self

    def answering_only(self) -> Self:
        """Return the card of the same teacher, which gives answers and no gradient."""
        return replace(self, answers_only=True)

    def with_layouts(self, layouts: Sequence[tuple[str, str]]) -> Self:
        """Raise `UserError`: the layout is found out."""
        raise UserError(
            f"--layout {'='.join(layouts[0])}: is of taggers, but {self.name} takes {self.unit}; leave it out"
        )

    def with_architecture(self, name: str, options: str | None) -> Self:
        """Return the card of the same parameters in another network; see `Architecture.agreed`."""
        return replace(self, architecture=Architecture.agreed(self.architecture, name, options))

    def with_selection(self, **changes: float) -> Self:
        """Return the same card; raise `UserError` if it is to be for other jets."""
        if changes:
            raise UserError(f"{next(iter(changes))} is of jets, but the teacher {self.name} takes {self.unit}")
        return self

    def as_onnx(self, network: nn.Module, folder: Path) -> tuple[Path, str] | None:
        """Return None: `zskt.export` exports the network that was read."""
        del network, folder
        return None


def _is_out_of_order(names: Sequence[str]) -> bool:
    """Return whether classes are whole numbers that do not rise."""
    try:
        numbers = [int(name) for name in names]
    except ValueError:
        return False
    return numbers != sorted(numbers)


def name_of(network: Path) -> str:
    """Return the name of a card after the folder and the file of a network."""
    place = network.resolve()
    return f"{place.parent.name}-{place.stem}"


def read_labels(path: Path | None) -> tuple[str, ...]:
    """Read names of classes, a line each; empty lines at the end count for nothing.

    Raises:
        UserError: if the file cannot be read, holds no names, an empty one, or one twice.
    """
    if path is None:
        return ()
    try:
        names = [line.strip() for line in path.read_text(encoding="utf-8-sig").rstrip().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"--classes {path}: cannot read it ({type(error).__name__}); give a text file") from error
    repeated = next((name for name in names if names.count(name) > 1), None)
    if not names or not all(names) or repeated is not None:
        problem = "holds no names" if not names else "has an empty line"
        problem = f"names {repeated!r} twice" if repeated else problem
        raise UserError(
            f"--classes {path}: {problem}; give a name of its own on each line, in the order of the outputs"
        )
    return tuple(names)
