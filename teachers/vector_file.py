"""Cards of networks of vectors from the user's files, whose features a description file names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from teachers.file_card import FileCard, name_of, read_labels
from teachers.onnx_reader import OnnxFile
from teachers.readers import reader_of
from teachers.single_input import Unit, takes_whole_numbers
from teachers.standardisation import scaler, standardisation
from teachers.state_dict_reader import Architecture
from zskt.errors import UserError, listed
from zskt.terminal import note
from zskt.vectors.description import read_features, without_moments
from zskt.vectors.inputs import VectorInputs
from zskt.vectors.moments import INTEGER, REAL, WIDEST

N_VECTORS = 64
"""Vectors on which a network is tried."""


@cache
def random_vectors(inputs: VectorInputs) -> Tensor:
    """Draw vectors (B, F) within their bounds: uniform between two, normal where one is missing, whole, one-hot."""
    rng = torch.Generator().manual_seed(0)
    real, size = torch.float32, (N_VECTORS, inputs.size)  # whatever PyTorch's default is at the first call
    low, high, mean, std = (torch.tensor(v, dtype=real) for v in (inputs.low, inputs.high, inputs.mean, inputs.std))
    uniform = torch.rand(size, generator=rng, dtype=real)
    normal = (mean + std * torch.randn(size, generator=rng, dtype=real)).clamp(low, high)
    bounded = torch.isfinite(low) & torch.isfinite(high)
    span = torch.where(bounded, high - low, 0.0)
    x = torch.where(bounded, torch.where(bounded, low, 0.0) + span * uniform, normal)
    whole = torch.tensor([kind == INTEGER for kind in inputs.kinds])
    x = torch.where(whole, x.round(), x)
    for columns in inputs.groups.values():
        chosen = torch.randint(len(columns), (N_VECTORS,), generator=rng)
        x[:, list(columns)] = torch.nn.functional.one_hot(chosen, len(columns)).float()
    return x


@dataclass(frozen=True, kw_only=True)
class VectorFileCard(FileCard):
    """The card of a network of vectors from a file."""

    flag: ClassVar[str] = "--inputs"
    unit: ClassVar[Unit] = "vectors"
    inputs: VectorInputs
    moments: tuple[int, str] = (0, "")
    """Of how many features mean and spread were read from the network, and where from, in words."""
    default_preset: str = "vectors"

    def _asked(self) -> tuple[Callable[[Any], Tensor], tuple[int, ...], tuple[str, ...]]:
        return random_vectors, (self.inputs.size,), ("BF",)

    def describe(self) -> str:
        """Say of each feature what kind it is, its bounds, and what is known of its spread, a line each."""
        i = self.inputs
        rows = zip(i.names, i.kinds, i.low, i.high, i.mean, i.std, i.uniform, strict=True)
        lines = [
            f"{name:<10} {kind}, from {low:g} to {high:g}"
            + ("" if uniform or kind not in (REAL, INTEGER) else f", mean {mean:g}, spread {std:g}")
            for name, kind, low, high, mean, std, uniform in rows
        ]
        count, whence = self.moments
        if count:
            lines.append(f"mean and spread of {count} of {i.size} features: {whence}")
        return "\n".join(lines)

    def _inputs_record(self) -> dict[str, Any]:
        fields = {name: value for name, value in asdict(self.inputs).items() if name != "domain"}
        return {name: [_written(v) for v in column] for name, column in fields.items()}

    @classmethod
    def _inputs_of_record(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {name: tuple(map(str, values[name])) for name in ("names", "kinds")}
        fields |= {name: tuple(map(float, values[name])) for name in ("low", "high", "mean", "std")}
        return {"inputs": VectorInputs(**fields)}


EMPTY = VectorInputs.from_bounds(0.0, 1.0, size=1)
"""Inputs of a card until a run's record says which."""


def _written(value: Any) -> Any:
    """Return a value as JSON has it: infinite bounds as words."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def card_of_vector_file(
    network: Path, inputs: Path, classes: Path | None = None, architecture: Architecture | None = None
) -> VectorFileCard:
    """Make the card of a user's network of vectors.

    Args:
        network: its file.
        inputs: its features: see `zskt.vectors.description`.
        classes: names of its classes, a line each.
        architecture: what builds it, where its file holds parameters alone.

    Raises:
        UserError: if a file is missing, the description says what cannot be, or the network is no such network.
    """
    card = VectorFileCard(
        name=name_of(network),
        summary=f"the network of vectors of {network}",
        inputs=VectorInputs.from_json(inputs),
        labels=read_labels(classes),
        labels_file=classes,
        architecture=architecture,
    ).with_files(network)
    _require_whole(card, network)
    unknown = without_moments(read_features(inputs))
    found, whence, widest = _moments_in(card, network)
    if found is None:
        return card
    _note_other_units(inputs, card.inputs, found[0])
    told = card.inputs.told(*found, unknown, widest=widest)
    pairs = zip(card.inputs.mean, card.inputs.std, told.mean, told.std, strict=True)
    return replace(card, inputs=told, moments=(sum((m, s) != (n, t) for m, s, n, t in pairs), whence))


def _require_whole(card: VectorFileCard, network: Path) -> None:
    """Raise `UserError` if a network takes integers, and a feature is described as real: it would see no fractions."""
    real = [name for name, kind in zip(card.inputs.names, card.inputs.kinds, strict=True) if kind == REAL]
    if card.architecture is None and real and takes_whole_numbers(network):
        raise UserError(
            f"{network}: takes whole numbers, but {listed(real, 3)} are real in --inputs; give them "
            "kind: integer, or export the network with float inputs"
        )


def _moments_in(card: VectorFileCard, network: Path) -> tuple[tuple[list[float], list[float]] | None, str, float]:
    """Return what a network's file tells of its features: mean and spread, F numbers each, where, and how far to go."""
    file = None if card.architecture else reader_of(network).open_file(network)
    graph = file.model if isinstance(file, OnnxFile) else None
    found = standardisation(card.load(), random_vectors(card.inputs)) or (graph and scaler(graph))
    if found and len(found[0]) == card.inputs.size:
        return found, "those by which the network standardises them", WIDEST
    if graph is None:
        return None, "", WIDEST
    from teachers.tree_thresholds import thresholds  # onnx takes a second to import

    return thresholds(graph, card.inputs), "estimated from where its trees split them", 1.0


def _note_other_units(description: Path, inputs: VectorInputs, mean: Sequence[float]) -> None:
    """Say in a line which features the network takes to be about what their bounds exclude."""
    columns = zip(inputs.names, inputs.low, inputs.high, mean, strict=True)
    outside = [
        f"{name} to be about {m:.4g}, but its bounds are {low:g} and {high:g}"
        for name, low, high, m in columns
        if m < low or m > high
    ]
    if outside:
        more = f" (and {len(outside) - 1} more like this)" if len(outside) > 1 else ""
        what = f"the network takes {outside[0]}{more}"
        note(f"zskt: --inputs {description}: {what}; give bounds of the numbers that it is fed")
