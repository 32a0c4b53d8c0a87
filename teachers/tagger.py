"""Taggers from files: a network beside the ``preprocess.json`` that says how it is fed.

Whatever the file holds, in whatever layout it takes its inputs, the tagger is fed alike and gives what every teacher
gives: logits of its K classes, and behind them its R regressed values, see `teachers.heads`. Probabilities become their
logarithms: a softmax of them is the identity, so nothing is lost.

Shapes: B jets, K classes, R regressed values, O outputs of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from teachers import state_dict_reader
from teachers.company import require_independent
from teachers.files import is_network, no_file
from teachers.fitting import fit_inputs
from teachers.gradients import with_gradient
from teachers.heads import Heads, find_heads
from teachers.input_order import input_order
from teachers.layouts import CANONICAL, Arranged, arrange, takes_one_jet
from teachers.lengths import ByLength
from teachers.network_file import NetworkFile
from teachers.one_jet import OneJetACall
from teachers.onnx_reader import OnnxFile
from teachers.output_choice import kept_outputs
from teachers.probe import Probe
from teachers.readers import reader_of
from teachers.state_dict_reader import Architecture
from teachers.whole_numbers import with_whole_numbers
from zskt.contracts import HeadKind
from zskt.errors import UserError
from zskt.jets.output_names import with_all_names
from zskt.jets.preprocess import InputGroup, Preprocess
from zskt.jets.random_inputs import N_TRIAL_JETS
from zskt.outputs import TIE_TOLERANCE, raw_outputs, relative_differences

N_PROBE_JETS = 16
"""Jets of random numbers on which a network is tried before it is used."""


class Tagger(nn.Module):
    """A network from a file, as a teacher.

    Args:
        network: called with the inputs in the order and the layouts of the description; returns a tensor (B, O), or
            several.
        heads: which outputs are classes and regressed values.
        order: for each argument of the network in the file, the position of its input in the description.
        preprocess: its inputs, with the layouts in which the file has them.
        gradient: what there is to say of its gradients.
    """

    def __init__(
        self,
        network: nn.Module,
        heads: Heads,
        order: Sequence[int] = (),
        preprocess: Preprocess | None = None,
        gradient: str = "yes",
    ) -> None:
        super().__init__()
        self.network, self.heads = network, heads
        count = getattr(network, "published", None)
        self.published: int = count if isinstance(count, int) else sum(p.numel() for p in network.parameters())
        """Number of parameters in the file: folding normalisations away changes it."""
        self.origin: str = getattr(network, "origin", "") or "TorchScript, as it is"
        """How the network is run, and how well its outputs agree with the file's."""
        self.gradient = gradient
        """What there is to say of its gradients by its inputs."""
        self.differentiable: bool = getattr(network, "differentiable", True)
        """Whether it has gradients by its inputs."""
        self.answers = "probabilities" if heads.probabilities else "logits"
        """What the file answers of its classes."""
        self.regressions = len(heads.values)
        """R: number of the last columns of the output that are regressed values."""
        self.gaussians = heads.gaussians
        """Which of these are mean and width of one."""
        self.bernoulli = heads.kind == HeadKind.LABELS
        """Whether the columns before are independent labels."""
        self.order = tuple(order)
        self.preprocess = preprocess or Preprocess((), ())

    @property
    def layouts(self) -> tuple[str, ...]:
        """The layout of each argument of the network in the file."""
        return tuple(self.preprocess.groups[i].layout for i in self.order)

    def with_heads(self, heads: Heads) -> Tagger:
        """Return the same network, other of whose outputs are classes and values."""
        if heads == self.heads:
            return self
        return Tagger(self.network, heads, self.order, self.preprocess, self.gradient).eval()

    def forward(self, *x: Tensor) -> Tensor:
        """Map the described inputs, (B, C, P) each, to logits and values (B, K + R)."""
        return self.heads.answer(raw_outputs(self.network, x))


def read_tagger(
    path: Path,
    preprocess: Preprocess,
    preprocess_file: Path,
    architecture: Architecture | None = None,
    answers_only: bool = False,
) -> tuple[Tagger, Preprocess]:
    """Read the network of a file, frozen, and its `Preprocess` with the layouts and lengths that the file insists on.

    Args:
        path: the network.
        preprocess: its inputs and outputs.
        preprocess_file: the file of ``preprocess``, for messages.
        architecture: of a file that holds parameters alone.
        answers_only: whether no gradient is asked for: a file that its own runtime can run is run by it.

    Raises:
        UserError: if the file is damaged, of another kind, cannot be run, or does not belong to ``preprocess``: the
            message names the first difference.
    """
    if not is_network(path):
        raise UserError(f"--teacher-path {path}: {no_file(path)}; give the network that belongs to {preprocess_file}")
    file = open_network(path, preprocess, preprocess_file, architecture)
    file = file.answering_only() if answers_only and isinstance(file, OnnxFile) else file
    order = input_order([argument.name for argument in file.arguments], preprocess.groups, path, preprocess_file)
    file = with_whole_numbers(file, order, preprocess)
    preprocess = replace(preprocess, groups=tuple(fit_inputs(file, order, preprocess.groups, preprocess_file)))
    network = _arranged(file, order, preprocess, preprocess_file)
    probe = _probe(network, preprocess, path)
    network, gradient = with_gradient(network.eval(), _with_coincidences(probe(preprocess, N_PROBE_JETS)))
    for parameter in network.eval().parameters():  # a script module has no requires_grad_ of its own
        parameter.requires_grad_(False)
    outputs = _outputs(network, preprocess, probe)
    if not _is_alike(outputs, _outputs(network, preprocess, probe)):
        raise UserError(
            f"{path}: answers otherwise when asked twice, so dropout is still in it; export it in evaluation mode"
        )
    require_independent(network, probe(preprocess, N_PROBE_JETS), outputs, path, "jet")
    network, preprocess = at_real_lengths_if_padding_counts(network, preprocess, probe)
    preprocess = with_all_names(preprocess, outputs.shape[1], (preprocess_file.parent, path.parent))
    if outputs.shape[1] != len(preprocess.outputs):
        raise UserError(
            f"{path}: answers {outputs.shape[1]} numbers a jet, but output_names of {preprocess_file} has "
            f"{len(preprocess.outputs)}; give the two files that belong together"
        )
    tagger = Tagger(network, find_heads(preprocess.outputs, outputs), order, preprocess, gradient)
    return tagger.eval(), preprocess


def open_network(
    path: Path, preprocess: Preprocess, preprocess_file: Path, architecture: Architecture | None
) -> NetworkFile:
    """Open a file that holds a network, or the parameters of one.

    Raises:
        UserError: if it is damaged, of another kind, or does not say of which architecture it is.
    """
    if state_dict_reader.sniff(path):
        return state_dict_reader.open_file(path, preprocess, preprocess_file, architecture)
    if architecture is not None:
        raise UserError(f"--architecture {architecture.name}: {path} holds the network itself; leave the flag out")
    return reader_of(path).open_file(path)


def _arranged(file: NetworkFile, order: Sequence[int], preprocess: Preprocess, preprocess_file: Path) -> nn.Module:
    """Return a file's network, fed with the described inputs in their order, (B, C, P) each."""
    groups = preprocess.groups
    layouts = [groups[i].layout for i in order]
    one_jet = any(map(takes_one_jet, layouts))

    def drawn(probe: Probe) -> list[Tensor]:
        x = probe(preprocess, N_TRIAL_JETS)
        return [arrange(x[i][:1] if one_jet else x[i], layout) for i, layout in zip(order, layouts, strict=True)]

    arguments = drawn(Probe())
    try:
        file.run(arguments)
    except Exception:  # some know no jets but physical ones; if they do not know these either, that is said next
        arguments = drawn(Probe(simulated=True))
    kept = kept_outputs(file, arguments, preprocess, 1 if one_jet else N_TRIAL_JETS, preprocess_file)
    network = file.network(arguments, [groups[i] for i in order])
    if one_jet:
        return OneJetACall(network, order, layouts, groups, kept)
    plain = list(order) == list(range(len(groups))) and all(layout in CANONICAL for layout in layouts)
    return network if plain and kept is None else Arranged(network, order, layouts, kept)


def _probe(network: nn.Module, preprocess: Preprocess, path: Path) -> Probe:
    """Choose jets on which a network answers with numbers.

    Raises:
        UserError: if there are none.
    """
    counts = []
    for probe in (Probe(), Probe(simulated=True)):
        try:
            finite = torch.isfinite(_outputs(network, preprocess, probe)).all(1)
        except Exception:  # some raise for jets that are not physical; networks raise whatever their operators do
            if probe.simulated:
                raise
            finite = torch.zeros(N_PROBE_JETS, dtype=torch.bool)
        if bool(finite.all()):
            return probe
        counts.append(int((~finite).sum()))
    raise UserError(
        f"{path}: answers with NaN or infinity for {counts[0]} of {N_PROBE_JETS} random jets and {counts[1]} of "
        f"{N_PROBE_JETS} simulated ones; see that its description is its own, or fetch the file again"
    )


def _outputs(network: nn.Module, preprocess: Preprocess, probe: Probe) -> Tensor:
    with torch.no_grad():
        return raw_outputs(network, probe(preprocess, N_PROBE_JETS))


def _with_coincidences(x: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return jets of which some have two entries that are one: pairs of entries without a distance."""
    copies = tuple(t.clone() for t in x)
    for t in copies:
        if t.dim() > 2 and t.shape[2] > 1:
            t[::2, :, 1] = t[::2, :, 0]
    return copies


def _is_alike(a: Tensor, b: Tensor) -> bool:
    """Return whether most jets have the same outputs in both, (B, O)."""
    return float(relative_differences(b, a).median()) < TIE_TOLERANCE


@torch.no_grad()
def at_real_lengths_if_padding_counts(
    network: nn.Module, preprocess: Preprocess, probe: Probe
) -> tuple[nn.Module, Preprocess]:
    """Return a network and its inputs such that a jet's answers do not depend on the jets beside it.

    Networks without a mask may count their padding: they are called at the length of each jet. Others have their length
    built in: their inputs are always as long as they may be.
    """
    groups = preprocess.groups
    middle = [(g.min_length + g.max_length + 1) // 2 for g in groups]
    try:
        differs = False
        # At one entry a length that is built in may pass unnoticed: numbers are broadcast.
        for lengths in ([g.min_length for g in groups], middle):
            short = [replace(g, min_length=n, max_length=n) for g, n in zip(groups, lengths, strict=True)]
            x = probe(replace(preprocess, groups=tuple(short)), N_PROBE_JETS)
            longer = tuple(_pad(t, g) for t, g in zip(x, groups, strict=True))
            differs |= not _is_alike(raw_outputs(network, x), raw_outputs(network, longer))
    except Exception:  # operators raise whatever they do
        return network, replace(preprocess, groups=tuple(replace(g, min_length=g.max_length) for g in groups))
    return (ByLength(network, groups).eval() if differs else network), preprocess


def _pad(x: Tensor, group: InputGroup) -> Tensor:
    """Pad an input to its greatest length: (B, C, P) -> (B, C, max_length)."""
    if group.flat or x.shape[2] == group.max_length:
        return x
    padding = float(group.is_one_for_padding)
    pads = torch.tensor([padding if group.is_mask else v.pad for v in group.variables]).view(1, -1, 1)
    return torch.cat([x, pads.expand(len(x), -1, group.max_length - x.shape[2])], 2)
