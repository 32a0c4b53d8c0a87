"""Read the options of weaver's networks off the names and shapes of their parameters.

What is fixed by the parameters need not be given: numbers of variables, classes, layers, heads and channels. Numbers of
neighbours and kinds of activation leave no trace in them.

Source: the constructors of ``weaver.nn.model`` of hqucms/weaver-core 0.5.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from torch import Tensor

from zskt.jets.preprocess import Preprocess

State = Mapping[str, Tensor]
NEIGHBOURS = {(64, 128, 256): 16, (32, 64): 7}
"""Channels of the blocks of weaver's examples and defaults -> number of neighbours that these have."""


def read_options(known: AbstractSet[str], state: State, preprocess: Preprocess) -> dict[str, Any]:
    """Return the options of a constructor that the parameters and the description fix.

    Args:
        known: names of the constructor's arguments.
        state: the parameters, without wrappers' names.
        preprocess: inputs and outputs.
    """
    options = {name: read(state) for name, read in READ.items() if name in known}
    options |= {name: len(preprocess.outputs) for name in ("num_classes",) if name in known and not _classes(state)}
    if "trim" in known:
        options["trim"] = False  # padding changes no answer, and the length stays the same
    return {name: value for name, value in options.items() if value is not None}


def _numbers(state: State, pattern: str) -> list[int]:
    """Return the sorted numbers that a pattern finds in names."""
    return sorted({int(match[1]) for name in state if (match := re.match(pattern, name))})


def _at_part(state: State) -> State:
    """Return the parameters of the transformer or graph network inside a tagger of several collections."""
    for prefix in ("part.", "pn."):
        inner = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
        if inner:
            return inner
    return state


def _width(*names: str) -> Callable[[State], int | None]:
    """Return a reader of how many channels the first of these parameters takes: its second, else its only axis."""

    def read(state: State) -> int | None:
        for name in names:
            if name in state:
                shape = state[name].shape
                return int(shape[1] if len(shape) > 1 else shape[0])
        return None

    return read


def _classes(state: State) -> int | None:
    """Return the number of outputs of the last linear layer."""
    layers = {name: value for name, value in _at_part(state).items() if re.match(r"fc\.\d+\.?.*weight$", name)}
    return int(next(reversed(layers.values())).shape[0]) if layers else None


def _embed_dims(state: State) -> tuple[int, ...] | None:
    """Return the widths of the embedding, whose linear or convolution layers are matrices."""
    start = next((p for p in ("embed.embed.", "pf_embed.embed.") if any(n.startswith(p) for n in state)), None)
    if start is None:
        return None
    weights = [v for n, v in state.items() if re.fullmatch(rf"{re.escape(start)}\d+\.weight", n) and v.dim() > 1]
    return tuple(len(w) for w in weights) or None


def _pair_layers(state: State) -> list[Tensor]:
    part = _at_part(state)
    names = [n for n in part if re.fullmatch(r"pair_embed\.(embed|fts_embed)\.\d+\.weight", n)]
    return [part[name] for name in names if part[name].dim() > 1]


def _pair_embed_dims(state: State) -> tuple[int, ...] | None:
    layers = _pair_layers(state)
    return tuple(len(layer) for layer in layers[:-1]) or None


def _num_heads(state: State) -> int | None:
    part, layers = _at_part(state), _pair_layers(state)
    if "blocks.0.c_attn" in part:
        return len(part["blocks.0.c_attn"])
    return len(layers[-1]) if layers else None


def _count(pattern: str) -> Callable[[State], int | None]:
    """Return a reader of the number of repetitions of a block in a transformer; None if it is no transformer."""

    def read(state: State) -> int | None:
        part = _at_part(state)
        if not any(name.startswith("blocks.0.") for name in part):
            return None
        return len(_numbers(part, pattern))

    return read


def _version(state: State) -> float | None:
    """Return the version of a ParticleTransformer, by what only that version has."""
    part = _at_part(state)
    if "blocks.0.fc1.weight" not in part:
        return None
    if "blocks.0.fc1_g.weight" not in part:
        return 1
    if "norm.bias" in part:
        return 2
    if "blocks.0.attn.gate_proj.weight" not in part:
        return 3
    return 3.5 if any(name.startswith("cls_blocks.") for name in part) else 3.6


def _fc_params(state: State) -> tuple[tuple[Any, ...], ...] | None:
    """Return the hidden layers of the head: channels and dropout, which is none in evaluation."""
    part = _at_part(state)
    hidden = [int(part[n].shape[0]) for n in part if re.fullmatch(r"fc\.\d+\.0\.weight", n)]
    swiglu = [int(part[n].shape[0]) for n in part if re.fullmatch(r"fc\.\d+\.0\.w3\.weight", n)]
    layers: list[tuple[Any, ...]] = [(channels, 0.0, "swiglu") for channels in swiglu]
    layers = layers or [(channels, 0.0) for channels in hidden]
    return tuple(layers) if layers or "fc.0.weight" in part else None


def conv_params(state: State) -> list[tuple[int, tuple[int, ...]]] | None:
    """Return neighbours and channels of a ParticleNet's blocks, the former as weaver's examples have them.

    None if it is no ParticleNet, or one of other channels: its numbers of neighbours are not known.
    """
    part = _at_part(state)
    blocks = _numbers(part, r"edge_convs\.(\d+)\.")
    channels = [
        tuple(len(v) for n, v in part.items() if re.fullmatch(rf"edge_convs\.{i}\.convs\.\d+\.weight", n))
        for i in blocks
    ]
    neighbours = NEIGHBOURS.get(tuple(c[-1] for c in channels if c))
    return None if not blocks or neighbours is None else [(neighbours, c) for c in channels]


def _has(name: str) -> Callable[[State], bool | None]:
    """Return a reader of whether a ParticleNet has a layer."""
    return lambda state: None if not _numbers(_at_part(state), r"edge_convs\.(\d+)\.") else name in _at_part(state)


READ: dict[str, Callable[[State], Any]] = {
    "input_dim": _width("embed.input_bn.weight", "embed.embed.0.weight"),
    "input_dims": _width("bn_fts.weight"),
    "pf_input_dim": _width("pf_embed.input_bn.weight", "pf_embed.embed.0.weight"),
    "sv_input_dim": _width("sv_embed.input_bn.weight", "sv_embed.embed.0.weight"),
    "pf_features_dims": _width("pf_conv.conv.0.weight"),
    "sv_features_dims": _width("sv_conv.conv.0.weight"),
    "num_classes": _classes,
    "embed_dims": _embed_dims,
    "pair_embed_dims": _pair_embed_dims,
    "num_heads": _num_heads,
    "num_layers": _count(r"blocks\.(\d+)\."),
    "num_cls_layers": _count(r"cls_blocks\.(\d+)\."),
    "version": _version,
    "fc_params": _fc_params,
    "conv_params": conv_params,
    "use_fusion": _has("fusion_block.0.weight"),
    "use_fts_bn": _has("bn_fts.weight"),
}
"""Option of a constructor -> how it is read off the parameters; None where they do not tell."""
