"""Convert a Keras or TensorFlow network to ONNX: a script of its own, run by the Python that has TensorFlow.

`teachers.keras_file` starts it in a child process, so that TensorFlow's logs and protobuf stay out of zskt's own. It
imports nothing of zskt and runs no code of the file: networks with Lambda layers are refused.

    python keras_convert.py network.keras network.onnx

The last line of its standard output is a JSON object: empty, or with a "problem" and the "kind" of it.
"""

from __future__ import annotations

import json
import os
import re
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

OPSET = 17
QKERAS = re.compile(r"^(Q[A-Z]\w+|quantized_\w+|binary|ternary|stochastic_\w+|bernoulli)$")
"""Names of QKeras's layers and quantizers."""
NO_OUTPUTS = ("Const", "NoOp", "Assert", "Placeholder")
"""Operators of a frozen graph whose value nobody may take, and which are not its outputs."""


class Problem(Exception):
    """What is wrong with the file: "missing" a package, "code" in the file, or "unreadable"."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def main(source: Path, target: Path) -> None:
    """Convert ``source`` to ``target``."""
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    is_keras = source.is_file() and source.suffix != ".pb"
    configuration, version = read_configuration(source) if is_keras else ({}, "")
    classes = set(class_names(configuration))
    if "Lambda" in classes:
        raise Problem("code", "it has a Lambda layer, which is Python code")
    if any(map(QKERAS.match, classes)):
        os.environ["TF_USE_LEGACY_KERAS"] = "1"  # qkeras is written for Keras 2
    try:
        import tensorflow  # noqa: F401
        import tf2onnx  # noqa: F401
    except ImportError as error:
        raise Problem("missing", str(error.name)) from error
    if source.is_dir():
        model = of_saved_model(source)
    elif source.suffix == ".pb":
        model = of_frozen_graph(source)
    else:
        model = of_keras(read_keras(source, classes, version))
    import onnx

    onnx.save(model, str(target))


def read_configuration(path: Path) -> tuple[Any, str]:
    """Return the configuration of a Keras file's layers, and the version of Keras that wrote it."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json")), str(
                json.loads(archive.read("metadata.json"))["keras_version"]
            )
    try:
        import h5py
    except ImportError as error:
        raise Problem("missing", "h5py") from error
    with h5py.File(path) as file:
        if "model_config" not in file.attrs:
            raise Problem("weights", "it holds weights without the network")
        return json.loads(file.attrs["model_config"]), str(file.attrs.get("keras_version", "2"))


def class_names(configuration: Any) -> Iterator[str]:
    """Yield the names of the classes of all layers and of what they have: activations, quantizers, nested networks."""
    if isinstance(configuration, dict):
        if isinstance(configuration.get("class_name"), str):
            yield configuration["class_name"].rsplit(">", 1)[-1]
        for value in configuration.values():
            yield from class_names(value)
    elif isinstance(configuration, list):
        for value in configuration:
            yield from class_names(value)


def read_keras(path: Path, classes: set[str], version: str) -> Any:
    """Load a Keras file by the Keras that wrote it, else by the other one; QKeras's networks by QKeras."""
    if any(map(QKERAS.match, classes)):
        try:
            from qkeras.utils import load_qmodel
        except ImportError as error:
            raise Problem("missing", "qkeras" if error.name in ("qkeras", "tf_keras") else str(error.name)) from error
        return load_qmodel(str(path), compile=False)
    names = ["keras", "tf_keras"] if version.startswith("3") else ["tf_keras", "keras"]
    first: Exception | None = None
    for name in names:
        try:
            keras = __import__(name)
        except ImportError:
            continue
        try:
            return keras.models.load_model(str(path), compile=False)
        except Exception as error:  # Keras raises whatever the configuration leads to
            first = first or error
    raise Problem("unreadable", f"Keras {version}: {shortened(first)}") from first


def of_keras(network: Any) -> Any:
    """Convert a Keras network; inputs and outputs have the names of its own."""
    import tensorflow as tf

    specs = [tf.TensorSpec((None, *i.shape[1:]), i.dtype, plain(i.name)) for i in network.inputs]
    try:
        structure = network.input
    except AttributeError:  # Keras 3 does not say it of a Sequential
        structure = network.inputs[0]

    def call(*x: Any) -> list[Any]:
        return list(tf.nest.flatten(network(tf.nest.pack_sequence_as(structure, list(x)), training=False)))

    outputs = list(getattr(network, "output_names", None) or [network.layers[-1].name])
    return convert(call, specs, outputs)


def of_saved_model(folder: Path) -> Any:
    """Convert the serving signature of a SavedModel, or its only one."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    signatures = dict(loaded.signatures)
    if not signatures:
        raise Problem("unreadable", "a SavedModel without a signature: save it with model.export or signatures=")
    function = signatures.get("serving_default") or next(iter(signatures.values()))
    named = function.structured_input_signature[1]
    specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in named.items()]

    def call(*x: Any) -> list[Any]:
        answers = function(**dict(zip(named, x, strict=True)))
        return [answers[name] for name in outputs]

    outputs = list(function.structured_outputs)
    return convert(call, specs, outputs)


def convert(call: Callable[..., list[Any]], specs: Sequence[Any], outputs: Sequence[str]) -> Any:
    """Convert a function of tensors, and give its outputs their names."""
    import tensorflow as tf
    import tf2onnx

    function = tf.function(call, input_signature=list(specs))
    try:
        model, _ = tf2onnx.convert.from_function(function, input_signature=list(specs), opset=OPSET)
    except Exception as error:  # the conversion raises whatever an operator leads to
        raise Problem("unreadable", f"tf2onnx: {shortened(error)}") from error
    return named(model, [plain(name) for name in outputs])


def of_frozen_graph(path: Path) -> Any:
    """Convert a frozen graph of TensorFlow 1: its placeholders are the inputs, what nobody takes are the outputs."""
    import tensorflow as tf
    import tf2onnx

    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except Exception as error:
        raise Problem("unreadable", f"no graph of TensorFlow: {shortened(error)}") from error
    for node in graph.node:
        if node.op in ("Placeholder", "PlaceholderWithDefault") and node.attr["dtype"].type == tf.bool.as_datatype_enum:
            node.CopyFrom(constant_false(node.name))  # whether it trains: it does not
    taken = {name.lstrip("^").partition(":")[0] for node in graph.node for name in node.input}
    inputs = [f"{node.name}:0" for node in graph.node if node.op == "Placeholder"]
    outputs = [f"{node.name}:0" for node in graph.node if node.name not in taken and node.op not in NO_OUTPUTS]
    if not inputs or not outputs:
        raise Problem("unreadable", "a graph of TensorFlow without placeholders or without outputs")
    try:
        model, _ = tf2onnx.convert.from_graph_def(graph, input_names=inputs, output_names=outputs, opset=OPSET)
    except Exception as error:
        raise Problem("unreadable", f"tf2onnx: {shortened(error)}") from error
    return named(model, [plain(name) for name in outputs])


def constant_false(name: str) -> Any:
    """Return a node of a graph that is False."""
    import tensorflow as tf

    node = tf.compat.v1.NodeDef(name=name, op="Const")
    node.attr["dtype"].type = tf.bool.as_datatype_enum
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(False))
    return node


def plain(name: str) -> str:
    """Return the name of a tensor without TensorFlow's number behind: "input_1" of "input_1:0"."""
    return name.rsplit(":", 1)[0]


def named(model: Any, outputs: Sequence[str]) -> Any:
    """Give a graph's inputs plain names, its outputs these names, and its unknown lengths readable ones."""
    graph = model.graph
    without_erfc(graph)
    names = {i.name: plain(i.name) for i in graph.input}
    names |= {o.name: name for o, name in zip(graph.output, outputs, strict=True)}
    others = {name for node in graph.node for name in node.output} - set(names)
    names = {old: f"{new}_output" if new in others else new for old, new in names.items()}
    rename(graph, names)
    for value in (*graph.input, *graph.output):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.dim_value:
                dim.dim_param = "N" if axis == 0 else f"{value.name}_{axis}"
    require_operators(model)
    return model


def without_erfc(graph: Any) -> None:
    """Write erfc(x), which Keras's GELU has and ONNX has not, as 1 - erf(x)."""
    from onnx import TensorProto, helper

    nodes = []
    for node in graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        erf, one = f"{node.output[0]}_erf", f"{node.output[0]}_one"
        nodes.append(helper.make_node("Erf", list(node.input), [erf]))
        graph.initializer.append(helper.make_tensor(one, TensorProto.FLOAT, [], [1.0]))
        nodes.append(helper.make_node("Sub", [one, erf], list(node.output)))
    del graph.node[:]
    graph.node.extend(nodes)


def require_operators(model: Any) -> None:
    """Raise `Problem` if tf2onnx left operators of TensorFlow that ONNX has not."""
    from onnx import defs

    unknown = {node.op_type for node in model.graph.node if not node.domain and not defs.has(node.op_type)}
    if unknown:
        raise Problem("unreadable", f"ONNX has no {', '.join(sorted(unknown))}")


def rename(graph: Any, names: dict[str, str]) -> None:
    """Rename tensors of a graph, also where its branches and loops take them."""
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        for held in (node.input, node.output):
            for i, name in enumerate(held):
                held[i] = names.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                rename(attribute.g, names)


def shortened(error: Exception | None) -> str:
    """Return the first 160 characters of what an error says, in one line."""
    text = "no Keras is installed" if error is None else f"{type(error).__name__}: {error}"
    return " ".join(text.split())[:160]


if __name__ == "__main__":
    sys.path[0:1] = []  # this script's folder, whose modules have names that other packages have too
    answer: dict[str, str] = {}
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except Problem as problem:
        answer = {"kind": problem.kind, "problem": str(problem)}
    except Exception as error:
        answer = {"kind": "unreadable", "problem": shortened(error)}
    print(json.dumps(answer), flush=True)
