"""Rebuild CMS's ParticleNets from ONNX as our own class: the same outputs as a converted graph, in less time.

The graph says what the network is: convolutions in the order of the class's own code, normalisations behind them
folded already or not, and the number of neighbours in the shapes of its searches. The rebuilt network is used only if
it gives the same outputs.

Shapes: B jets, C channels, k neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from zskt.jets.preprocess import InputGroup
from zskt.networks.folding import fold_into_weights
from zskt.networks.particlenet import EdgeConv
from zskt.networks.weaver import REBUILD_TOLERANCE, WeaverTagger
from zskt.outputs import largest_differences


def rebuild(model: onnx.ModelProto, groups: Sequence[InputGroup], neighbours: Sequence[int]) -> WeaverTagger | None:
    """Rebuild the network of a graph, folded; return None if it is another architecture.

    Args:
        groups: its inputs in its own order: points, features and mask of each collection.
        neighbours: k of each neighbour search, in the order of the graph.
    """
    parts = [group.plain_name.rsplit("_", 1) for group in groups]
    if [part[-1] for part in parts] != ["points", "features", "mask"] * (len(parts) // 3):
        return None
    collections = [part[0] for part in parts[::3]]
    try:
        convs, input_norms, linear = _layers(model)
        first, others = convs[: len(collections)], convs[len(collections) :]
        blocks, fusion = _blocks(others)
        edge_convs = [(k, [len(w) for w, _ in edges]) for k, (edges, _) in zip(neighbours, blocks, strict=True)]
        shapes = [(n, w.shape[1], w.shape[0]) for n, (w, _) in zip(collections, first, strict=True)]
        (hidden, _), (last, _) = linear
        network = WeaverTagger(
            shapes,
            edge_convs,
            len(fusion[0]),
            len(hidden),
            len(last),
            softmax=model.graph.node[-1].op_type == "Softmax",
        )
        with torch.no_grad():
            _fill(network, collections, first, input_norms, blocks, fusion, linear)
    except (ValueError, IndexError, KeyError, RuntimeError):
        return None
    return network.eval().requires_grad_(False)


Layer = tuple[Tensor, Tensor]
"""Weight (C', C) and bias (C',)."""


def _layers(model: onnx.ModelProto) -> tuple[list[Layer], list[nn.BatchNorm1d], list[Layer]]:
    """Read the convolutions with the normalisations behind them folded, other normalisations, and the last layers."""
    weights = {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()) for i in model.graph.initializer}
    norms_by_input = {node.input[0]: node for node in model.graph.node if node.op_type == "BatchNormalization"}
    convs, linear, used = [], [], set()
    for node in model.graph.node:
        if node.op_type == "Conv":
            weight = weights[node.input[1]]
            bias = weights[node.input[2]] if len(node.input) > 2 else None
            norm = norms_by_input.get(node.output[0])
            if norm is not None:
                used.add(norm.output[0])
                weight, bias = fold_into_weights(weight, bias, _norm(norm, weights))
            convs.append((weight, torch.zeros(len(weight)) if bias is None else bias))
        elif node.op_type == "Gemm":
            linear.append((weights[node.input[1]], weights[node.input[2]]))
    input_norms = [_norm(node, weights) for node in norms_by_input.values() if node.output[0] not in used]
    return convs, input_norms, linear


def _norm(node: onnx.NodeProto, weights: dict[str, Tensor]) -> nn.BatchNorm1d:
    """Read a normalisation."""
    names = ("weight", "bias", "running_mean", "running_var")
    state = {name: weights[key] for name, key in zip(names, node.input[1:5], strict=True)}
    epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
    norm = nn.BatchNorm1d(len(state["weight"]), eps=epsilon)
    norm.load_state_dict(state | {"num_batches_tracked": torch.tensor(0)})
    return norm


def _blocks(convs: Sequence[Layer]) -> tuple[list[tuple[list[Layer], Layer | None]], Layer]:
    """Group convolutions by block: those of edges (C', C, 1, 1) and the shortcut (C', C, 1); return the fusion, too."""
    blocks: list[tuple[list[Layer], Layer | None]] = []
    edges: list[Layer] = []
    for layer in convs[:-1]:
        if layer[0].ndim == 4:
            if edges and layer[0].shape[1] != edges[-1][0].shape[0]:  # a block without shortcut ended before
                blocks.append((edges, None))
                edges = []
            edges.append(layer)
        else:
            blocks.append((edges, layer))
            edges = []
    return [*blocks, *([(edges, None)] if edges else [])], convs[-1]


def _set(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    assert isinstance(layer.weight, nn.Parameter)
    layer.weight.copy_(weight.view_as(layer.weight))
    layer.bias = nn.Parameter(bias)


def _fill(
    network: WeaverTagger,
    collections: Sequence[str],
    first: Sequence[Layer],
    input_norms: Sequence[nn.BatchNorm1d],
    blocks: Sequence[tuple[list[Layer], Layer | None]],
    fusion: Layer,
    linear: Sequence[Layer],
) -> None:
    for name, (weight, bias), input_norm in zip(collections, first, input_norms, strict=True):
        sequence = network.get_submodule(f"{name}_conv.conv")
        assert isinstance(sequence, nn.Sequential)
        norm = sequence[0]
        assert isinstance(norm, nn.BatchNorm1d)
        norm.load_state_dict(input_norm.state_dict())
        norm.eps = input_norm.eps
        _set(sequence[1], weight, bias)
        sequence[2] = nn.Identity()
    for block, (edges, shortcut) in zip(network.pn.edge_convs, blocks, strict=True):
        assert isinstance(block, EdgeConv)
        for conv, (weight, bias) in zip(block.convs, edges, strict=True):
            _set(conv, weight, bias)
        block.bns = nn.ModuleList(nn.Identity() for _ in edges)
        if shortcut is not None:
            _set(block.sc, *shortcut)
            block.sc_bn = nn.Identity()
    _set(network.pn.fusion_block[0], *fusion)
    network.pn.fusion_block[1] = nn.Identity()
    for layer, (weight, bias) in zip((network.pn.fc[0][0], network.pn.fc[1]), linear, strict=True):  # type: ignore[index]
        _set(layer, weight, bias)


def neighbour_searches(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy a graph so that its outputs are the indices of each neighbour search: (B, P, k + 1), itself among them."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    names = [node.output[1] for node in model.graph.node if node.op_type == "TopK"]
    copy.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    return copy


def is_close(network: nn.Module, x: Sequence[Tensor], expected: Tensor) -> bool:
    """Return whether most jets get the expected outputs (B, K), neighbour ties aside."""
    return float(largest_differences(network, x, expected).median()) < REBUILD_TOLERANCE
