"""What `zskt.distill` and `zskt.evaluate` are called with, made into what methods take.

Shapes: B batch, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from zskt.contracts import Batch
from zskt.dataset import UNLABELLED, Labelled, TensorSamples
from zskt.errors import UserError
from zskt.forward import evaluating
from zskt.generator import Generator
from zskt.iterated import iterated
from zskt.metrics import PREDICT_BATCH
from zskt.number_types import as_tensor, instead_of
from zskt.padding import join

Network = nn.Module | Callable[..., Tensor | NDArray[Any]]
"""A network, called as ``network(*x)``: -> logits (B, K)."""
Loader = Iterable[Any] | Tensor | NDArray[Any]
"""Batches of samples: a tensor, a tuple of tensors, or either with labels (B,) of integers behind; arrays of NumPy are
as good as tensors."""


class FunctionNetwork(nn.Module):
    """A function as a network; arrays of NumPy that it answers become tensors, of floats or of whole numbers."""

    def __init__(self, function: Callable[..., Tensor | NDArray[Any]]) -> None:
        super().__init__()
        self._function = function
        self._is_of_numpy = False
        """Whether it has answered with an array: then it has no gradient, and may refuse a tensor that asks for one."""
        self._shape: tuple[int, ...] | None = None
        """Of the answer to a sample, once it is known."""

    def forward(self, *x: Tensor) -> Tensor:
        answer: Any = self._function(*(t.detach() if self._is_of_numpy else t for t in x))
        if isinstance(answer, np.ndarray) and answer.dtype.kind in "fiub":
            self._is_of_numpy = True
            tensor = torch.from_numpy(np.ascontiguousarray(answer)).to(x[0].device)
            answer = tensor.float() if tensor.is_floating_point() else tensor.long()
        if isinstance(answer, Tensor) and answer.dim():
            self._shape = self._shape or tuple(answer.shape[1:])
            if tuple(answer.shape[1:]) != self._shape:
                raise UserError(
                    f"the function answers {tuple(answer.shape)} after {self._shape} a sample; answer always alike"
                )
        return answer  # type: ignore[no-any-return]  # what is no tensor is told by who asks


class ScriptNetwork(nn.Module):
    """A TorchScript module as a network: it is called, but takes no hooks, by which queries are counted."""

    def __init__(self, script: torch.jit.ScriptModule) -> None:
        super().__init__()
        self.script = script
        self.regressions = int(getattr(script, "regressions", 0))
        self.bernoulli = bool(getattr(script, "bernoulli", False))

    def forward(self, *x: Tensor) -> Tensor:
        return self.script(*x)  # type: ignore[no-any-return]


class ExportedNetwork(nn.Module):
    """A program of ``torch.export`` as a network: it computes in the mode that it was exported in, and has no other."""

    def __init__(self, program: nn.Module) -> None:
        super().__init__()
        self.program = program

    def train(self, mode: bool = True) -> Self:
        """Change nothing: the program refuses."""
        self.training = mode
        return self

    def forward(self, *x: Tensor) -> Tensor:
        return self.program(*x)  # type: ignore[no-any-return]


def as_network(network: Network) -> nn.Module:
    """Return a module as it is, and wrap one of TorchScript or of ``torch.export``, or another callable.

    Raises:
        UserError: if it is none of them, or no network that can be asked.
    """
    if isinstance(network, torch.jit.ScriptModule):
        return ScriptNetwork(network)
    if isinstance(network, torch.fx.GraphModule) and "eval" in vars(network):
        return ExportedNetwork(network)
    if not callable(network):
        raise UserError(_no_network(network))
    return network if isinstance(network, nn.Module) else FunctionNetwork(network)


def _no_network(given: Any) -> str:
    """Say what to give in place of what cannot be called."""
    kind = type(given).__name__
    answers = next((name for name in ("predict_proba", "predict") if hasattr(given, name)), "")
    if answers:
        return f"{kind}: is no network; give a function that answers, as lambda x: model.{answers}(x.numpy())"
    if isinstance(given, list | tuple):
        return f"{kind}: is no network; an ensemble is zskt.ensemble.Ensemble([...])"
    return f"{kind}: is no network; give a torch.nn.Module, or a function of a batch that answers logits (B, K)"


def require_usable(role: str, network: nn.Module, *, learns: bool) -> None:
    """Raise `UserError` if a network has parameters that cannot be computed with.

    Args:
        learns: whether it is trained: its parameters may get their shapes from the first samples, and need gradients
            that Adam takes.
    """
    for name, parameter in network.named_parameters():
        if torch.nn.parameter.is_lazy(parameter):
            if learns:
                continue
            raise UserError(f"{role}: its parameter {name} has no shape yet; call it once on samples")
        if parameter.is_meta:
            raise UserError(f"{role}: its parameter {name} is on the device meta, which holds no numbers; load them")
        if parameter.is_inference():
            raise UserError(f"{role}: was made under torch.inference_mode(), whose parameters stay so; make it outside")
    sparse = [name for name, module in network.named_modules() if getattr(module, "sparse", False) is True]
    if learns and sparse:
        raise UserError(f"{role}: its layer {sparse[0]} has sparse gradients, which Adam refuses; make it sparse=False")


@contextmanager
def frozen(network: nn.Module) -> Iterator[nn.Module]:
    """Freeze a network and put it into evaluation mode; afterwards it is as it was."""
    trainable = [p for p in network.parameters() if p.requires_grad]
    with evaluating(network):
        for p in trainable:  # one by one: a module of TorchScript has no requires_grad_
            p.requires_grad_(False)
        try:
            yield network
        finally:
            for p in trainable:
                p.requires_grad_(True)


def read_loader(loader: Loader, name: str = "loader") -> Labelled:
    """Collect all batches of a loader; torch's random stream, from which a DataLoader draws, is left as it was.

    Where the last dimension varies, as that of jets, it is padded with zeros; images are not, whose zeros are pixels.
    Floating-point numbers of NumPy's become float32, as those that a function answers.

    Args:
        name: of the parameter that it was given as, for messages.

    Raises:
        UserError: if there are none, a batch is neither a tensor nor a tuple of tensors of as many samples, or batches
            do not fit together.
    """
    batches: Iterable[Any] = loader
    arrays = (Tensor, np.ndarray)
    if hasattr(loader, "to_numpy"):  # a table of pandas, which would yield the names of its columns
        raise UserError(f"{name}: is a {type(loader).__name__}; {instead_of(loader)}")
    if isinstance(loader, arrays) or (isinstance(loader, tuple) and all(isinstance(t, arrays) for t in loader)):
        batches = [loader]
    elif isinstance(loader, torch.utils.data.Dataset):
        batches = torch.utils.data.DataLoader(loader, PREDICT_BATCH)
    columns: list[Batch] = []
    with torch.random.fork_rng(devices=[]):
        for batch in _collated(batches, name):
            parts = (batch,) if isinstance(batch, arrays) else tuple(batch) if isinstance(batch, list | tuple) else ()
            x = tuple(as_tensor(part) for part in parts)
            if not x or not all(isinstance(t, Tensor) for t in x):
                raise UserError(f"{name}: {_oddity(batch, x)}")
            if len({t.shape[:1] for t in x}) > 1 or not x[0].dim():
                raise UserError(f"{name}: a batch has tensors of {shapes_of(x)}; give each of them as many samples")
            columns.append(x)
    if not sum(len(x[0]) for x in columns):
        raise UserError(f"{name}: it yields {'no samples' if columns else 'no batch'}; give one that does")
    try:
        x = tuple(_joined([t.detach().cpu() for t in parts]) for parts in zip(*columns, strict=True))
    except (RuntimeError, ValueError) as error:
        kinds = list(dict.fromkeys(shapes_of(tuple(t[:0] for t in x)) for x in columns))[:2]
        raise UserError(
            f"{name}: batches of {' and '.join(kinds)} do not fit together; only the last dimension may vary, and "
            "that of images may not"
        ) from error
    labelled = len(x) > 1 and x[-1].dim() == 1 and not x[-1].is_floating_point() and x[-1].dtype != torch.bool
    labels = x[-1].long() if labelled else torch.full((len(x[0]),), UNLABELLED)
    return Labelled(TensorSamples(x[:-1] if labelled else x), labels)


def _oddity(batch: Any, x: Sequence[Any]) -> str:
    """Say what a batch is, or has among its parts, that is no tensor, and what to give instead."""
    remedy = "yield a tensor, or a tuple of tensors"
    for i, part in enumerate(x):
        if not isinstance(part, Tensor):
            kind = f"{type(part).__name__}{f' of {part.dtype}' if hasattr(part, 'dtype') else ''}"
            are_labels = i == len(x) - 1 > 0 and getattr(part, "ndim", 0) == 1
            return f"a batch has a {kind}; {instead_of(part, are_labels=are_labels) or remedy}"
    return f"a batch is {type(batch).__name__}; {instead_of(batch) or remedy}"


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Return `join` of tensors; images of several widths raise `ValueError`: a network would see the padding."""
    if parts[0].dim() > 3 and len({t.shape[-1] for t in parts}) > 1:
        raise ValueError("images of several widths")
    return join(parts)


def _collated(batches: Iterable[Any], name: str) -> Iterator[Any]:
    """Yield batches; a line tells where PyTorch's loader cannot put samples together, as those that are no tensors.

    Args:
        name: as `read_loader` has it.

    Raises:
        UserError: if it cannot.
    """
    try:
        yield from batches
    except (TypeError, RuntimeError) as error:
        reason = str(error)
        if isinstance(batches, torch.utils.data.DataLoader) and "default_collate" in reason:
            kind = reason.rpartition("<class '")[2].partition("'")[0]
            raise UserError(
                f"{name}: its data set yields {kind}, not tensors; give it a transform that makes them, as "
                "torchvision.transforms.ToTensor()"
            ) from error
        if isinstance(batches, torch.utils.data.DataLoader) and "stack expects each tensor to be equal" in reason:
            raise UserError(f"{name}: its data set yields samples of several shapes; give it a transform") from error
        raise


def shapes_of(x: Batch) -> str:
    """Return the shapes of tensors, for messages."""
    return ", ".join(str(tuple(t.shape)) for t in x)


def precision_remedy(role: str, network: nn.Module, x: Batch, reason: str) -> str:
    """Say what to convert, the network or the samples, if it is their precision that does not fit; "" if it does.

    Args:
        role: of the network, for the message.
        reason: of its failure: whole numbers are what many a network takes.
    """
    of_network = {p.dtype for p in network.parameters() if p.is_floating_point()}
    of_samples = {t.dtype for t in x if t.is_floating_point()}
    if not of_network or (of_network <= of_samples and len(of_samples) == 1):
        return ""
    own = _name(next(iter(of_network - of_samples or of_network)))
    if of_samples and of_network != {torch.float32}:
        return f"its parameters are {own}, and the samples are not: give {role}.float()"
    if of_samples:
        return (
            f"its parameters are {own}, and the samples are {_name(next(iter(of_samples - of_network)))}: give "
            "samples.float()"
        )
    if "type" not in reason or "indices" in reason:
        return ""
    return (
        f"its parameters are {own}, and the samples are {_name(x[0].dtype)}: give samples.float(), scaled as it takes "
        "them"
    )


def _name(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")


def as_generator(source: Any) -> Generator:
    """Return a generator as it is; another source of pseudo-samples becomes one without parameters.

    Args:
        source: a `Generator`; an iterator of batches; a function of (count, rng) that returns a batch.

    Raises:
        UserError: if it is a network that is no `Generator`, which says nothing of its latent variables.
    """
    if isinstance(source, Generator):
        return source
    if isinstance(source, nn.Module):
        raise UserError(
            f"generator: {type(source).__name__} is no zskt.Generator; derive it from that class, set latent_size, and "
            "return zskt.PseudoBatch((x,)) from forward(z, rng)"
        )

    return iterated(source)


def as_device(device: str | torch.device) -> torch.device:
    """Return a device by its name.

    Raises:
        UserError: if there is no such device, or this machine has none.
    """
    try:
        found = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise UserError(f"device: {device!r} is none that PyTorch knows; take 'cpu', 'cuda' or 'cuda:0'") from error
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device: {found} is not on this machine, or PyTorch cannot use it; take 'cpu'")
    return found


def as_integer(name: str, value: Any) -> int:
    """Return a whole number as an int, that of NumPy too.

    Raises:
        UserError: if it is none.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise UserError(f"{name}: is {value!r}; give a whole number")
    return int(value)
