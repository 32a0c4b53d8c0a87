"""ONNX graphs run by PyTorch, node after node, so that gradients flow to their inputs.

What depends on constants alone is computed once. Shapes are computed on the CPU, on whatever device the network is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from teachers.onnx_operators import find
from teachers.onnx_operators.elementwise import PLAIN
from teachers.onnx_operators.node import ConversionError, Node, read_node, read_tensor, torch_dtype
from teachers.onnx_operators.reductions import GUARDED
from teachers.onnx_operators.shapes import SHAPE_INPUTS
from zskt.number_types import as_type

LARGEST_FOLDED = 2**24
"""Number of entries up to which a constant is computed beforehand."""
BRANCHES = {"If": ("then_branch", "else_branch"), "Loop": ("body",), "Scan": ("body",)}
"""Operators that hold graphs, and the attributes where those are."""
Values = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """A node, the names of what it takes and gives, and of what nobody needs after it."""

    domain: str
    node: Node
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    finished: tuple[str, ...] = ()
    on_cpu: bool = False
    """It computes with shapes alone."""


class GraphNetwork(nn.Module):
    """A graph of ONNX as a module: the same inputs, and the same outputs as a tuple.

    Args:
        graph: the graph; numbers of 16 bits are computed in 32.
        versions: the version of each domain of operators.
        outer: names of the graph around it, as they are in a run, if it is a branch.
        outer_constants: those of them that are constants.

    Raises:
        ConversionError: if an operator is not known.
    """

    def __init__(
        self,
        graph: onnx.GraphProto,
        versions: Mapping[str, int],
        outer: Mapping[str, str] | None = None,
        outer_constants: Mapping[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleDict()
        self.numbers: dict[str, Tensor] = {}
        """Constants that stay on the CPU: shapes, axes and single numbers."""
        names = _Names(outer or {})
        constants: dict[str, Tensor] = dict(outer_constants or {})
        inherited = set(constants)
        for proto in graph.initializer:
            constants[names.define(proto.name)] = read_tensor(proto)
        weights = {proto.name for proto in graph.initializer}
        inputs = [i for i in graph.input if i.name not in weights]
        self.inputs = tuple(names.define(i.name) for i in inputs)
        self.types = tuple(torch_dtype(i.type.tensor_type.elem_type or onnx.TensorProto.FLOAT) for i in inputs)
        steps = self._steps(graph, versions, names, constants)
        self.outputs = tuple(names.of(o.name) for o in graph.output)
        self.steps = _with_ends(steps, {*self.outputs, *self.inputs}, self.needed_by)
        self._keep(constants, inherited)

    def _steps(
        self, graph: onnx.GraphProto, versions: Mapping[str, int], names: _Names, constants: dict[str, Tensor]
    ) -> list[Step]:
        """Read the nodes; compute those whose inputs are constants, into ``constants``."""
        steps: list[Step] = []
        shapes: set[str] = set()  # names of what is computed from shapes and constants
        guarded = {proto.input[0] for proto in graph.node if proto.op_type == "IsNaN"}
        for proto in graph.node:
            version = versions.get(proto.domain, 1)
            taken = tuple(names.of(name) if name else "" for name in proto.input)
            while taken and not taken[-1]:
                taken = taken[:-1]
            held = BRANCHES.get(proto.op_type, ()) if proto.domain in ("", "ai.onnx") else ()
            graphs = {a.name: a.g for a in proto.attribute if a.name in held}
            node = read_node(proto, version)
            if proto.op_type == "Softmax" and proto.output[0] in guarded:
                node.attributes[GUARDED] = True
            given = tuple(names.define(name) if name else "" for name in proto.output)
            if proto.op_type == "Constant":
                constants[given[0]] = _constant(node)
                continue
            if not held and find(proto.domain, proto.op_type) is None and not _is_plain(proto.domain, proto.op_type):
                raise ConversionError(f"holds the operator {_full_name(proto)}")
            for name, branch in graphs.items():
                self.branches[f"{given[0]}_{name}"] = GraphNetwork(branch, versions, names.known, constants)
                del node.attributes[name]
            from_shapes = all(name in shapes or name in constants for name in taken if name)
            on_cpu = proto.op_type in ("Shape", "Size") or (from_shapes and not held)
            step = Step(proto.domain, node, taken, given, on_cpu=on_cpu)
            if not held and all(name in constants for name in taken if name) and _fold(step, constants):
                continue
            shapes.update(given if on_cpu else ())
            steps.append(step)
        return steps

    def _keep(self, constants: Mapping[str, Tensor], inherited: set[str]) -> None:
        """Keep the constants that are used: as buffers, or as `numbers` where they are read on the CPU."""
        for step in self.steps:
            for i, name in enumerate(step.inputs):
                if name not in constants or name in inherited:
                    continue
                read = step.on_cpu or i in SHAPE_INPUTS.get(step.node.operator, ()) or constants[name].ndim == 0
                if read:
                    self.numbers[name] = constants[name]
                else:
                    self.register_buffer(name, constants[name])
        inner = {name for step in self.steps for name in self.needed_by(step)} | set(self.outputs)
        for name in inner - inherited:
            if name in constants and name not in self.numbers:
                self.register_buffer(name, constants[name])

    def needed_by(self, step: Step) -> set[str]:
        """Return the names that the branches of a step take from around them."""
        found: set[str] = set()
        for key, branch in self.branches.items():
            if key.startswith(f"{step.outputs[0]}_"):
                assert isinstance(branch, GraphNetwork)
                own = {*branch.inputs, *(name for s in branch.steps for name in s.outputs)}
                used = {name for s in branch.steps for name in (*s.inputs, *branch.needed_by(s))}
                found |= {name for name in used | set(branch.outputs) if name} - own
        return found

    def forward(self, *x: Tensor) -> tuple[Tensor, ...]:
        """Run the graph on its inputs, in its own order; they become of its types."""
        device = x[0].device if x else torch.device("cpu")
        fed = {name: as_type(t, dtype) for name, t, dtype in zip(self.inputs, x, self.types, strict=True)}
        outputs = self.run(fed, device)
        return tuple(o.to(device) if isinstance(o, Tensor) else o for o in outputs)

    def run(self, values: Values, device: torch.device) -> list[Any]:
        """Run the graph on named values, those around a branch among them."""
        moved: Values = {**self.numbers, **self._buffers}
        values = {**values, **moved}
        for step in self.steps:
            operator = step.node.operator
            inputs = [values[name] if name else None for name in step.inputs]
            if device.type != "cpu":
                inputs = _on_one_device(step, inputs, device)
            if operator in BRANCHES and not step.domain:
                result = self._run_branches(step, inputs, values, device)
            elif operator in PLAIN and not step.domain:
                result = PLAIN[operator](*inputs)
            else:
                function = find(step.domain, operator)
                assert function is not None
                result = function(step.node, *inputs)
            if len(step.outputs) == 1 and not isinstance(result, tuple):
                values[step.outputs[0]] = result
            else:
                results = result if isinstance(result, (tuple, list)) else (result,)
                values.update({name: r for name, r in zip(step.outputs, results, strict=False) if name})
            for name in step.finished:
                values.pop(name, None)
        return [values[name] for name in self.outputs]

    def _run_branches(self, step: Step, inputs: Sequence[Any], values: Values, device: torch.device) -> tuple[Any, ...]:
        branches = {key: self.branches[f"{step.outputs[0]}_{key}"] for key in BRANCHES[step.node.operator]}
        graphs = {key: branch for key, branch in branches.items() if isinstance(branch, GraphNetwork)}
        if step.node.operator == "If":
            return tuple(graphs["then_branch" if bool(inputs[0]) else "else_branch"].run(values, device))
        body = graphs["body"]
        return _loop(step, body, inputs, values, device) if step.node.operator == "Loop" else _scan(
            step, body, inputs, values, device
        )  # fmt: skip


def _loop(
    step: Step, body: GraphNetwork, inputs: Sequence[Any], values: Values, device: torch.device
) -> tuple[Any, ...]:
    """Run a loop: outputs of its body are whether to go on, what is carried on, and a row of each result."""
    most, go_on, *carried = [*inputs, None][: max(len(inputs), 2)]
    rows: list[list[Tensor]] = []
    turn = 0
    while (most is None or turn < int(most)) and (go_on is None or bool(go_on)):
        named = dict(zip(body.inputs, (torch.tensor(turn), torch.tensor(True), *carried), strict=True))
        go_on, *results = body.run({**values, **named}, device)
        carried, row = results[: len(carried)], results[len(carried) :]
        rows.append(row)
        turn += 1
    if not rows and len(step.outputs) > len(carried):
        raise ConversionError("holds a Loop that makes no turn")
    return (*carried, *(torch.stack(column) for column in zip(*rows, strict=True)))


def _scan(
    step: Step, body: GraphNetwork, inputs: Sequence[Any], values: Values, device: torch.device
) -> tuple[Any, ...]:
    """Run a scan: a loop over the rows of its last inputs."""
    node, n = step.node, step.node.get("num_scan_inputs")
    state, scanned = list(inputs[: len(inputs) - n]), list(inputs[len(inputs) - n :])
    axes, backwards = node.get("scan_input_axes", [0] * n), node.get("scan_input_directions", [0] * n)
    given = len(step.outputs) - len(state)
    out_axes, out_backwards = node.get("scan_output_axes", [0] * given), node.get("scan_output_directions", [0] * given)
    rows: list[list[Tensor]] = []
    columns = [x.flip(a).unbind(a) if b else x.unbind(a) for x, a, b in zip(scanned, axes, backwards, strict=True)]
    for row in zip(*columns, strict=True):
        results = body.run({**values, **dict(zip(body.inputs, (*state, *row), strict=True))}, device)
        state = results[: len(state)]
        rows.append(results[len(state) :])
    stacked = [
        torch.stack(column[::-1] if b else column, a)
        for column, a, b in zip(zip(*rows, strict=True), out_axes, out_backwards, strict=True)
    ]
    return (*state, *stacked)


class _Names:
    """Names of values as they are in a run: short ones, each given once, which a module can have as a buffer's."""

    count = 0

    def __init__(self, outer: Mapping[str, str]) -> None:
        self.known = dict(outer)

    def define(self, name: str) -> str:
        _Names.count += 1
        self.known[name] = f"v{_Names.count}"
        return self.known[name]

    def of(self, name: str) -> str:
        if name not in self.known:
            raise ConversionError(f"uses {name}, which nothing computes")
        return self.known[name]


def _full_name(node: onnx.NodeProto) -> str:
    return f"{node.op_type} of {node.domain}" if node.domain not in ("", "ai.onnx") else node.op_type


def _is_plain(domain: str, operator: str) -> bool:
    return domain in ("", "ai.onnx") and operator in PLAIN


def _constant(node: Node) -> Tensor:
    """Return the value of a constant, which is in one of several attributes."""
    for name, value in node.attributes.items():
        if isinstance(value, Tensor):
            return value
        if name in ("value_float", "value_floats"):
            return torch.tensor(value, dtype=torch.float32)
        if name in ("value_int", "value_ints"):
            return torch.tensor(value, dtype=torch.long)
    raise ConversionError(f"holds a constant of another kind than numbers ({', '.join(node.attributes)})")


def _fold(step: Step, constants: dict[str, Tensor]) -> bool:
    """Compute a step of constants into them; return whether it could be done."""
    inputs = [constants[name] if name else None for name in step.inputs]
    with torch.no_grad():
        try:
            plain = PLAIN.get(step.node.operator) if not step.domain else None
            function = find(step.domain, step.node.operator)
            result = plain(*inputs) if plain else function(step.node, *inputs) if function else None
        except Exception:  # it is told when the graph is run
            return False
    results = result if isinstance(result, (tuple, list)) else (result,)
    if any(not isinstance(r, Tensor) or r.numel() > LARGEST_FOLDED for r in results):
        return False
    constants.update({name: r.contiguous() for name, r in zip(step.outputs, results, strict=False) if name})
    return True


def _with_ends(steps: Sequence[Step], kept: set[str], needed_by: Any) -> list[Step]:
    """Note after which step each value is not needed any more."""
    seen, ended = set(kept), []
    for step in reversed(steps):
        used = {name for name in step.inputs if name} | needed_by(step)
        unused = {name for name in step.outputs if name} - seen
        ended.append(
            Step(step.domain, step.node, step.inputs, step.outputs, tuple((used - seen) | unused), step.on_cpu)
        )
        seen |= used
    return ended[::-1]


def _on_one_device(step: Step, inputs: Sequence[Any], device: torch.device) -> list[Any]:
    """Move inputs to the device, unless they are numbers that the operator reads on the CPU."""
    if step.on_cpu:
        return list(inputs)
    read = SHAPE_INPUTS.get(step.node.operator, ())
    return [x if i in read or not isinstance(x, Tensor) or x.ndim == 0 else x.to(device) for i, x in enumerate(inputs)]
