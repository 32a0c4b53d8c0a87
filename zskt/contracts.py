"""Interfaces shared by all packages: what inputs, pseudo-samples and teachers' cards are, and no code.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self

from torch import Tensor, nn

from zskt.gaussian import GaussianHead

Batch = tuple[Tensor, ...]
"""What a network is called with, ``network(*batch)``: an image is a 1-tuple, a jet is (points, features, mask)."""


class HeadKind(StrEnum):
    """What the classes of a network are."""

    CLASSES = "classes"
    """One choice of K: probabilities that sum to one, or their logits."""
    SCORE = "score"
    """One probability, or its logit: two classes, itself and what is left."""
    LABELS = "labels"
    """L independent labels, a probability each."""


class Samples(Protocol):
    """Data of any domain: jets, or a tensor of pixels."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Tensor | slice, /) -> Self: ...


class Inputs(Protocol):
    """The input specification of a network: how samples of its domain become what it is called with."""

    @property
    def domain(self) -> str:
        """Name of the domain: "jets", "images", "vectors", "frames"."""
        ...

    def __call__(self, samples: Any, /) -> Batch:
        """Turn samples of the domain into a batch."""
        ...


class PseudoBatch(NamedTuple):
    """A batch of pseudo-samples, and what its generator needs to learn from it."""

    x: Batch
    """What a network is called with."""
    view: Any = None
    """The same in the domain's own terms, for pictures: of jets their four-vectors. None where x says it all."""
    log_prob: Tensor | None = None
    """(B,), log probability of the discrete choices behind each sample, with graph; None if there are none to learn."""
    component: Tensor | None = None
    """(B,), index of the mixture component behind each sample, of a generator with an `update` of its own."""
    penalty: Tensor | None = None
    """A scalar that the generator pays for leaving its prior; None if it pays nothing."""
    latent: tuple[Tensor, ...] = ()
    """The latent variables z behind the samples, (n, Z) each draw: what draws the same batch again."""
    labels: Tensor | None = None
    """(B,) of int64, the classes that were asked for, of conditional generators."""
    accepted: Tensor | None = None
    """(n,) of bool, which rows of z led to a sample, of generators that reject some."""


class Card(Protocol):
    """What is known of a teacher: where its file is, what it takes, what it answers.

    Attributes that need a file that cannot be had, or that is damaged, raise `zskt.errors.UserError`.
    """

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str:
        """What it is, in a line."""
        ...

    @property
    def source(self) -> str:
        """Publication or repository."""
        ...

    @property
    def licence(self) -> str: ...

    @property
    def caveats(self) -> str:
        """What a user should know before trusting it."""
        ...

    @property
    def dataset(self) -> str | None:
        """Name of the published data set that it is evaluated on; None where samples are given as files."""
        ...

    @property
    def training_preset(self) -> str | None:
        """Preset of ``--mode teacher`` that trains it, where no file is published."""
        ...

    @property
    def default_preset(self) -> str | None:
        """Preset of its distillation, where none is named after it."""
        ...

    @property
    def domain(self) -> str: ...

    @property
    def inputs(self) -> Any:
        """Its input specification, an `Inputs` of its domain."""
        ...

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of its K classes, in the order of its logits."""
        ...

    @property
    def values(self) -> tuple[str, ...]:
        """Names of what it regresses beside its classes."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of classes and values in the order in which its file has them."""
        ...

    @property
    def bernoulli(self) -> bool:
        """Whether its classes are independent labels, a Bernoulli variable each, and not one choice."""
        ...

    @property
    def gaussians(self) -> tuple[GaussianHead, ...]:
        """Which of its values are mean and width of one."""
        ...

    def files(self) -> dict[str, Path]:
        """Its files by role ("teacher", "preprocess"): the user's, the bundled or the publisher's, verified."""
        ...

    def load(self) -> nn.Module:
        """Read the network, frozen, in evaluation mode, fast."""
        ...

    def build(self) -> nn.Module:
        """Build the architecture, untrained; a `UserError` where only the trained file exists."""
        ...

    def parameters(self) -> int:
        """Count the parameters as published: folding normalisations away changes their number."""
        ...

    def describe(self) -> str:
        """Say what each input variable is taken for; empty where the architecture fixes it."""
        ...

    def record(self) -> dict[str, Any] | None:
        """What a run folder keeps so that its student can be evaluated without the teacher's files; None if nothing."""
        ...

    def with_record(self, record: Mapping[str, Any], where: Path) -> Self:
        """The same teacher, as a run's record describes it; ``where`` is the record's file, for messages."""
        ...

    def with_files(self, network: Path | None = None, preprocess: Path | None = None) -> Self:
        """The same teacher from the user's files."""
        ...

    def with_layouts(self, layouts: Sequence[tuple[str, str]]) -> Self:
        """The same teacher, some of its inputs in these layouts; a `UserError` where a card says how it is fed."""
        ...

    def with_selection(self, **changes: float) -> Self:
        """The same teacher for other jets: ``radius``, ``pt_low``, ``pt_high``; a `UserError` in other domains."""
        ...

    def as_onnx(self, network: nn.Module, folder: Path) -> tuple[Path, str] | None:
        """Write the teacher as ONNX into a folder: the file, and whose export it is; None if it cannot leave."""
        ...
