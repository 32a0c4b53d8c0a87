"""Taggers from files: a network beside the ``preprocess.json`` that says how it is fed.

Whatever the file holds, the tagger gives what every teacher gives: logits of its K classes, and behind them its R
regressed values. Probabilities become their logarithms: a softmax of them is the identity, so nothing is lost.

Shapes: B jets, K classes, R regressed values, O outputs of the file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from teachers import state_dict_reader
from teachers.files import is_network
from teachers.readers import reader_of
from teachers.state_dict_reader import Architecture
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import TIE_TOLERANCE, random_inputs, raw_outputs

N_PROBE_JETS = 16
"""Jets of random numbers on which a network is tried before it is used."""
CLASS_NAME = re.compile(r"^(label|prob|is)", re.IGNORECASE)
VALUE_NAME = re.compile(
    r"target|mass|corr|res(ol(ution)?)?(low|high)?$|scale$|regress|hidneuron|^ptnu$|ptreco|(^|_)(pt|eta|phi|energy)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Heads:
    """Which outputs of a network are classes, and which are regressed values."""

    classes: tuple[int, ...]
    """Columns of the K classes; none for a pure regression."""
    values: tuple[int, ...]
    """Columns of the R regressed values."""
    probabilities: bool
    """Whether the columns of the classes hold probabilities, after a softmax, and not logits."""


def find_heads(names: Sequence[str], outputs: Tensor) -> Heads:
    """Tell classes from regressed values by the outputs' names, and probabilities from logits by what they sum to.

    Args:
        names: names of the O outputs.
        outputs: (B, O), outputs of the network for some random input.
    """
    named = [i for i, name in enumerate(names) if CLASS_NAME.match(name) and not VALUE_NAME.search(name)]
    classes = named or [i for i, name in enumerate(names) if not VALUE_NAME.search(name)]
    if len(classes) == 1:  # one number alone is nothing to choose from
        classes = []
    p = outputs[:, classes].double()
    bounded = bool(classes) and bool(((p >= 0) & (p <= 1)).all())
    complete = ((p.cumsum(1) - 1).abs().amax(0) < 1e-3).nonzero().flatten() if classes else torch.zeros(0)
    probabilities = bounded and len(complete) > 0
    if probabilities:  # what follows a complete set of probabilities is something else
        classes = classes[: int(complete[-1]) + 1]
    elif bounded:  # each a probability of its own: kept as they are, a softmax would change them
        classes = []
    values = tuple(i for i in range(len(names)) if i not in classes)
    return Heads(tuple(classes), values, probabilities)


class Tagger(nn.Module):
    """A network from a file, as a teacher.

    Args:
        network: called with the inputs in the order of ``preprocess.json``; returns a tensor (B, O), or several.
        heads: which outputs are classes and regressed values.
    """

    def __init__(self, network: nn.Module, heads: Heads) -> None:
        super().__init__()
        self.network, self.heads = network, heads
        count = getattr(network, "published", None)
        self.published: int = count if isinstance(count, int) else sum(p.numel() for p in network.parameters())
        """Number of parameters in the file: folding normalisations away changes it."""
        self.origin: str = getattr(network, "origin", "") or "TorchScript, as it is"
        """How the network is run, and how well its outputs agree with the file's."""
        self.regressions = len(heads.values)
        """R: number of the last columns of the output that are regressed values."""

    def forward(self, *x: Tensor) -> Tensor:
        """Map the inputs of ``preprocess.json``, (B, C, P) each, to logits and values (B, K + R)."""
        outputs = raw_outputs(self.network, x)
        logits = outputs[:, list(self.heads.classes)]
        if self.heads.probabilities:
            logits = logits.clamp(min=torch.finfo(logits.dtype).tiny).log()
        return torch.cat([logits, outputs[:, list(self.heads.values)]], 1)


def read_tagger(
    path: Path, preprocess: Preprocess, preprocess_file: Path, architecture: Architecture | None = None
) -> tuple[Tagger, Preprocess]:
    """Read the network of a file, frozen, and its `Preprocess` with the lengths that the file insists on.

    Args:
        path: the network.
        preprocess: its inputs and outputs.
        preprocess_file: the file of ``preprocess``, for messages.
        architecture: of a file that holds parameters alone.

    Raises:
        UserError: if the file is damaged, of another kind, cannot be converted, or does not belong to ``preprocess``:
            the message names the first difference.
    """
    if not is_network(path):
        raise UserError(f"--teacher-path {path}: no such file; give the network that belongs to {preprocess_file}")
    groups: Sequence[InputGroup] = preprocess.groups
    if state_dict_reader.sniff(path):
        network = state_dict_reader.read_network(path, preprocess, preprocess_file, architecture)
    elif architecture is not None:
        raise UserError(f"--architecture {architecture.name}: {path} holds the network itself; leave the flag out")
    else:
        network, groups = reader_of(path).read(path, preprocess.groups, preprocess_file)
    preprocess = replace(preprocess, groups=tuple(groups))
    for parameter in network.eval().parameters():  # a script module has no requires_grad_ of its own
        parameter.requires_grad_(False)
    outputs, preprocess = _first_outputs(network, preprocess, path, preprocess_file)
    if not _is_alike(outputs, _outputs_on_random_jets(network, preprocess)):
        raise UserError(
            f"{path}: answers otherwise when asked twice, so dropout is still in it; export it in evaluation mode"
        )
    preprocess = with_fixed_lengths_if_padding_counts(network, preprocess)
    if outputs.shape[1] != len(preprocess.outputs):
        raise UserError(
            f"{path}: answers {outputs.shape[1]} numbers a jet, but output_names of {preprocess_file} has "
            f"{len(preprocess.outputs)}; give the two files that belong together"
        )
    if not bool(torch.isfinite(outputs).all()):
        raise UserError(f"{path}: answers with numbers that are not finite on random input; fetch the file again")
    return Tagger(network, find_heads(preprocess.outputs, outputs)).eval(), preprocess


def _first_outputs(
    network: nn.Module, preprocess: Preprocess, path: Path, preprocess_file: Path
) -> tuple[Tensor, Preprocess]:
    """Run a network on random jets; TorchScript does not say of what rank the numbers of a jet are: try both."""
    try:
        return _outputs_on_random_jets(network, preprocess), preprocess
    except Exception as error:  # TorchScript and converted graphs raise whatever their operators do
        groups = tuple(replace(g, flat=True) if _is_of_jet(g) else g for g in preprocess.groups)
        flat = replace(preprocess, groups=groups)
        try:
            return _outputs_on_random_jets(network, flat), flat
        except Exception:
            raise UserError(_mismatch(str(error), preprocess, path, preprocess_file)) from error


def _outputs_on_random_jets(network: nn.Module, preprocess: Preprocess) -> Tensor:
    with torch.no_grad():
        return raw_outputs(network, random_inputs(preprocess.groups, N_PROBE_JETS))


def _is_alike(a: Tensor, b: Tensor) -> bool:
    """Return whether most jets have the same outputs in both, (B, O)."""
    return float(((a - b) / a.abs().amax(0).clamp(min=1.0)).abs().amax(1).median()) < TIE_TOLERANCE


@torch.no_grad()
def with_fixed_lengths_if_padding_counts(network: nn.Module, preprocess: Preprocess) -> Preprocess:
    """Return inputs that are always as long as they may be, if a network's outputs depend on how much padding there is.

    Networks without a mask may count it, others have their length built in.
    """
    short = [replace(g, max_length=g.min_length) for g in preprocess.groups]
    x = random_inputs(short, N_PROBE_JETS)
    longer = tuple(_pad(t, g) for t, g in zip(x, preprocess.groups, strict=True))
    try:
        if _is_alike(raw_outputs(network, x), raw_outputs(network, longer)):
            return preprocess
    except Exception:  # operators raise whatever they do
        pass
    return replace(preprocess, groups=tuple(replace(g, min_length=g.max_length) for g in preprocess.groups))


def _pad(x: Tensor, group: InputGroup) -> Tensor:
    """Pad an input to its greatest length: (B, C, P) -> (B, C, max_length)."""
    if group.flat or x.shape[2] == group.max_length:
        return x
    pads = torch.tensor([0.0 if group.is_mask else v.pad for v in group.variables]).view(1, -1, 1)
    return torch.cat([x, pads.expand(len(x), -1, group.max_length - x.shape[2])], 2)


def _is_of_jet(group: InputGroup) -> bool:
    return group.max_length == 1 and not group.is_mask


def _mismatch(error: str, preprocess: Preprocess, path: Path, preprocess_file: Path) -> str:
    """Say what an operator complained about in terms of the inputs, where the numbers of channels tell."""
    remedy = "give the two files that belong together"
    patterns = (
        r"should contain (?P<mine>\d+) elements not (?P<net>\d+)",
        r"to have (?P<net>\d+) channels, but got (?P<mine>\d+)",
    )
    for pattern in patterns:
        numbers = re.search(pattern, error)
        if numbers is None:
            continue
        for group in preprocess.groups:
            if len(group.variables) == int(numbers["mine"]):
                return (
                    f"{path}: takes {numbers['net']} variables where {preprocess_file} has {numbers['mine']}, those of "
                    f"{group.name}; {remedy}"
                )
    last = " ".join(error.strip().splitlines()[-1].split())[:160] if error.strip() else "no reason given"
    return f"{path}: does not run on what {preprocess_file} describes ({last}); {remedy}"
