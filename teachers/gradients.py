"""Gradients of a network by its inputs: tried when its file is read, mended where they can be.

An adversary follows the teacher's gradient. Networks from files were made to answer, not to be differentiated: some
write into tensors that the gradient needs, others divide zero by zero at padding or between an entry and itself.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from zskt.outputs import as_outputs, raw_outputs

Hook = Callable[[Any, Any], Any]


class Barrier(torch.autograd.Function):
    """The identity; a mark in the graph where a network begins."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return x."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """Return the gradient, of which what is not finite counts as zero."""
        return torch.nan_to_num(gradients[0], 0.0, 0.0, 0.0)


class WithGradient(nn.Module):
    """A network whose gradients by its inputs are mended.

    Args:
        network: called with its inputs; returns a tensor, or several.
        copies: whether what the gradient needs is copied, because the network writes into it afterwards.
        singular: names of the operations whose derivative is not finite somewhere: such entries count as zero, and the
            others keep theirs.
    """

    def __init__(self, network: nn.Module, *, copies: bool = False, singular: Sequence[str] = ()) -> None:
        super().__init__()
        self.network, self.copies, self.singular = network, copies, frozenset(singular)
        self.watched = bool(singular)
        """Whether each operation is to have a node of its own in the graph."""
        self.origin: str = getattr(network, "origin", "")
        self.published: int | None = getattr(network, "published", None)
        self.differentiable = True

    def forward(self, *x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Call the network; tensors of the caller are never written to."""
        if not (torch.is_grad_enabled() and any(t.requires_grad for t in x)):
            answer: Tensor | tuple[Tensor, ...] = self.network(*(t.clone() if self.copies else t for t in x))
            return answer
        inputs = [Barrier.apply(t) if t.requires_grad else t for t in x]
        if self.copies:
            with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda t: t):
                return self._call([t.clone() for t in inputs])
        return self._call(inputs)

    def _call(self, inputs: Sequence[Tensor]) -> Tensor | tuple[Tensor, ...]:
        if not self.watched:
            answer: Tensor | tuple[Tensor, ...] = self.network(*inputs)
            return answer
        with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]  # fused operations hide their parts
            answer = self.network(*inputs)
        for node in _nodes(answer):
            if node.name() in self.singular:
                node.register_hook(_finite_part)
        return answer


def _nodes(answer: Any) -> list[Any]:
    """Return the nodes of a graph from outputs back to the barriers at the network's inputs."""
    outputs = [answer] if isinstance(answer, Tensor) else list(answer.values() if isinstance(answer, dict) else answer)
    waiting = [t.grad_fn for t in outputs if t.grad_fn is not None]
    reached = dict.fromkeys(waiting)
    while waiting:
        node = waiting.pop()
        if node.name() == "BarrierBackward":
            continue
        for following, _ in node.next_functions:
            if following is not None and following not in reached:
                reached[following] = None
                waiting.append(following)
    return list(reached)


def _finite_part(grad_inputs: Any, grad_outputs: Any) -> tuple[Tensor | None, ...]:
    return tuple(None if g is None else torch.nan_to_num(g, 0.0, 0.0, 0.0) for g in grad_inputs)


def with_gradient(network: nn.Module, x: Sequence[Tensor]) -> tuple[nn.Module, str]:
    """Try the gradient of a network on samples, and mend it; return the network, and what there is to say.

    Args:
        network: called with x.
        x: its inputs, (B, ...) each, with padding among them.

    Returns:
        The network itself where nothing is wrong; `WithGradient` where something was mended; else the network, marked
        as not ``differentiable``.
    """
    if not getattr(network, "differentiable", True):
        return network, "none: it runs as it is, and distils with a prior"
    copies = False
    try:
        gradients = _gradients(network, x)
    except RuntimeError:  # of autograd: something was written over
        copies = True
        try:
            gradients = _gradients(WithGradient(network, copies=True), x)
        except RuntimeError as error:
            first = " ".join(str(error).split())[:100]
            return _without(network), f"none ({first}); it distils with a prior"
    singular: list[str] = []
    network_anew = network
    # What copies has a barrier at its inputs already, so that its gradients are finite whatever its operations are.
    if copies or not all(bool(torch.isfinite(g).all()) for g in gradients):
        network_anew = _anew(network)
        singular = _singular_operations(WithGradient(network_anew, copies=copies), x)
        gradients = _gradients(WithGradient(network_anew, copies=copies, singular=singular), x)
    if not any(bool((g != 0).any()) for g in gradients):
        return _without(network), f"none: {_why_none(network, x)}; it distils with a prior"
    if not copies and not singular and all(bool(torch.isfinite(g).all()) for g in gradients):
        return network, "yes"
    words = []
    if copies:
        words.append("what it computes in place is copied")
    if singular:
        operations = ", ".join(sorted(name.rstrip("0123456789").removesuffix("Backward").lower() for name in singular))
        words.append(f"no finite derivative of {operations} at padding, or between an entry and itself: zero there")
    return WithGradient(network_anew, copies=copies, singular=singular), f"yes; {'; '.join(words)}"


def _why_none(network: nn.Module, x: Sequence[Tensor]) -> str:
    """Say why no gradient reaches an input: the network is a constant as it is fed, or its operations have none."""
    with torch.no_grad():
        answers = raw_outputs(network, list(x))
    if bool((answers == answers[:1]).all()):
        return "all random samples have one answer; see whether it is fed as it was trained, as --mean and --std say"
    return "its operations have no derivative, as rounding has none"


def _anew(network: nn.Module) -> nn.Module:
    """Return a network whose TorchScript has not been run yet: what was run once with operations fused stays so."""
    if isinstance(network, torch.jit.ScriptModule):
        held = io.BytesIO()
        torch.jit.save(network, held)
        held.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            script: nn.Module = torch.jit.load(held)  # type: ignore[no-untyped-call]
        return script.eval()
    for name, child in network.named_children():
        setattr(network, name, _anew(child))
    return network


def _without(network: nn.Module) -> nn.Module:
    network.differentiable = False  # type: ignore[assignment]
    return network


def _gradients(network: nn.Module, x: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient of a sum of all outputs, with changing signs, by each input that has one.

    TorchScript changes its graph in the first calls, so there are three.
    """
    gradients: list[Tensor] = []
    for _ in range(3):
        inputs = [t.detach().clone().requires_grad_(t.is_floating_point()) for t in x]
        with torch.enable_grad():
            outputs = raw_outputs(network, inputs)
            if not outputs.requires_grad:
                return []
            weights = (
                torch.linspace(1.0, 2.0, outputs.shape[1])
                * torch.tensor([1.0, -1.0]).repeat(outputs.shape[1])[: outputs.shape[1]]
            )
            held = [t for t in inputs if t.requires_grad]
            found = torch.autograd.grad((outputs * weights).sum(), held, allow_unused=True)
        gradients = [g for g in found if g is not None]
    return gradients


def _singular_operations(network: WithGradient, x: Sequence[Tensor]) -> list[str]:
    """Return the names of the operations that turn a finite gradient into one that is not."""
    names: dict[str, None] = {}

    def watch(name: str) -> Hook:
        def hook(grad_inputs: Any, grad_outputs: Any) -> Any:
            if all(g is None or bool(torch.isfinite(g).all()) for g in grad_outputs) and not all(
                g is None or bool(torch.isfinite(g).all()) for g in grad_inputs
            ):
                names[name] = None
            return _finite_part(grad_inputs, grad_outputs)  # what follows is judged for itself

        return hook

    network.watched = True
    for _ in range(3):
        inputs = [t.detach().clone().requires_grad_(t.is_floating_point()) for t in x]
        with torch.enable_grad():
            answer = network(*inputs)
            for node in _nodes(answer):
                if node.name() != "BarrierBackward":
                    node.register_hook(watch(node.name()))
            total = torch.stack([o.sum() for o in as_outputs(answer) if o.requires_grad]).sum()
            torch.autograd.grad(total, [t for t in inputs if t.requires_grad], allow_unused=True)
    return list(names)
