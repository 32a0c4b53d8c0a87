"""Taggers from files: TorchScript or ONNX beside the ``preprocess.json`` that says how they are fed.

Whatever the file holds, the tagger answers like every teacher: logits of its K classes, and behind them its R
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

from teachers.onnx_reader import read_onnx
from teachers.torchscript import read_torchscript
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import TIE, random_inputs, raw_answer

PROBE = 16
"""Jets of random numbers on which a network is tried before it is believed."""
CLASS = re.compile(r"^(label|prob|is)", re.IGNORECASE)
VALUE = re.compile(
    r"target|mass|corr|res(ol(ution)?)?(low|high)?$|scale$|regress|hidneuron|^ptnu$|ptreco|(^|_)(pt|eta|phi|energy)$",
    re.IGNORECASE,
)
READERS = {".pt": read_torchscript, ".pth": read_torchscript, ".onnx": read_onnx}


@dataclass(frozen=True)
class Heads:
    """Which outputs of a network are what."""

    classes: tuple[int, ...]
    """Columns that are classes; K of them, none for a pure regression."""
    values: tuple[int, ...]
    """Columns that are regressed values; R of them."""
    probabilities: bool
    """Whether the classes are after a softmax."""


def find_heads(names: Sequence[str], answered: Tensor) -> Heads:
    """Tell classes from regressed values by the outputs' names, and probabilities from logits by what they sum to.

    Args:
        names: of the O outputs.
        answered: (B, O), what the network said of some random input.
    """
    named = [i for i, name in enumerate(names) if CLASS.match(name) and not VALUE.search(name)]
    classes = named or [i for i, name in enumerate(names) if not VALUE.search(name)]
    if len(classes) == 1:  # one number alone is nothing to choose from
        classes = []
    p = answered[:, classes].double()
    bounded = bool(classes) and bool(((p >= 0) & (p <= 1)).all())
    complete = ((p.cumsum(1) - 1).abs().amax(0) < 1e-3).nonzero().flatten() if classes else torch.zeros(0)
    probabilities = bounded and len(complete) > 0
    if probabilities:  # what follows a complete set of probabilities is something else
        classes = classes[: int(complete[-1]) + 1]
    elif bounded:  # each a probability of its own: to be answered as they are, a softmax would change them
        classes = []
    values = tuple(i for i in range(len(names)) if i not in classes)
    return Heads(tuple(classes), values, probabilities)


class Tagger(nn.Module):
    """A network from a file, as a teacher.

    Args:
        network: called with the inputs in the order of `preprocess`; answers with a tensor (B, O), or several.
        heads: what of it is what.
    """

    def __init__(self, network: nn.Module, heads: Heads) -> None:
        super().__init__()
        self.network, self.heads = network, heads
        count = getattr(network, "published", None)
        self.published: int = count if isinstance(count, int) else sum(p.numel() for p in network.parameters())
        """How many parameters the file holds: folding normalisations away changes their number."""
        self.origin: str = getattr(network, "origin", "") or "TorchScript, as it is"
        """How it is run, and how well that answers."""
        self.regressions = len(heads.values)
        """R: how many of the last columns of the answer are regressed values."""

    def forward(self, *x: Tensor) -> Tensor:
        """The inputs of ``preprocess.json``, (B, C, P) each -> (B, K + R)."""
        answered = raw_answer(self.network, x)
        logits = answered[:, list(self.heads.classes)]
        if self.heads.probabilities:
            logits = logits.clamp(min=torch.finfo(logits.dtype).tiny).log()
        return torch.cat([logits, answered[:, list(self.heads.values)]], 1)


def read_tagger(path: Path, preprocess: Preprocess, where: Path) -> tuple[Tagger, Preprocess]:
    """The network of a file, frozen, and its `Preprocess` with the lengths that the file insists on.

    Args:
        where: the file of `preprocess`, for messages.

    Raises:
        UserError: if the file is damaged, of another kind, cannot be converted, or does not belong to `preprocess`:
            the message names the first difference.
    """
    if path.suffix not in READERS:
        raise UserError(f"{path}: unknown kind of network {path.suffix!r}; give TorchScript (.pt) or .onnx")
    if not path.is_file():
        raise UserError(f"--teacher-path {path}: no such file; give the network that belongs to {where}")
    network, groups = READERS[path.suffix](path, preprocess.groups, where)
    preprocess = replace(preprocess, groups=tuple(groups))
    for parameter in network.eval().parameters():  # a script module has no requires_grad_ of its own
        parameter.requires_grad_(False)
    try:
        answered = _tried(network, preprocess)
    except Exception as error:  # TorchScript and converted graphs raise whatever their operators do
        flat = replace(preprocess, groups=tuple(replace(g, flat=True) if _of_jet(g) else g for g in preprocess.groups))
        try:  # TorchScript does not say of what rank the numbers of a jet are
            answered = _tried(network, flat)
        except Exception:
            raise UserError(_mismatch(str(error), preprocess, path, where)) from error
        preprocess = flat
    if not _alike(answered, _tried(network, preprocess)):
        raise UserError(
            f"{path}: answers otherwise when asked twice, so dropout is still in it; export it in evaluation mode"
        )
    preprocess = with_widths_that_count(network, preprocess)
    if answered.shape[1] != len(preprocess.outputs):
        raise UserError(
            f"{path}: answers {answered.shape[1]} numbers a jet, but output_names of {where} has "
            f"{len(preprocess.outputs)}; give the two files that belong together"
        )
    if not bool(torch.isfinite(answered).all()):
        raise UserError(f"{path}: answers with numbers that are not finite on random input; fetch the file again")
    return Tagger(network, find_heads(preprocess.outputs, answered)).eval(), preprocess


def _tried(network: nn.Module, preprocess: Preprocess) -> Tensor:
    with torch.no_grad():
        return raw_answer(network, random_inputs(preprocess.groups, PROBE))


def _alike(a: Tensor, b: Tensor) -> bool:
    """Whether most jets got the same answer: (B, O) both."""
    return float(((a - b) / a.abs().amax(0).clamp(min=1.0)).abs().amax(1).median()) < TIE


@torch.no_grad()
def with_widths_that_count(network: nn.Module, preprocess: Preprocess) -> Preprocess:
    """The same, its inputs always as long as they may be if the network's answer depends on how much padding there is.

    Networks without a mask may count it, others have their length built in.
    """
    short = [replace(g, max_length=g.min_length) for g in preprocess.groups]
    x = random_inputs(short, PROBE)
    longer = tuple(_padded(t, g) for t, g in zip(x, preprocess.groups, strict=True))
    try:
        if _alike(raw_answer(network, x), raw_answer(network, longer)):
            return preprocess
    except Exception:  # operators raise whatever they do
        pass
    return replace(preprocess, groups=tuple(replace(g, min_length=g.max_length) for g in preprocess.groups))


def _padded(x: Tensor, group: InputGroup) -> Tensor:
    """Inputs as long as they may be: (B, C, P) -> (B, C, max_length)."""
    if group.flat or x.shape[2] == group.max_length:
        return x
    pads = torch.tensor([0.0 if group.is_mask else v.pad for v in group.variables]).view(1, -1, 1)
    return torch.cat([x, pads.expand(len(x), -1, group.max_length - x.shape[2])], 2)


def _of_jet(group: InputGroup) -> bool:
    return group.max_length == 1 and not group.is_mask


def _mismatch(error: str, preprocess: Preprocess, path: Path, where: Path) -> str:
    """What an operator complained about, said in terms of the inputs where the numbers of channels tell."""
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
                    f"{path}: takes {numbers['net']} variables where {where} has {numbers['mine']}, those of "
                    f"{group.name}; {remedy}"
                )
    last = " ".join(error.strip().splitlines()[-1].split())[:160] if error.strip() else "no reason given"
    return f"{path}: does not run on what {where} describes ({last}); {remedy}"
