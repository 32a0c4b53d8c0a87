"""Quantisation of ONNX networks to int8."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx
from torch import Tensor

from zskt.onnx_runtime import feeds, session

PRODUCTS = ("Conv", "MatMul", "Gemm")
"""Operators that are quantised."""


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep the root logger, to which ONNX Runtime writes as the user does, to errors meanwhile."""
    logger = logging.getLogger()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def first_products(model: Path) -> list[str]:
    """Return the names of the products that take inputs of a network, and nothing that is behind another product."""
    graph = onnx.load(str(model)).graph
    raw, first = {i.name for i in graph.input}, []
    behind: set[str] = set()
    for node in graph.node:  # in the order in which they are computed
        if behind & set(node.input):
            behind |= set(node.output)
        elif raw & set(node.input):
            is_product = node.op_type in PRODUCTS
            first += [node.name] * is_product
            (behind if is_product else raw).update(node.output)
    return first


def quantise(model: Path, path: Path, names: Sequence[str], x: Sequence[Tensor], *, has_units: bool = False) -> None:
    """Quantise weights and activations of all products to 8 bits, with ranges from a batch of inputs.

    Args:
        path: the file to write.
        names, x: inputs and their names.
        has_units: whether inputs are of many scales, which 8 bits cannot share: the first products keep 32.
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    network = session(model)
    named = dict(zip(names, x, strict=True))
    batch = feeds(network, [named[i.name] for i in network.get_inputs()])

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Gives the batch once."""

        def __init__(self) -> None:
            self.batches = [batch]

        def get_next(self) -> dict[str, Any] | None:
            return self.batches.pop() if self.batches else None

    with _without_warnings():  # it recommends another preparation, which changes nothing here
        quantize_static(
            str(model), str(path), Reader(), op_types_to_quantize=list(PRODUCTS), per_channel=True,
            nodes_to_exclude=first_products(model) if has_units else [],
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
