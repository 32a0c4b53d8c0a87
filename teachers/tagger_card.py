"""Cards of taggers whose files say all of it: a network, and the ``preprocess.json`` beside it or within it.

What such a tagger takes and answers is known only when its files are there: until then a card holds where they are.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

from torch import nn

from teachers.atlas import read_gnn_config
from teachers.files import network_file, require_user_file
from teachers.heads import recorded_heads
from teachers.layouts import with_layouts
from teachers.state_dict_reader import Architecture
from teachers.tagger import Tagger, open_network, read_tagger
from teachers.weaver_yaml import read_weaver_yaml
from teachers.whole_numbers import WholeNumbers
from zskt.contracts import HeadKind
from zskt.errors import UserError
from zskt.gaussian import GaussianHead
from zskt.jets.inputs_in_words import describe
from zskt.jets.jets import JetSelection
from zskt.jets.preprocess import Preprocess, read_preprocess
from zskt.jets.selection_hints import ChosenSelection, choose_selection, selection_by_length
from zskt.jets.tagger_description import RECORD, Description, left_of
from zskt.jets.tagger_inputs import TaggerInputs
from zskt.storage.downloads import fetch


@cache
def _read_files(
    network: Path,
    preprocess_file: Path | None,
    layouts: tuple[tuple[str, str], ...],
    architecture: Architecture | None,
    answers_only: bool,
) -> tuple[Tagger, Preprocess]:
    """Read a tagger and how it is fed, once a process, however many cards ask.

    Args:
        preprocess_file: None where the network's own file says how it is fed.
        layouts: names of inputs and their layouts, where the user says them.
        architecture: of a file that holds parameters alone.
        answers_only: as `teachers.tagger.read_tagger` has it.
    """
    if preprocess_file is None:
        own = read_gnn_config(network)
        if own is None:
            raise UserError(f"{network}: does not say how it is fed: give --preprocess preprocess.json")
        return read_tagger(network, with_layouts(own, layouts), network, architecture, answers_only)
    is_yaml = preprocess_file.suffix in (".yaml", ".yml")
    preprocess = read_weaver_yaml(preprocess_file) if is_yaml else read_preprocess(preprocess_file)
    return read_tagger(network, with_layouts(preprocess, layouts), preprocess_file, architecture, answers_only)


@dataclass(frozen=True, kw_only=True)
class TaggerCard:
    """The card of a tagger from files: see `zskt.contracts.Card`.

    Raises:
        UserError: by its attributes, if they need a file that cannot be had or is damaged.
    """

    name: str
    summary: str
    """What the network is, in a line."""
    source: str = "a file of the user's"
    """Publication or repository."""
    licence: str = "as its publisher says"
    url: str | None = None
    """Where the publisher keeps the network; None for a network of the user's."""
    sha256: str | None = None
    """SHA-256 of the published network."""
    preprocess_url: str | None = None
    """Where the publisher keeps its ``preprocess.json``."""
    preprocess_sha256: str | None = None
    """SHA-256 of the published ``preprocess.json``."""
    local_file: Path | None = None
    """The user's file of the network."""
    preprocess_path: Path | None = None
    """The user's ``preprocess.json``, or weaver's YAML."""
    layouts: tuple[tuple[str, str], ...] = ()
    """Names of inputs and their layouts, where the user says them: see `teachers.layouts`."""
    architecture: Architecture | None = None
    """What builds the network, where its file holds parameters alone."""
    described: Description | None = None
    """What the tagger takes and answers, where a finished run recorded it."""
    selection: JetSelection | None = None
    """Jets that the tagger is for; None finds them from what its files say: see `zskt.jets.selection_hints`."""
    selection_reason: str = ""
    """What the selection was told by, where it was not published."""
    caveats: str = ""
    """What a user should know before trusting it."""
    dataset: str | None = None
    """Name of a published data set: none, jets are given as files."""
    training_preset: str | None = None
    """Preset that trains the network: none, it comes trained."""
    default_preset: str = "tagger"
    """Preset of its distillation."""
    bundled_file: Path | None = None
    """The network, if it shipped with this project."""
    domain: str = "jets"
    answers_only: bool = False
    """Whether its file is run by its own runtime, without gradient, even where it could be converted."""

    @property
    def _read(self) -> tuple[Tagger, Preprocess]:
        described = None if self._describes_itself else self.preprocess_file()
        return _read_files(network_file(self), described, self.layouts, self.architecture, self.answers_only)

    @property
    def _describes_itself(self) -> bool:
        """Whether the user's network says how it is fed, and no other file does."""
        if self.preprocess_path is not None or self.preprocess_url is not None or self.local_file is None:
            return False
        return read_gnn_config(self.local_file) is not None

    def preprocess_file(self) -> Path:
        """Return the user's ``preprocess.json``, else the publisher's, fetched once and verified."""
        if self.preprocess_path is not None:
            return self.preprocess_path
        if self.preprocess_url is None or self.preprocess_sha256 is None:
            raise UserError(f"{self.name}: say how it is fed: --preprocess preprocess.json")
        return fetch(self.name, self.preprocess_url, f"sha256:{self.preprocess_sha256}", "give it as --preprocess")

    @cached_property
    def description(self) -> Description:
        """What the tagger takes and answers: recorded by a run, or read from the files."""
        if self.described is not None:
            return self.described
        tagger, preprocess = self._read
        heads = tagger.heads
        classes, values = (tuple(preprocess.outputs[i] for i in columns) for columns in (heads.classes, heads.values))
        if heads.kind == HeadKind.SCORE:
            classes = (*classes, left_of(classes[0]))
        return Description(preprocess, classes, values, tagger.published, heads.kind, heads.gaussians)

    @property
    def inputs(self) -> TaggerInputs:
        """Its input specification."""
        selection, reason = self._chosen
        return TaggerInputs(
            preprocess=self.description.preprocess,
            selection=selection,
            selection_reason=reason,
            label_of_others=self.description.label_of_others,
        )

    @cached_property
    def _chosen(self) -> ChosenSelection:
        """The jets that it is for: as the card says, as a run recorded it, or as the files tell."""
        if self.selection is not None:
            return ChosenSelection(self.selection, self.selection_reason)
        if self.described is not None:
            recorded = self.described.selection or selection_by_length(self.described.preprocess)
            return ChosenSelection(recorded, self.described.selection_reason)
        return choose_selection(self.description.preprocess, self.classes, self._user_files())

    def _user_files(self) -> tuple[Path, ...]:
        return tuple(file for file in (self.local_file, self.preprocess_path) if file is not None)

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its K classes, in the order of its logits."""
        return self.description.classes

    @property
    def values(self) -> tuple[str, ...]:
        """Names of what it regresses beside its classes."""
        return self.description.values

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its classes and values, in the order in which its file has them."""
        return self.description.outputs

    @property
    def bernoulli(self) -> bool:
        """Whether its classes are independent labels, and not one choice."""
        return self.description.kind == HeadKind.LABELS

    @property
    def gaussians(self) -> tuple[GaussianHead, ...]:
        """Which of its values are mean and width of one."""
        return self.description.gaussians

    def files(self) -> dict[str, Path]:
        """Return the files of the network ("teacher") and of how it is fed ("preprocess"), published ones verified.

        A card that a run recorded has no "preprocess": the record stands for it. Nor has a network that says itself how
        it is fed.

        Raises:
            UserError: if a file cannot be had, or is not the recorded one.
        """
        files = {"teacher": network_file(self)}
        if (self.described is None and not self._describes_itself) or self.preprocess_path is not None:
            files["preprocess"] = self.preprocess_file()
        return files

    def load(self) -> nn.Module:
        """Load the network, frozen; its file is read once a process.

        Raises:
            UserError: if the files cannot be had, are damaged, or do not belong together.
        """
        if self.described is None:
            return self._read[0]
        preprocess = self.described.preprocess
        tagger, _ = read_tagger(network_file(self), preprocess, Path(RECORD), self.architecture, self.answers_only)
        return tagger.with_heads(recorded_heads(tagger.heads, self.described))

    def build(self) -> nn.Module:
        """Raise `UserError`: the file holds the trained network, and no architecture to train."""
        raise UserError(f"{self.name}: comes trained from a file; --mode teacher trains others, see --mode list")

    def parameters(self) -> int:
        """Count the parameters as published: folding normalisations away changes their number."""
        return self.description.parameters or self._read[0].published

    def describe(self) -> str:
        """Say what its variables are taken for in pseudo-jets, and what its outputs are, a line each."""
        return f"{describe(self.inputs)}\n{self.description.in_words()}"

    def record(self) -> dict[str, Any] | None:
        """Return what a run folder keeps, for `with_record`: its student can then be evaluated without these files."""
        is_published = self.url is not None
        if is_published or (self.described is not None and self.described.selection is None):
            record = self.description.to_record()
        else:
            selection, reason = self._chosen
            record = replace(self.description, selection=selection, selection_reason=reason).to_record()
        return record if self.architecture is None else record | {"architecture": self.architecture.record()}

    def with_record(self, record: Mapping[str, Any], where: Path = Path(RECORD)) -> Self:
        """Return the card of the same teacher, described by a run's record instead of its files.

        The user's ``preprocess.json`` counts more than a record.

        Args:
            record: as `record` returned it.
            where: its file, for messages.

        Raises:
            UserError: if it is not such a record.
        """
        description = Description.from_record(record, where)
        built = record.get("architecture")
        card = self if built is None else replace(self, architecture=Architecture.from_record(built))
        return card if self.preprocess_path is not None else replace(card, described=description)

    @classmethod
    def from_record(cls, name: str, record: Mapping[str, Any], where: Path = Path(RECORD)) -> TaggerCard:
        """Make the card of a tagger of which only a run's record is left; arguments as of `with_record`."""
        return cls(name=name, summary="a tagger from a file").with_record(record, where)

    def with_files(self, network: Path | None = None, preprocess: Path | None = None) -> Self:
        """Return the card of the same teacher with the user's files; None leaves one as it is.

        Raises:
            UserError: if there is no file of the network at that path.
        """
        card = self if network is None else replace(self, local_file=require_user_file(self.name, network))
        if preprocess is None:
            return card
        recorded = () if self.described is None else self.described.preprocess.groups
        layouts = self.layouts or tuple((group.name, group.layout) for group in recorded if group.layout)
        return replace(card, preprocess_path=preprocess, described=None, layouts=layouts)

    def with_layouts(self, layouts: Sequence[tuple[str, str]]) -> Self:
        """Return the card of the same teacher, some of whose inputs are in the user's layouts.

        Args:
            layouts: names of inputs, and their axes: see `teachers.layouts`.
        """
        described = self.described
        if described is not None:
            preprocess = with_layouts(described.preprocess.without_layouts(), layouts)
            described = replace(described, preprocess=preprocess)
        return replace(self, layouts=tuple(layouts), described=described)

    def answering_only(self) -> Self:
        """Return the card of the same teacher, which gives answers and no gradient."""
        return replace(self, answers_only=True)

    def with_architecture(self, name: str, options: str | None) -> Self:
        """Return the card of the same parameters in another network; see `Architecture.agreed`."""
        return replace(self, architecture=Architecture.agreed(self.architecture, name, options))

    def with_selection(self, **changes: float) -> Self:
        """Return the card of the same teacher for other jets.

        Args:
            changes: fields of `zskt.jets.jets.JetSelection`: ``radius``, ``pt_low``, ``pt_high`` (GeV).

        Raises:
            UserError: if pseudo-jets cannot be so.
        """
        if not changes:
            return self
        if self.selection is None and self.described is None and "radius" in changes:  # it decides, whatever else says
            description = self.description
            chosen = choose_selection(description.preprocess, self.classes, self._user_files(), changes["radius"])
        else:
            chosen = self._chosen
        return replace(self, selection=chosen.selection.changed(**changes), selection_reason=chosen.reason)

    def as_onnx(self, network: nn.Module, folder: Path) -> tuple[Path, str] | None:
        """Write the tagger as ONNX, inputs named as in ``preprocess.json``; return the file, and whose export it is.

        Args:
            network: the tagger that `load` returned.
            folder: where to write.
        """
        assert isinstance(network, Tagger)
        if any(isinstance(module, WholeNumbers) for module in network.modules()):
            return None  # the file's own export does not cast
        file = network_file(self)
        return open_network(file, network.preprocess, file, self.architecture).as_onnx(network, folder)


def card_of_files(network: Path, preprocess: Path | None, reserved: Container[str] = ()) -> TaggerCard:
    """Make the card of a user's tagger, named after its folder and file.

    Args:
        network: TorchScript or ONNX.
        preprocess: how it is fed: ``preprocess.json``, or weaver's YAML; None where the network says it.
        reserved: names of other teachers, to which "-file" is added.

    Raises:
        UserError: if there is no file of the network.
    """
    place = network.resolve()
    name = f"{place.parent.name}-{place.stem}"
    if name in reserved:
        name = f"{name}-file"
    return TaggerCard(name=name, summary=f"the tagger of {network}").with_files(network, preprocess)
