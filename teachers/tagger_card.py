"""The card of a tagger whose files say all of it: a network, and the ``preprocess.json`` beside it.

What it takes and answers is known only when the files are there: until then a card holds where they are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Self

from torch import nn

from teachers.as_onnx import tagger_in_onnx
from teachers.files import locate
from teachers.tagger import Tagger, read_tagger
from teachers.weaver_yaml import read_weaver_yaml
from zskt.errors import UserError
from zskt.files import fetch
from zskt.jets.jets import JetSelection
from zskt.jets.preprocess import Preprocess, read_preprocess
from zskt.jets.tagger_description import RECORD, Description
from zskt.jets.tagger_inputs import TaggerInputs

SMALL = JetSelection(
    radius=0.4,
    pt_low=20.0,
    pt_high=1000.0,
    eta_max=2.4,
    pt_index=0.5,
    pileup=12.0,
    strange_fraction=0.09,
    resolution=0.4,
)
LARGE = replace(SMALL, radius=0.8, pt_low=200.0, pt_high=2000.0, pileup=3.0)
MANY = 64
"""Particles that only jets of a large radius have."""


def selection_of(preprocess: Preprocess) -> JetSelection:
    """Which jets a tagger is for, by how many particles it looks at."""
    most = max(g.max_length for g in preprocess.groups)
    return LARGE if most > MANY else SMALL


@cache
def _read_files(network: Path, where: Path) -> tuple[Tagger, Preprocess]:
    """Read once a process, however many cards ask."""
    preprocess = read_weaver_yaml(where) if where.suffix in (".yaml", ".yml") else read_preprocess(where)
    return read_tagger(network, preprocess, where)


@dataclass(frozen=True, kw_only=True)
class TaggerCard:
    """A teacher's card, with the attributes of `teachers.card.Card`.

    Raises:
        UserError: of its attributes, if they need a file that cannot be had or is damaged.
    """

    name: str
    summary: str
    source: str = "a file of the user's"
    licence: str = "as its publisher says"
    url: str | None = None
    sha256: str | None = None
    preprocess_url: str | None = None
    preprocess_sha256: str | None = None
    local_file: Path | None = None
    """Where the user keeps the network, instead of fetching it."""
    preprocess_path: Path | None = None
    """Where the user keeps its ``preprocess.json``, or weaver's YAML."""
    described: Description | None = None
    """What is known without the files, of a run that is finished."""
    selection: JetSelection | None = None
    caveats: str = ""
    data: str | None = None
    training_preset: str | None = None
    default_preset: str = "tagger"
    bundled_file: Path | None = None
    domain: str = "jets"

    @property
    def _read(self) -> tuple[Tagger, Preprocess]:
        return _read_files(self.file(), self.preprocess_file())

    def file(self) -> Path:
        """The network's file: the user's, else the publisher's, fetched once and verified."""
        return locate(self.name, self, self.local_file)

    def preprocess_file(self) -> Path:
        """The user's, else the publisher's, fetched once and verified."""
        if self.preprocess_path is not None:
            return self.preprocess_path
        if self.preprocess_url is None or self.preprocess_sha256 is None:
            raise UserError(f"{self.name}: say how it is fed: --preprocess preprocess.json")
        return fetch(self.name, self.preprocess_url, self.preprocess_sha256, "--preprocess")

    @cached_property
    def description(self) -> Description:
        """Known from a run, or read from the files."""
        if self.described is not None:
            return self.described
        tagger, preprocess = self._read
        heads = (tagger.heads.classes, tagger.heads.values)
        classes, values = (tuple(preprocess.outputs[i] for i in head) for head in heads)
        return Description(preprocess, classes, values, tagger.published)

    @property
    def inputs(self) -> TaggerInputs:
        preprocess = self.description.preprocess
        return TaggerInputs(preprocess=preprocess, selection=self.selection or selection_of(preprocess))

    @property
    def classes(self) -> tuple[str, ...]:
        return self.description.classes

    @property
    def values(self) -> tuple[str, ...]:
        """Names of what it regresses beside its classes."""
        return self.description.values

    def load(self, file: Path) -> nn.Module:
        """The network of its file, frozen; read once."""
        if self.described is None:
            return _read_files(file, self.preprocess_file())[0]
        return read_tagger(file, self.description.preprocess, Path(RECORD))[0]

    def with_files(self, network: Path | None = None, preprocess: Path | None = None) -> Self:
        """The same teacher from the user's files."""
        return replace(self, local_file=network or self.local_file, preprocess_path=preprocess or self.preprocess_path)

    def as_onnx(self, network: nn.Module, folder: Path) -> tuple[Path, str] | None:
        """Write the teacher as ONNX into a folder: the file, and whose export it is."""
        return tagger_in_onnx(self.file(), network, self.description.preprocess, folder)

    def parameters(self) -> int:
        """As published: folding normalisations away changes their number."""
        return self.description.parameters or self._read[0].published

    def build(self) -> nn.Module:
        """Raises `UserError`: a file holds the trained network, there is none to train."""
        raise UserError(f"{self.name}: comes trained from a file; --mode teacher trains others, see --mode list")
