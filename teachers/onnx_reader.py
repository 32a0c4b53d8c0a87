"""Networks stored as ONNX, run in PyTorch so that gradients flow to their inputs.

CMS's ParticleNets are run by our own class (`teachers.onnx_rebuild`), others are converted (`teachers.onnx_convert`),
and what cannot be converted runs in onnxruntime as it is, without gradients (`teachers.onnx_black_box`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from teachers.network_file import Argument, Axis
from zskt.errors import UserError
from zskt.jets.preprocess import InputGroup
from zskt.outputs import describe_differences, largest_differences

if TYPE_CHECKING:  # takes a second to import
    import onnx

    from teachers.tagger import Tagger

SUFFIXES: tuple[str, ...] = (".onnx",)
SAME_NETWORK_TOLERANCE = 1e-5
"""How far most outputs of two forms of one network may be apart, in probabilities."""


def sniff(path: Path) -> bool:
    """Return whether a file is called ONNX: the format has no mark to know it by."""
    return path.suffix in SUFFIXES


class OnnxFile:
    """A network stored as ONNX."""

    runtime = "onnxruntime"
    whose = "the publisher's ONNX"
    """Whose export it is."""
    classes: tuple[tuple[str, ...], ...]
    """Lists of names of classes that its operators hold, of which one may be that of its answers."""

    def __init__(
        self,
        path: Path,
        model: onnx.ModelProto,
        *,
        answers_only: bool = False,
        classes: tuple[tuple[str, ...], ...] = (),
    ) -> None:
        self.path, self.model, self.answers_only, self.classes = path, model, answers_only, classes
        self.arguments = tuple(Argument(i.name, _shape(i), _is_whole(i)) for i in inputs_of(model))
        self.outputs = tuple(o.name for o in model.graph.output)

    def answering_only(self) -> OnnxFile:
        """Return the same file, whose network is run by onnxruntime even where it could be converted."""
        return OnnxFile(self.path, self.model, answers_only=True, classes=self.classes)

    @cached_property
    def _as_it_is(self) -> nn.Module:
        """The graph in onnxruntime, or node by node where that cannot open it."""
        from teachers.onnx_black_box import OnnxRuntimeNetwork
        from teachers.onnx_convert import ConversionError, node_by_node

        try:
            return OnnxRuntimeNetwork(self.model)
        except ConversionError:
            return node_by_node(self.model, self.path)

    def run(self, x: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the outputs as onnxruntime computes them."""
        from teachers.onnx_convert import cannot_run
        from teachers.onnx_versions import foreign_operators

        try:
            with torch.no_grad():
                outputs: tuple[Tensor, ...] = self._as_it_is(*x)
            return outputs
        except Exception as error:
            if foreign_operators(self.model):
                raise cannot_run(self.model, self.path, "", error) from error
            raise

    def network(self, x: Sequence[Tensor], groups: Sequence[InputGroup]) -> nn.Module:
        """Return our own ParticleNet where the graph is one, the graph converted where it can be, else onnxruntime.

        Where answers alone are asked for it is onnxruntime at once.
        """
        from teachers.onnx_batches import fixed_batch, free_batch
        from teachers.onnx_black_box import OnnxRuntimeNetwork
        from teachers.onnx_convert import ConversionError, convert

        if self.answers_only:
            try:
                return OnnxRuntimeNetwork(self.model, x)
            except ConversionError:  # what onnxruntime does not open is converted, and asked all the same
                pass
        if all(group.layout in ("BCP", "BC") for group in groups):
            batch = fixed_batch(self.model)
            rebuilt = _rebuild(free_batch(self.model, batch, False) if batch else self.model, groups, x)
            if rebuilt is not None:
                return rebuilt
        try:
            return convert(self.model, x, self.path)
        except ConversionError as error:
            network = OnnxRuntimeNetwork(self.model, x)
            network.origin += f": {error}"
            return network

    def as_onnx(self, tagger: Tagger, folder: Path) -> tuple[Path, str] | None:
        """Copy the file, its inputs named and laid out as described; return the copy, and whose export it is."""
        import onnx

        from teachers.export import rearranged
        from teachers.onnx_versions import prepared

        model = rearranged(prepared(self.model)[0], tagger)
        if model is None:
            return None
        copy = folder / "teacher.onnx"
        onnx.save(model, str(copy))
        return copy, self.whose


def inputs_of(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    """Return the inputs of a graph without its weights, which old files list among them."""
    weights = {initializer.name for initializer in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in weights]


def _shape(entry: onnx.ValueInfoProto) -> tuple[Axis, ...] | None:
    if not entry.type.tensor_type.HasField("shape"):
        return None
    return tuple(_axis(d.dim_value, d.dim_param) for d in entry.type.tensor_type.shape.dim)


def _is_whole(entry: onnx.ValueInfoProto) -> bool:
    import onnx

    kind = entry.type.tensor_type.elem_type
    return bool(kind) and onnx.helper.tensor_dtype_to_np_dtype(kind).kind in "iu"


def _axis(value: int, name: str) -> Axis:
    return value if value > 0 else name or None


def open_file(path: Path) -> OnnxFile:
    """Open an ONNX file.

    Raises:
        UserError: if the file is damaged, or asks for other files or absurd sizes: see `teachers.onnx_bounds`.
    """
    import onnx

    from teachers.onnx_bounds import problems
    from teachers.onnx_classes import class_names
    from teachers.onnx_versions import with_declared_domains, with_numbers_alone

    try:
        read = onnx.load(str(path), load_external_data=False)
        problem = next(problems(read), None)
        if problem is not None:
            raise UserError(f"{path}: is refused: {problem}")
        model = with_numbers_alone(with_declared_domains(read))
        onnx.checker.check_model(model)
        classes = class_names(read)
    except UserError:
        raise
    except Exception as error:  # protobuf raises whatever the broken bytes lead to
        first = " ".join(str(error).split())[:120]
        raise UserError(f"{path}: not a readable ONNX file ({first}); fetch it again") from error
    return OnnxFile(path, model, classes=classes)


def _rebuild(model: onnx.ModelProto, groups: Sequence[InputGroup], x: Sequence[Tensor]) -> nn.Module | None:
    """Return a `ParticleNetTagger` as our own class, if the graph is one; groups and inputs in the graph's order."""
    from teachers.onnx_rebuild import is_close, neighbour_searches, rebuild
    from zskt.onnx_runtime import feeds, session

    try:
        indices = session(neighbour_searches(model)).run(None, feeds(session(model), x))
        expected = session(model).run(None, feeds(session(model), x))[0]
    except Exception:  # whatever is wrong is said by the conversion that follows
        return None
    network = rebuild(model, groups, [search.shape[-1] - 1 for search in indices])
    if network is None or not is_close(network, x, torch.from_numpy(np.asarray(expected))):
        return None
    layers = [node for node in model.graph.node if node.op_type in ("Conv", "BatchNormalization", "Gemm")]
    weights = {name for node in layers for name in node.input[1:3]}  # without running statistics
    network.published = sum(int(np.prod(i.dims)) for i in model.graph.initializer if i.name in weights)
    differences = describe_differences(network, x, torch.from_numpy(np.asarray(expected)), "onnxruntime")
    network.origin = f"ONNX, run as our own ParticleNet: {differences}"
    return network


def holds_same_network(path: Path, tagger: Tagger) -> bool:
    """Return whether a file gives the raw outputs of a tagger, and is not another network beside it."""
    from teachers.fitting import fit_inputs
    from teachers.input_order import input_order
    from teachers.layouts import arrange
    from zskt.jets.random_inputs import random_inputs

    try:
        file, plain = open_file(path), tagger.preprocess.without_layouts()
        order = input_order([a.name for a in file.arguments], plain.groups, path, path)
        groups = fit_inputs(file, order, plain.groups, path)
        x = random_inputs(groups, 8)
        outputs = file.run([arrange(x[i], groups[i].layout) for i in order])
        expected = torch.cat([o.reshape(8, -1).float() for o in outputs], 1)
        return float(largest_differences(tagger.network, x, expected).median()) < SAME_NETWORK_TOLERANCE
    except Exception:  # runtimes raise whatever their operators do
        return False
