"""One forward pass of a network, and what loss terms keep of it beside the logits.

A batch x is a tuple of tensors and a network is called as ``network(*x)``: nothing here knows what a sample is.

Shapes: B batch, K classes, or L independent labels, R regressed values, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor, nn

from zskt.checkpoint import TrainState
from zskt.contracts import Batch
from zskt.cuda_graphs import Replayed, is_replayable
from zskt.errors import UserError
from zskt.gaussian import GaussianHead
from zskt.parallel.ranks import world
from zskt.query_budget import QueryMeter

PRECISIONS = ("float32", "bf16")
"""In what networks compute: float32, whose convolutions a GPU rounds to TF32 as PyTorch has it; or bfloat16 where
PyTorch's automatic mixed precision takes it, parameters and losses in float32."""


@dataclass(frozen=True)
class Output:
    """What a network answers to a batch, or what a student is to answer."""

    logits: Tensor
    """(B, K) of one choice of K classes; (B, L, 2) of L independent labels, "it is" and "it is not" each."""
    extras: dict[str, Tensor] = field(default_factory=dict)
    """(B, ...) each: regressed "values" (B, R), "labels" (B,), and whatever loss terms captured, by name."""

    def detach(self) -> Output:
        """Return the same numbers without their graph."""
        return self.map(Tensor.detach)

    def clone(self) -> Output:
        """Return the same numbers in memory of their own, where a GPU's next answer would overwrite these."""
        return self.map(Tensor.clone) if self.logits.is_cuda else self

    def rows(self, index: Tensor | slice) -> Output:
        """Return the output of some of the samples."""
        return self.map(lambda t: t[index])

    def map(self, function: Callable[[Tensor], Tensor]) -> Output:
        """Return the output with a function applied to each of its tensors."""
        return Output(function(self.logits), {name: function(t) for name, t in self.extras.items()})

    def numbered(self, name: str) -> list[Tensor]:
        """Return the extras "name.0", "name.1", ... in order."""
        keys = [key for key in self.extras if key.rpartition(".")[0] == name]
        return [self.extras[key] for key in sorted(keys, key=lambda key: int(key.rpartition(".")[2]))]


@contextmanager
def evaluating(*networks: nn.Module | None) -> Iterator[None]:
    """Put networks into evaluation mode; afterwards each of their modules is in its own mode again.

    ``network.train(mode)`` would give one mode to all: a normalisation that its owner froze would thaw.
    """
    modules = [module for n in networks if n is not None for module in n.modules()]
    modes = [(module, module.training) for module in modules if hasattr(module, "training")]  # frozen scripts have none
    for network in networks:
        if network is not None:
            network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


MEMBERS = "members"
"""Submodule of an ensemble through which what its members believe passes, and the name of that in `Output.extras`."""


class Captures(Protocol):
    """A loss term, as far as a forward pass serves it: see `zskt.terms.term.Term`."""

    @property
    def needs_layers(self) -> bool: ...
    @property
    def needs_gradient(self) -> bool: ...
    @property
    def probe(self) -> str: ...

    def capture(
        self, network: nn.Module, x: Batch, output: Output, layers: Sequence[Tensor], /
    ) -> dict[str, Tensor]: ...


@contextmanager
def capture(network: nn.Module, layers: Sequence[str]) -> Iterator[list[Tensor]]:
    """Collect the outputs of the submodules named ``layers``, in the order in which the forward pass meets them.

    Raises:
        AttributeError: if the network has no submodule of that name.
    """
    outputs: list[Tensor] = []

    def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        outputs.append(output)

    handles = [network.get_submodule(name).register_forward_hook(hook) for name in layers]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def split_heads(network: nn.Module, answer: Tensor) -> tuple[Tensor, Tensor | None]:
    """Split (B, K + R) into logits (B, K) and values (B, R); R is the network's attribute ``regressions``, else 0.

    A network whose attribute ``bernoulli`` is True answers (B, L + R), the logits z of L independent labels: theirs
    become the logits (z, 0) of two classes each, (B, L, 2), whose softmax is the sigmoid of z and the rest.
    """
    count: int = getattr(network, "regressions", 0)
    logits, values = (answer[:, :-count], answer[:, -count:]) if count else (answer, None)
    if getattr(network, "bernoulli", False):
        logits = torch.stack([logits, torch.zeros_like(logits)], 2)
    return logits, values


def forward(
    network: nn.Module,
    x: Batch,
    terms: Sequence[Captures] = (),
    layers: Sequence[str] = (),
    precision: str = "float32",
) -> Output:
    """Run a network once: logits, regressed values if there are any, and what ``terms`` capture.

    Args:
        layers: names of the submodules whose outputs the terms are shown.
        precision: one of `PRECISIONS`, of what the network computes; its parameters and all losses stay as they are.
    """
    half, differentiates = precision == "bf16", any(term.needs_gradient for term in terms)
    probes = [name for name in dict.fromkeys(term.probe for term in terms) if name and hasattr(network, name)]
    if differentiates:
        x = tuple(t.detach().requires_grad_() if t.is_floating_point() else t for t in x)
    with (
        torch.set_grad_enabled(differentiates or torch.is_grad_enabled()),
        capture(network, layers) as activations,
        capture(network, probes) as probed,
        torch.autocast(x[0].device.type, torch.bfloat16, enabled=half),
    ):
        answer = network(*x)
    # Also a network that computes in half precision by itself answers losses, which are float32.
    answer, activations, probed = _single(answer), [_single(a) for a in activations], [_single(a) for a in probed]
    logits, values = split_heads(network, answer)
    output = Output(logits, {} if values is None else {"values": values})
    output.extras.update(zip(probes, probed, strict=True))
    for term in terms:
        output.extras.update(term.capture(network, x, output, activations))
    return output.detach() if differentiates and not torch.is_grad_enabled() else output


def evaluated_logits(network: nn.Module, x: Batch, output: Output) -> Tensor:
    """Return the logits that a network gives each sample by itself, with graph: (B, K), or (B, L, 2).

    While a network learns, its batch normalisations tie samples together: what all of a batch have in common, as an
    energy scale, moves nothing. Its gradient by the input is asked in evaluation mode, as the network will be used.

    Args:
        output: what it answered as it learns, which is the same where no layer behaves otherwise then.
    """
    if not any(isinstance(m, TIES) and m.training for m in network.modules()):
        return output.logits
    with evaluating(network):
        return split_heads(network, _single(network(*x)))[0]


TIES = (nn.modules.batchnorm._NormBase, nn.modules.dropout._DropoutNd)
"""Layers that answer otherwise while a network learns."""


def _single(t: Tensor) -> Tensor:
    """Return numbers of half precision as those of 32 bits, and others as they are."""
    return t.float() if t.dtype in (torch.bfloat16, torch.float16) else t


LAYERS = ("last", "first")
"""Which layers of two networks are compared where one has more of them: as many, counted from this end."""


@dataclass
class Pair:
    """A frozen teacher and the student that learns from it; the teacher is None where labels alone teach."""

    teacher: nn.Module | None
    student: nn.Module
    regression_scale: Tensor | None = None
    """(R,), spread of the teacher's regressed values; None where there are none."""
    gaussians: tuple[GaussianHead, ...] = ()
    """Which of them are mean and width of one value."""
    precision: str = "float32"
    """One of `PRECISIONS`."""
    attention_layers: str = "last"
    """One of `LAYERS`."""
    meter: QueryMeter | None = None
    """Counts what the teacher is asked, where there is a budget, or where answers alone are seen of it."""

    def layers(self, network: nn.Module) -> tuple[str, ...]:
        """Name the layers of a network that are compared: as many as both have.

        A network names its layers in the attribute ``attention_layers``. Where one has fewer blocks, its blocks answer
        the other's last or first ones.
        """
        counts = [len(getattr(n, "attention_layers", ())) for n in (self.teacher, self.student)]
        names: tuple[str, ...] = getattr(network, "attention_layers", ())
        return names[: min(counts)] if self.attention_layers == "first" else names[len(names) - min(counts) :]

    def forward(self, network: nn.Module, x: Batch, terms: Sequence[Captures] = ()) -> Output:
        """Run one of both networks, and capture what the terms compare.

        Raises:
            UserError: if the teacher leaves PyTorch where its gradient is followed.
        """
        needed = any(term.needs_layers for term in terms)
        try:
            return forward(network, x, terms, self.layers(network) if needed else (), self.precision)
        except RuntimeError as error:
            if network is self.teacher and "Can't call numpy() on Tensor that requires grad" in str(error):
                raise UserError(
                    "teacher: computes with NumPy, which has no gradient, but this method follows one; say "
                    'teacher_access="probabilities"'
                ) from error
            raise

    def ask_student(self, x: Batch, terms: Sequence[Captures] = ()) -> Output:
        """Run the student."""
        return self.forward(self.student, x, terms)


class CountedTeacher:
    """The teacher of a pair, each of whose answers is counted as ``teacher_queries``."""

    def __init__(self, pair: Pair, state: TrainState) -> None:
        self.pair, self.state = pair, state
        self._replayed = Replayed(self._answer, allowed=is_replayable(pair.teacher))

    def count(self, x: Batch) -> None:
        """Count a batch that the teacher was asked about elsewhere; all ranks ask about as many."""
        self.state.count("teacher_queries", len(x[0]) * world().size)

    def __call__(self, x: Batch, terms: Sequence[Captures] = ()) -> Output:
        """Answer a batch, with a graph to x where one is recorded."""
        assert self.pair.teacher is not None
        self.count(x)
        return self.pair.forward(self.pair.teacher, x, terms)

    @torch.no_grad()
    def query(self, x: Batch, terms: Sequence[Captures] = ()) -> Output:
        """Answer a batch without a graph."""
        assert self.pair.teacher is not None
        self.count(x)
        if any(term.needs_gradient for term in terms):
            return self._answer(*x, key=tuple(terms))
        return self._replayed(*x, key=tuple(terms)).clone()

    def _answer(self, *x: Tensor, key: tuple[Captures, ...]) -> Output:
        assert self.pair.teacher is not None
        return self.pair.forward(self.pair.teacher, x, key)
