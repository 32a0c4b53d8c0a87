"""Networks from files that take one tensor, images or vectors, and answer with classes.

How the tensor is laid out is told by the shape that the file declares, or by trial; whether the answer is logits, a
softmax, a sigmoid or independent labels, by what it answers.

Shapes: B samples, C channels, H x W pixels, F features, O outputs, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from teachers import exported_program, onnx_reader, state_dict_reader
from teachers.class_output import class_output, doubt, labelled, require_classes
from teachers.company import require_independent
from teachers.files import is_network, no_file
from teachers.gradients import with_gradient
from teachers.heads import Heads, find_heads
from teachers.network_file import Argument, NetworkFile
from teachers.onnx_reader import OnnxFile
from teachers.readers import reader_of
from teachers.state_dict_reader import Architecture, open_plain
from zskt.contracts import HeadKind
from zskt.errors import UserError
from zskt.outputs import as_outputs, relative_differences

Unit = Literal["images", "vectors"]
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "BCHW": lambda x: x,
    "BHWC": lambda x: x.permute(0, 2, 3, 1).contiguous(),
    "BHW": lambda x: x.squeeze(1),
    "B(CHW)": lambda x: x.flatten(1),
    "B(HWC)": lambda x: x.permute(0, 2, 3, 1).flatten(1),
    "BF": lambda x: x,
}
"""Layouts of an input -> how one is made of (B, C, H, W), or of (B, F). Parentheses hold axes that are one."""
REPEATS = 1e-4
"""How far two answers to the same question may be apart, in units of an output's size."""


class OneTensor(nn.Module):
    """A network called with a tensor in its own layout, whose answer is one of its outputs, (B, O)."""

    def __init__(self, network: nn.Module, layout: str, output: int) -> None:
        super().__init__()
        self.network, self.layout, self.output = network, layout, output
        self.origin: str = getattr(network, "origin", "")
        count = getattr(network, "published", None)
        self.published: int = count if isinstance(count, int) else sum(p.numel() for p in network.parameters())
        self.differentiable: bool = getattr(network, "differentiable", True)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W), or (B, F), to (B, O)."""
        answer = as_outputs(self.network(LAYOUTS[self.layout](x)))[self.output].float()
        return answer.flatten(1) if answer.dim() > 1 else answer.unsqueeze(1)  # no number of samples is in an export


class SingleInputNetwork(nn.Module):
    """A network from a file, as a teacher: called with (B, C, H, W), or (B, F), answers with logits (B, K).

    Args:
        network: answers with its outputs (B, O).
        heads: what they are.
        gradient: what there is to say of its gradients.
        labels: names of its classes in the order of its logits, where its file has them.
        file_labels: the same in the order of the file's columns.
        remarks: what else a user should know of how its answers are taken.
    """

    regressions = 0
    gaussians = ()

    def __init__(
        self,
        network: nn.Module,
        layout: str,
        heads: Heads,
        gradient: str,
        labels: tuple[str, ...] = (),
        file_labels: tuple[str, ...] = (),
        remarks: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.network, self.layout, self.heads, self.gradient = network, layout, heads, gradient
        self.labels, self.file_labels, self.remarks = labels, file_labels, tuple(remarks)
        self.published: int = network.published  # type: ignore[assignment]
        self.origin = str(network.origin) or "TorchScript, as it is"
        self.differentiable: bool = getattr(network, "differentiable", True)
        self.bernoulli = heads.kind == HeadKind.LABELS
        """Whether its classes are independent labels."""

    @property
    def answers(self) -> str:
        """What it answers, in words."""
        if self.heads.kind == HeadKind.SCORE:
            return "the probability of the second class" if self.heads.probabilities else "the second class's logit"
        if self.bernoulli:
            return "probabilities of independent labels"
        return "probabilities (softmax), turned into logits" if self.heads.probabilities else "logits"

    @property
    def taken_for(self) -> str:
        """What its answers are taken for, in a line: a run begins with it."""
        kind = f"{self.outputs} independent labels" if self.bernoulli else f"{self.outputs} classes"
        return "; ".join((f"{kind}, by {self.answers}", *self.remarks))

    @property
    def outputs(self) -> int:
        """K"""
        return 2 if self.heads.kind == HeadKind.SCORE else len(self.heads.classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W), or (B, F), to logits (B, K); of one score to (0, z), the second class's logit behind."""
        logits = self.heads.answer(self.network(x))
        return logits.flip(1) if self.heads.kind == HeadKind.SCORE else logits


@cache
def read_network(
    path: Path,
    unit: Unit,
    inputs: Any,
    draw: Callable[[Any], Tensor],
    shape: tuple[int, ...],
    layouts: tuple[str, ...],
    flag: str,
    answers_only: bool = False,
    n_classes: int = 0,
    architecture: Architecture | None = None,
) -> SingleInputNetwork:
    """Read the network of a file, frozen; once a process.

    Args:
        unit: what a sample is, for messages.
        inputs: the input specification.
        draw: makes samples of it, (B, C, H, W) or (B, F), on which the network is tried.
        shape: of a sample as the user gave it, for messages.
        layouts: names in `LAYOUTS` that may be meant, the likeliest first.
        flag: the flag that gives the shape, for messages.
        answers_only: whether no gradient is asked for: a file that its own runtime can run is run by it.
        n_classes: the number of names that the user gives to its classes; 0 if none. One tells a class from the rest.
        architecture: of a file that holds parameters alone.

    Raises:
        UserError: if the file is damaged, of another kind, cannot be run on such samples, or answers no classes.
    """
    if not is_network(path):
        raise UserError(f"--teacher-path {path}: {no_file(path)}; give the file of the network")
    file: NetworkFile = reader_of(path).open_file(path) if architecture is None else open_plain(path, architecture)
    x = draw(inputs)
    file = file.answering_only() if answers_only and isinstance(file, OnnxFile) else file
    asked = f"{flag} {' '.join(map(str, shape))}" if unit == "images" else f"{flag} describes {shape[0]} columns"
    layout, outputs = _find_layout(file, x, layouts, asked)
    own = LAYOUTS[layout](x)
    network = _of_any_batch(file.network((own,), ()), file.arguments[0], own)
    batch, n_classes = outputs[0][0], 2 if n_classes == 1 else n_classes
    output, choice = class_output([o for _, o in outputs], batch, file.outputs, n_classes, path)
    plain = OneTensor(network.eval(), layout, output)
    plain.origin = plain.origin.replace("random jets", f"random {unit}")
    network, gradient = with_gradient(plain, (x,))
    for parameter in network.eval().parameters():  # a script module has no requires_grad_ of its own
        parameter.requires_grad_(False)
    answers = _answers(network, x, path, unit)
    heads = find_heads([f"label_{i}" for i in range(answers.shape[1])], answers)
    name = file.outputs[output] if len(file.outputs) == len(outputs) else ""
    require_classes(file, name, heads)
    heads, labels, file_labels = labelled(file, heads)
    remarks = [remark for remark in (choice, doubt(heads, answers, name, unit)) if remark]
    return SingleInputNetwork(network, layout, heads, gradient, labels, file_labels, remarks).eval()


def takes_whole_numbers(network: Path) -> bool:
    """Return whether the file of a network says that its input is of integers."""
    if not is_network(network) or state_dict_reader.sniff(network):
        return False
    reader = reader_of(network)
    if reader not in (onnx_reader, exported_program):  # scripts do not say, Keras is slow to open
        return False
    arguments = reader.open_file(network).arguments
    return len(arguments) == 1 and arguments[0].is_whole


def _find_layout(
    file: NetworkFile, x: Tensor, layouts: Sequence[str], asked: str
) -> tuple[str, tuple[tuple[int, Tensor], ...]]:
    """Find the layout of the network's input, and what it answers: the number of samples and an output, each.

    Raises:
        UserError: if it takes several inputs, or runs in no layout.
    """
    if len(file.arguments) != 1:
        names = ", ".join(a.name for a in file.arguments) or "none"
        raise UserError(f"{file.path}: takes {len(file.arguments)} inputs ({names}); networks of one input are read so")
    shape, first = file.arguments[0].shape, ""
    fitting = [name for name in layouts if _fits(shape, LAYOUTS[name](x))]
    if not fitting:
        takes = " x ".join("any" if not isinstance(n, int) else str(n) for n in (shape or ())[1:])
        raise UserError(f"{file.path}: takes samples of {takes}, but {asked}; give what the network takes")
    fixed = shape[0] if shape and isinstance(shape[0], int) else None
    whole = False
    for name in fitting:
        for batch in [fixed] if fixed else [min(len(x), 3), 1]:
            samples = torch.cat([x] * (-(-batch // len(x))))[:batch]
            try:
                outputs = file.run([LAYOUTS[name](samples)])
            except Exception as error:  # runtimes raise whatever their operators do
                first = first or " ".join(str(error).split()).rpartition("Error: ")[2][:160]
                continue
            if any(o.dim() and o.is_floating_point() and o.shape[0] == batch for o in outputs):
                return name, tuple((batch, o) for o in outputs)
            whole = whole or any(o.dim() and o.shape[0] == batch for o in outputs)
    if whole:
        raise UserError(
            f"{file.path}: answers whole numbers alone, as the class of each sample; export it with the logits or "
            "probabilities that they come from"
        )
    raise UserError(f"{file.path}: does not run on such samples ({asked}; {first}); give what the network takes")


def _fits(shape: Sequence[Any] | None, x: Tensor) -> bool:
    """Return whether samples have the axes that a file declares, but for the number of samples."""
    if not shape:
        return True
    sizes = zip(shape[1:], x.shape[1:], strict=False)
    return len(shape) == x.dim() and all(not isinstance(n, int) or n == m for n, m in sizes)


def _of_any_batch(network: nn.Module, argument: Argument, own: Tensor) -> nn.Module:
    """Return a network that takes any number of samples, in pieces where it was exported for a fixed number."""
    fixed = argument.shape[0] if argument.shape else None
    for batch in (0, fixed if isinstance(fixed, int) else 1):
        candidate = network
        if batch:
            from teachers.onnx_batches import InPieces

            candidate = InPieces(_AsTuple(network), batch)
            origin = f"{getattr(network, 'origin', '')}; run in pieces of {batch}".lstrip("; ")
            candidate.origin = origin  # type: ignore[assignment]
        try:
            with torch.no_grad():
                if all(o.shape[:1] == own.shape[:1] for o in as_outputs(candidate(own)) if o.dim() > 1):
                    return candidate
        except Exception:  # shapes that do not fit: whatever the network raises
            continue
    return network


class _AsTuple(nn.Module):
    """A network whose outputs are a tuple."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        return as_outputs(self.network(*x))


@torch.no_grad()
def _answers(network: nn.Module, x: Tensor, path: Path, unit: Unit) -> Tensor:
    """Return what a network answers about samples, (B, O).

    Raises:
        UserError: if that is not finite, or changes when asked twice, or with the other samples of a batch.
    """
    outputs, again = network(x), network(x)
    broken = int((~torch.isfinite(outputs)).any(1).sum())
    if broken:
        raise UserError(
            f"{path}: answers with NaN or infinity for {broken} of {len(x)} random {unit}; see that it is fed as it "
            "was trained, or fetch the file again"
        )
    if float(relative_differences(again, outputs).max()) > REPEATS:
        raise UserError(
            f"{path}: answers otherwise when asked twice, so dropout is still in it; export it in evaluation mode"
        )
    require_independent(network, (x,), outputs, path, unit.removesuffix("s"))
    return outputs  # type: ignore[no-any-return]
