"""How a network of vectors standardises its features: mean and spread of the samples that it was trained on.

Scikit-learn's `StandardScaler`, Keras's `Normalization`, a first `BatchNorm1d`, buffers of one's own: each takes a
number from a feature and divides it by another, before anything else is done. The network is run once and watched,
operator by operator, so that the format of its file does not matter.

Shapes: B samples, F features.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

SAME = (
    "_to_copy", "clone", "detach", "alias", "view", "_unsafe_view", "_reshape_alias", "native_dropout",
    "clamp", "nan_to_num", "where", "cat", "split", "slice",
)  # fmt: skip
"""Operators that leave usual numbers as they are: some replace what is missing or far out, the last ones put batches
together and apart."""
BATCH_NORMS = ("native_batch_norm", "cudnn_batch_norm", "_native_batch_norm_legit_no_training")
MEAN, VARIANCE = 3, 4
"""Where running statistics stand among the arguments of a batch normalisation."""


@torch.no_grad()
def standardisation(network: nn.Module, x: Tensor) -> tuple[list[float], list[float]] | None:
    """Return mean and spread that a network takes its features to have, F numbers each; None if it does not say.

    Args:
        network: called with x, (B, F).
    """
    watched = Watched(x)
    try:
        with watched:
            network(x)
    except Exception:  # networks raise whatever their operators do; another caller tells what
        return None
    return watched.moments()


def scaler(model: Any) -> tuple[list[float], list[float]] | None:
    """Return the same of an ONNX graph whose first operator is a `Scaler` of ONNX-ML, whatever comes behind it."""
    fed = {i.name for i in model.graph.input}
    for node in model.graph.node:
        if not set(node.input) & fed:
            continue
        if node.op_type != "Scaler":
            if node.op_type not in ("Cast", "Identity"):
                return None
            fed |= set(node.output)
            continue
        offset, scale = ([*a.floats] for name in ("offset", "scale") for a in node.attribute if a.name == name)
        divides = len(offset) == len(scale) and all(scale) and any(abs(s) != 1 for s in scale)
        return (offset, [1 / abs(s) for s in scale]) if divides else None
    return None


class Watched(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follow x through products and sums: what has become of it is ``factor`` x + ``offset``, (F,) each."""

    def __init__(self, x: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now, self.over = x, False
        self.factor, self.offset = torch.ones(x.shape[1]).double(), torch.zeros(x.shape[1]).double()
        self.seen: set[str] = set()
        """Whether a number of each feature was added, and whether it was multiplied by one."""
        self.statistics: tuple[Tensor, Tensor] | None = None
        """Running mean and variance of what has become of x, where a batch normalisation knows them."""

    def moments(self) -> tuple[list[float], list[float]] | None:
        """Return mean and spread of x; None if it was not divided by anything."""
        mean, variance = self.statistics or (torch.zeros_like(self.offset), torch.ones_like(self.offset))
        if not self.factor.all() or not (self.factor.isfinite().all() and self.offset.isfinite().all()):
            return None
        if self.statistics is None and (self.factor.abs() == 1).all():
            return None
        return ((mean - self.offset) / self.factor).tolist(), (variance.sqrt() / self.factor.abs()).tolist()

    def __torch_dispatch__(self, operator: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operator, and look at it if it makes something of what has become of x."""
        answer = operator(*args, **(kwargs or {}))
        made = answer[0] if isinstance(answer, tuple | list) and answer else answer
        given = [t for a in args for t in (a if isinstance(a, list) else [a])]
        is_number = isinstance(made, Tensor) and made.is_floating_point()
        if not self.over and is_number and any(t is self.now for t in given):
            is_other = (kwargs or {}).get("alpha", 1) != 1 or made.dim() != 2 or made.shape[1:] != self.offset.shape
            self.over = is_other or not self._follow(operator.overloadpacket.__name__.rstrip("_"), args)
            self.now = made
        return answer

    def _follow(self, name: str, args: Any) -> bool:
        """Take one operator into account; whether there may be more of the standardisation behind it.

        One sum and one product with a number of each feature are a standardisation; what comes behind is learned.
        """
        if name in SAME:
            return True
        if name in BATCH_NORMS and args[0] is self.now:
            self.statistics = args[MEAN].double(), args[VARIANCE].double()
            return False
        if name not in ("add", "sub", "mul", "div", "rsub") or len(args) < 2:
            return False
        first = args[0] is self.now
        number = self._number(args[1] if first else args[0])
        if number is None or (name == "div" and not first):
            return False
        kind = "product" if name in ("mul", "div") else "sum"
        if number.numel() == len(self.offset):
            if kind in self.seen:
                return False
            self.seen.add(kind)
        if kind == "product":
            factor = number if name == "mul" else 1 / number
            self.factor, self.offset = self.factor * factor, self.offset * factor
        else:
            turned = -1.0 if name == "rsub" or (name == "sub" and not first) else 1.0
            self.factor, self.offset = turned * self.factor, turned * self.offset
            self.offset = self.offset + (-number if name == "sub" and first else number)
        return len(self.seen) < 2

    def _number(self, value: Any) -> Tensor | None:
        """Return an operand as a number for each feature, (F,), or for all, (1,); None if it is none."""
        number = torch.as_tensor(value).double()
        if number.numel() not in (1, len(self.offset)) or (number.dim() and number.shape[-1] != number.numel()):
            return None
        return number.flatten()
