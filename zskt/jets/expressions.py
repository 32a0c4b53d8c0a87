"""Expressions of weaver's data configurations: parsed with Python's `ast`, computed in torch, never evaluated as code.

Weaver (hqucms/weaver-core, `weaver/utils/data/tools.py`) gives the text of ``new_variables`` to Python with the names
of columns, ``np``, ``ak`` and ``math``. Here the text is a tree of the operators and functions below, and nothing else.

Shapes: whatever the columns have; they are broadcast as torch does.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

MODULES = ("np", "numpy", "ak", "awkward", "awkward0", "math")
"""Modules whose functions an expression may call."""
CONSTANTS: dict[str, float] = {
    "pi": math.pi, "e": math.e, "inf": math.inf, "Inf": math.inf, "nan": math.nan, "NaN": math.nan,
}  # fmt: skip
LARGE = 1e30
"""What infinite results become, so that bounds clip them as numpy would."""


class FiniteGradient(torch.autograd.Function):
    """Identity whose gradient is zero where it is not finite: at the logarithm of zero, say, or the root."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Return the argument."""
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """Return the gradient without NaN and infinities."""
        return torch.where(torch.isfinite(gradient), gradient, torch.zeros_like(gradient))


def _number(x: Tensor) -> Tensor:
    return x.float() if x.dtype == torch.bool else x


def _clip(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(x, low), high)


def _where(condition: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return torch.where(condition.bool(), a, b)


Function = Callable[..., Tensor]

ONE_ARGUMENT: dict[str, Function] = {
        "log": torch.log, "log2": torch.log2, "log10": torch.log10, "log1p": torch.log1p, "exp": torch.exp,
        "expm1": torch.expm1, "sqrt": torch.sqrt, "square": torch.square, "abs": torch.abs, "absolute": torch.abs,
        "fabs": torch.abs, "sign": torch.sign, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
        "arcsin": torch.asin, "arccos": torch.acos, "arctan": torch.atan, "sinh": torch.sinh, "cosh": torch.cosh,
        "tanh": torch.tanh, "arcsinh": torch.asinh, "arccosh": torch.acosh, "arctanh": torch.atanh,
        "asinh": torch.asinh, "atanh": torch.atanh, "atan": torch.atan, "floor": torch.floor, "ceil": torch.ceil,
        "rint": torch.round, "round": torch.round, "trunc": torch.trunc, "negative": torch.neg,
        "reciprocal": torch.reciprocal, "nan_to_num": torch.nan_to_num, "ones_like": torch.ones_like,
        "zeros_like": torch.zeros_like,
        "deg2rad": torch.deg2rad, "logical_not": lambda x: ~x.bool(), "isfinite": torch.isfinite,
        "isnan": torch.isnan, "isinf": torch.isinf, "float": lambda x: x, "int": torch.trunc,
}  # fmt: skip
TWO_ARGUMENTS: dict[str, Function] = {
        "arctan2": torch.atan2, "atan2": torch.atan2, "hypot": torch.hypot, "maximum": torch.maximum,
        "minimum": torch.minimum, "power": torch.pow, "pow": torch.pow, "divide": torch.true_divide,
        "true_divide": torch.true_divide, "add": torch.add, "subtract": torch.sub, "multiply": torch.mul,
        "mod": torch.remainder, "remainder": torch.remainder, "fmod": torch.fmod,
        "full_like": lambda x, value: torch.zeros_like(x) + value, "fill_none": lambda x, value: x,
        "logical_and": lambda a, b: a.bool() & b.bool(), "logical_or": lambda a, b: a.bool() | b.bool(),
        "logical_xor": lambda a, b: a.bool() ^ b.bool(), "equal": torch.eq, "not_equal": torch.ne,
        "greater": torch.gt, "greater_equal": torch.ge, "less": torch.lt, "less_equal": torch.le,
}  # fmt: skip
FUNCTIONS: dict[str, tuple[int, Function]] = {
    **{name: (1, function) for name, function in ONE_ARGUMENT.items()},
    **{name: (2, function) for name, function in TWO_ARGUMENTS.items()},
    "clip": (3, _clip),
    "_clip": (3, _clip),
    "where": (3, _where),
}
"""Functions by name: their number of arguments, and what computes them."""
KEYWORDS = (("a_min", "a_max"), ("min", "max"), ("a_max",), ("max",))
"""Names of arguments, as far as they say no more than the order."""
BINARY: dict[type[ast.operator], Callable[..., Tensor]] = {
    ast.Add: torch.add, ast.Sub: torch.sub, ast.Mult: torch.mul, ast.Div: torch.true_divide, ast.Pow: torch.pow,
    ast.Mod: torch.remainder, ast.FloorDiv: torch.floor_divide,
    ast.BitAnd: lambda a, b: a.bool() & b.bool(), ast.BitOr: lambda a, b: a.bool() | b.bool(),
    ast.BitXor: lambda a, b: a.bool() ^ b.bool(),
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], Callable[..., Tensor]] = {
    ast.Lt: torch.lt, ast.LtE: torch.le, ast.Gt: torch.gt, ast.GtE: torch.ge, ast.Eq: torch.eq, ast.NotEq: torch.ne,
}  # fmt: skip


@dataclass(frozen=True)
class Expression:
    """An expression of columns.

    Args:
        text: as a file has it.

    Raises:
        ValueError: if it is no expression of the operators and functions that are known; the message names the first
            part that is not.
    """

    text: str

    def __post_init__(self) -> None:
        _require_known(self._tree)

    @cached_property
    def _tree(self) -> ast.expr:
        try:
            return ast.parse(" ".join(self.text.split()), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ValueError("what can be read as an expression") from error

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that it is made of, each once."""
        return tuple(dict.fromkeys(_columns(self._tree)))

    def __call__(self, columns: Mapping[str, Tensor]) -> Tensor:
        """Compute the expression, with gradients that are finite everywhere.

        Args:
            columns: a tensor for each of `names`, of shapes that can be broadcast.
        """
        like = next(iter(columns.values()), torch.zeros(()))
        return _compute(self._tree, columns, like)


def _columns(node: ast.expr) -> list[str]:
    """List the names in a tree that are no functions, modules or constants."""
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return []
    below = [*node.args] if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
    below += [k.value for k in node.keywords] if isinstance(node, ast.Call) else []
    return [name for child in below if isinstance(child, ast.expr) for name in _columns(child)]


def _function(node: ast.Call) -> str:
    """Return the name of a called function: "log" of np.log, "ones_like" of awkward.JaggedArray.ones_like."""
    function: ast.expr = node.func
    if isinstance(function, ast.Name):
        return function.id
    name = function.attr if isinstance(function, ast.Attribute) else ""
    while isinstance(function, ast.Attribute):
        function = function.value
    return name if isinstance(function, ast.Name) and function.id in MODULES else ast.unparse(node.func)


def _arguments(node: ast.Call) -> list[ast.expr]:
    return [*node.args, *(keyword.value for keyword in node.keywords)]


def _is_truth(node: ast.expr) -> bool:
    """Return whether a tree is true or false: what ~ and & mean of numbers depends on how they are stored."""
    match node:
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not() | ast.Invert()) | ast.Constant(value=bool()):
            return True
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor()):
            return True
        case ast.Call():
            name = _function(node)
            return name.startswith(("logical_", "is")) or name in ("equal", "not_equal", "greater", "less")
    return False


def _require_known(node: ast.expr) -> None:
    """Raise `ValueError`, which names it, at the first part of a tree that is not known."""
    match node:
        case ast.Constant(value=bool() | int() | float()) | ast.Name():
            return
        case ast.Attribute(value=ast.Name(id=module), attr=attribute) if module in MODULES and attribute in CONSTANTS:
            return
        case ast.UnaryOp(op=ast.Invert(), operand=operand) if not _is_truth(operand):
            raise ValueError(f"the bits of {ast.unparse(operand)}")
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() | ast.BitXor()):
            for side in (node.left, node.right):
                if not (_is_truth(side) or isinstance(side, ast.Name)):
                    raise ValueError(f"the bits of {ast.unparse(side)}")
        case ast.UnaryOp() | ast.BoolOp():
            pass
        case ast.BinOp(op=operator) if type(operator) in BINARY:
            pass
        case ast.Compare(ops=ops) if all(type(operator) in COMPARISONS for operator in ops):
            pass
        case ast.IfExp():
            pass
        case ast.Call():
            count, _ = FUNCTIONS.get(_function(node), (-1, None))
            if count < 0:
                raise ValueError(f"the function {_function(node)}")
            keywords = tuple(keyword.arg for keyword in node.keywords)
            if count != len(_arguments(node)) or (keywords and (count != 3 or keywords not in KEYWORDS)):
                raise ValueError(f"the function {ast.unparse(node)}")
        case _:
            raise ValueError(ast.unparse(node))
    below = _arguments(node) if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
    for child in below:
        if isinstance(child, ast.expr):
            _require_known(child)


def _apply(function: Callable[..., Tensor], *arguments: Tensor) -> Tensor:
    safe = [FiniteGradient.apply(a) if a.requires_grad else a for a in arguments]
    return function(*safe)


def _compute(node: ast.expr, columns: Mapping[str, Tensor], like: Tensor) -> Tensor:
    """Compute a tree whose parts are known; truth values are numbers wherever they are counted with."""

    def of(child: ast.expr) -> Tensor:
        return _compute(child, columns, like)

    match node:
        case ast.Constant(value=value):
            return torch.tensor(float(value), dtype=like.dtype, device=like.device)  # type: ignore[arg-type]
        case ast.Name(id=name):
            return columns[name]
        case ast.Attribute(attr=name):
            return torch.tensor(CONSTANTS[name], dtype=like.dtype, device=like.device)
        case ast.UnaryOp(op=ast.USub()):
            return -_number(of(node.operand))
        case ast.UnaryOp(op=ast.UAdd()):
            return _number(of(node.operand))
        case ast.UnaryOp():
            return ~of(node.operand).bool()
        case ast.BinOp(op=operator):
            return _apply(BINARY[type(operator)], _number(of(node.left)), _number(of(node.right)))
        case ast.BoolOp(op=operator):
            truths = [of(value).bool() for value in node.values]
            combine = torch.logical_and if isinstance(operator, ast.And) else torch.logical_or
            result = truths[0]
            for truth in truths[1:]:
                result = combine(result, truth)
            return result
        case ast.Compare():
            values = [_number(of(child)) for child in (node.left, *node.comparators)]
            pairs = zip(node.ops, values, values[1:], strict=False)
            steps = [COMPARISONS[type(operator)](a, b) for operator, a, b in pairs]
            result = steps[0]
            for step in steps[1:]:
                result = result & step
            return result
        case ast.IfExp():
            return _where(of(node.test), _number(of(node.body)), _number(of(node.orelse)))
        case ast.Call():
            _, function = FUNCTIONS[_function(node)]
            return _apply(function, *(_number(of(child)) for child in _arguments(node)))
    raise AssertionError(ast.unparse(node))
