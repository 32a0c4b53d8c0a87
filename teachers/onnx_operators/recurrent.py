"""Recurrent layers of ONNX: LSTM, GRU and RNN, in one or both directions.

PyTorch's own layers run those that they can compute, a loop over the entries the others: sequences of different
lengths, peepholes, other activations, and gates of a GRU that reset before the product (as Keras has them by default).

Shapes: T entries, B jets, C variables, H hidden values, D directions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from teachers.onnx_operators.node import ConversionError, Node, Operator

Activation = Callable[[Tensor], Tensor]
ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "softsign": F.softsign, "softplus": F.softplus,
    "elu": F.elu, "hardsigmoid": lambda x: torch.clamp(0.2 * x + 0.5, 0, 1), "affine": lambda x: x,
}  # fmt: skip
DEFAULTS = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}
GATES = {"LSTM": [0, 2, 3, 1], "GRU": [1, 0, 2], "RNN": [0]}
"""Where PyTorch's gates (LSTM: i f g o, GRU: r z n) are in ONNX (i o f c, z r h)."""
LAYERS = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}


def recurrent(
    node: Node,
    x: Tensor,
    weight: Tensor,
    recurrence: Tensor,
    bias: Tensor | None = None,
    lengths: Tensor | None = None,
    hidden: Tensor | None = None,
    cell: Tensor | None = None,
    peephole: Tensor | None = None,
) -> tuple[Tensor, ...]:
    """Compute a recurrent layer.

    Args:
        x: (T, B, C), or (B, T, C) with layout 1.
        weight: (D, gates H, C).
        recurrence: (D, gates H, H).
        bias: (D, 2 gates H): of the weight, then of the recurrence.
        lengths: (B,).
        hidden: (D, B, H).
        cell: (D, B, H), of an LSTM.
        peephole: (D, 3 H), of an LSTM.

    Returns:
        All hidden values (T, D, B, H), the last ones (D, B, H) and, of an LSTM, the last cells.
    """
    batch_first = bool(node.get("layout", 0))
    if batch_first:
        x = x.transpose(0, 1)
        hidden, cell = (None if s is None else s.transpose(0, 1) for s in (hidden, cell))
    directions, size = recurrence.shape[0], recurrence.shape[2]
    bias = x.new_zeros(directions, 2 * weight.shape[1]) if bias is None else bias
    start = x.new_zeros(directions, x.shape[1], size)
    states = [start if hidden is None else hidden, start if cell is None else cell]
    everything = lengths is None or bool((lengths == len(x)).all())
    if everything and peephole is None and _is_standard(node, directions):
        outputs = _by_torch(node, x, weight, recurrence, bias, states)
    else:
        outputs = _by_loop(node, x, weight, recurrence, bias, states, None if everything else lengths, peephole)
    if batch_first:
        outputs = (outputs[0].permute(2, 0, 1, 3), *(o.transpose(0, 1) for o in outputs[1:]))
    return outputs


def _activations(node: Node, direction: int) -> list[str]:
    n = len(DEFAULTS[node.operator])
    names = node.get("activations") or DEFAULTS[node.operator] * 2
    return [name.decode() if isinstance(name, bytes) else name for name in names][direction * n : direction * n + n]


def _is_standard(node: Node, directions: int) -> bool:
    """Return whether PyTorch's own layer computes the same."""
    defaults = [DEFAULTS[node.operator]] + ([["relu"]] if node.operator == "RNN" else [])
    named = [[a.lower() for a in _activations(node, d)] for d in range(directions)]
    plain = named[0] in defaults and all(names == named[0] for names in named) and not node.get("clip")
    if node.operator == "GRU":
        return plain and bool(node.get("linear_before_reset", 0))
    return plain and not node.get("input_forget", 0)


def _by_torch(
    node: Node, x: Tensor, weight: Tensor, recurrence: Tensor, bias: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, ...]:
    directions, _, size = recurrence.shape
    backwards = node.get("direction") == "reverse"
    kind = {"bidirectional": directions == 2}
    more = {"nonlinearity": _activations(node, 0)[0].lower()} if node.operator == "RNN" else {}
    layer = LAYERS[node.operator](x.shape[2], size, **kind, **more, device="meta")
    order = GATES[node.operator]
    weights: dict[str, Tensor] = {}
    for d, suffix in zip(range(directions), ("", "_reverse"), strict=False):
        parts = (weight[d], recurrence[d], *bias[d].chunk(2))
        for name, part in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), parts, strict=True):
            gates = part.chunk(len(order))
            weights[f"{name}_l0{suffix}"] = torch.cat([gates[g] for g in order])
    state = tuple(s.contiguous() for s in states) if node.operator == "LSTM" else states[0].contiguous()
    y, last = torch.func.functional_call(layer, weights, (x.flip(0) if backwards else x, state))
    y = y.flip(0) if backwards else y
    y = torch.unflatten(y, 2, (directions, size)).transpose(1, 2)
    return (y, *last) if node.operator == "LSTM" else (y, last)


def _by_loop(
    node: Node, x: Tensor, weight: Tensor, recurrence: Tensor, bias: Tensor, states: Sequence[Tensor],
    lengths: Tensor | None, peephole: Tensor | None,
) -> tuple[Tensor, ...]:  # fmt: skip
    step = {"LSTM": _lstm_step, "GRU": _gru_step, "RNN": _rnn_step}[node.operator]
    outputs, lasts = [], []
    for d in range(recurrence.shape[0]):
        names = [name.lower() for name in _activations(node, d)]
        unknown = [name for name in names if name not in ACTIVATIONS]
        if unknown or node.get("activation_alpha") or node.get("activation_beta"):
            raise ConversionError(f"holds the operator {node.operator} with activations that PyTorch does not have")
        functions = [ACTIVATIONS[name] for name in names]
        backwards = d == 1 or node.get("direction") == "reverse"
        state = [s[d] for s in states]
        rows: list[Tensor] = [torch.empty(0)] * len(x)
        from_input, recurrent_bias = F.linear(x, weight[d], bias[d].chunk(2)[0]), bias[d].chunk(2)[1]
        for t in reversed(range(len(x))) if backwards else range(len(x)):
            new = step(node, from_input[t], state, recurrence[d], recurrent_bias, functions,
                       None if peephole is None else peephole[d])  # fmt: skip
            if lengths is not None:  # behind its end a sequence keeps its state, and its output is zero
                live = (t < lengths.to(x.device)).unsqueeze(1)
                state = [torch.where(live, n, s) for n, s in zip(new, state, strict=True)]
                rows[t] = torch.where(live, new[0], torch.zeros_like(new[0]))
            else:
                state, rows[t] = new, new[0]
        outputs.append(torch.stack(rows))
        lasts.append(state)
    final = [torch.stack(parts) for parts in zip(*lasts, strict=True)]
    return (torch.stack(outputs, 1), *(final if node.operator == "LSTM" else final[:1]))


def _clipped(node: Node, x: Tensor) -> Tensor:
    clip = node.get("clip")
    return x.clamp(-clip, clip) if clip else x


Step = tuple[Node, Tensor, list[Tensor], Tensor, Tensor, list[Activation], Tensor | None]


def _lstm_step(
    node: Node, x: Tensor, state: list[Tensor], recurrence: Tensor, bias: Tensor, functions: list[Activation],
    peephole: Tensor | None,
) -> list[Tensor]:  # fmt: skip
    f, g, h = functions
    hidden, cell = state
    i, o, forget, c = (x + F.linear(hidden, recurrence, bias)).chunk(4, 1)
    p_i, p_o, p_f = (0.0, 0.0, 0.0) if peephole is None else peephole.chunk(3)
    i = f(_clipped(node, i + p_i * cell))
    forget = 1 - i if node.get("input_forget", 0) else f(_clipped(node, forget + p_f * cell))
    cell = forget * cell + i * g(_clipped(node, c))
    return [f(_clipped(node, o + p_o * cell)) * h(cell), cell]


def _gru_step(
    node: Node, x: Tensor, state: list[Tensor], recurrence: Tensor, bias: Tensor, functions: list[Activation],
    peephole: Tensor | None,
) -> list[Tensor]:  # fmt: skip
    f, g = functions
    hidden, size = state[0], state[0].shape[1]
    both = x[:, : 2 * size] + F.linear(hidden, recurrence[: 2 * size], bias[: 2 * size])
    update, reset = f(_clipped(node, both)).chunk(2, 1)
    last, shift = recurrence[2 * size :], bias[2 * size :]
    if node.get("linear_before_reset", 0):
        inner = reset * F.linear(hidden, last, shift)
    else:
        inner = F.linear(reset * hidden, last, shift)
    new = g(_clipped(node, x[:, 2 * size :] + inner))
    return [(1 - update) * new + update * hidden, state[1]]


def _rnn_step(
    node: Node, x: Tensor, state: list[Tensor], recurrence: Tensor, bias: Tensor, functions: list[Activation],
    peephole: Tensor | None,
) -> list[Tensor]:  # fmt: skip
    return [functions[0](_clipped(node, x + F.linear(state[0], recurrence, bias))), state[1]]


OPERATORS: dict[str, Operator] = dict.fromkeys(("LSTM", "GRU", "RNN"), recurrent)
