"""What a domain is: where its samples come from, how they are pictured, what is measured on them beside the rest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from zskt.contracts import Card, PseudoBatch
from zskt.dataset import Labelled
from zskt.robustness import Variation
from zskt.storage.files import sha256
from zskt.viewed import ViewKind

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zskt.plots.plot import Plot


@dataclass(frozen=True)
class Source:
    """Labelled samples somewhere, not read yet."""

    name: str
    stem: str
    """Stem of the names of files that hold figures on it."""
    unit: str
    """What a sample is called: "jet", "image"."""
    read: Callable[[], Labelled]
    files: tuple[Path, ...] = ()
    check: Callable[[], object] = lambda: None
    """Raises `UserError` if `read` could not work, before a run begins; keeps nothing. `MissingSamples` where nobody
    gave any and they cannot be fetched: a run that only judges with them goes on without."""

    def sha256(self) -> str | None:
        """Hash the file, or all files' hashes; None where a library keeps and verifies them."""
        if len(self.files) == 1:
            return sha256(self.files[0])
        return hashlib.sha256("".join(map(sha256, self.files)).encode()).hexdigest() if self.files else None


@dataclass(frozen=True)
class Diagnosis:
    """What a domain measures of a student beside its teacher, for people of the field."""

    figures: dict[str, Any]
    """As JSON holds them."""
    plots: Callable[[], Iterable[Plot]]
    """Draws them, in the order of a page; those that the samples cannot carry say so."""
    overview: Callable[[], Iterable[Plot]]
    """Draws the few that are worth the time at the end of a run."""


@dataclass(frozen=True)
class Domain:
    """An entry of `zskt.domains.DOMAINS`."""

    sources: Callable[[Card, Path | None, bool], tuple[Source | None, Source]]
    """Card, --data, whether data are learned from -> what to learn from, if anything, and what to be evaluated on."""
    picture: Callable[[PseudoBatch, Labelled | None, Card], Figure | None]
    """Draws pseudo-samples, beside real ones where there are any."""
    panels: Callable[[PseudoBatch, Labelled | None, Card], Plot | None] | None = None
    """Draws the same for a page, in panels that stand side by side or not."""
    pictured: int = 16
    """Pseudo-samples that a picture needs."""
    diagnose: Callable[[Card, Labelled, Tensor, Tensor], Diagnosis | None] | None = None
    """Card, samples, logits of teacher and student -> what the field asks for."""
    diagnosed_in_runs: bool = False
    """Whether TensorBoard shows the diagnosis at the end of a run."""
    overlay: (
        Callable[
            [Card, Labelled, Tensor, Mapping[str, Sequence[Tensor]], Mapping[str, Mapping[str, Any]]], Iterable[Plot]
        ]
        | None
    ) = None
    """Card, samples, the teacher's logits, those of several students by recipe and seed, and recipe -> colour and
    dashes -> what the field draws over each other."""
    layout: torch.memory_format = torch.contiguous_format
    """Memory format in which networks are fastest."""
    has_test_split: bool = False
    """Whether --data is a place with test samples of its own, where a finished run is evaluated again."""
    more_samples: str = ""
    """Says how to get more samples, where too few are there for a plot."""
    default_generator: str = ""
    """Generator that samples the domain when a run had none."""
    views: Mapping[str, ViewKind] = field(default_factory=dict)
    """What a student may see instead of all, by what is written before the colon of ``--view``."""

    variations: Mapping[str, Variation] = field(default_factory=dict)
    """What finished students can be asked about beside samples as they are, by the name of ``--vary``."""

    def place(self, network: nn.Module, device: torch.device) -> nn.Module:
        """Move a network to a device, in the layout of the domain."""
        return network.to(device).to(memory_format=self.layout)
