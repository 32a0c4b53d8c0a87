"""Write small Keras and TensorFlow networks, and what they answer: a script for the Python that has TensorFlow.

Usage: python keras_networks.py FOLDER [legacy]. Of each network are left its files, and NAME.npz with its inputs by
name and "answer".
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

LEGACY = sys.argv[2:] == ["legacy"]
os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
if LEGACY:
    os.environ["TF_USE_LEGACY_KERAS"] = "1"

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402  # after what it reads

FOLDER = Path(sys.argv[1])
rng = np.random.default_rng(0)


def answers(name: str, network: Any, *shapes: tuple[int, ...]) -> None:
    x = [rng.standard_normal((7, *shape)).astype("float32") for shape in shapes]
    answer = network(x if len(x) > 1 else x[0], training=False)
    named = {i.name.split(":")[0]: value for i, value in zip(network.inputs, x, strict=True)}
    np.savez(FOLDER / f"{name}.npz", answer=np.asarray(answer), **named)


def today() -> None:
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    dense = keras.Sequential(
        [layers.Input((16,), name="jet_features"), layers.Dense(32, activation="relu"), layers.Dropout(0.5),
         layers.Dense(5, activation="softmax", name="classes")]
    )  # fmt: skip
    entries, numbers = keras.Input((20, 4), name="pf_features"), keras.Input((3,), name="globals")
    h = layers.Conv1D(8, 1, activation="relu")(entries)
    h = layers.Concatenate()([layers.LSTM(6, go_backwards=True)(h), layers.GRU(5)(h), numbers])
    sigmoid = keras.Model([entries, numbers], layers.Dense(1, activation="sigmoid", name="score")(h))
    image = keras.Input((12, 12, 3), name="image")
    h = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(image))
    h = layers.Flatten()(layers.MaxPooling2D()(layers.ReLU()(h)))
    pixels = keras.Model(image, layers.Dense(10, name="digit")(h))
    rows = keras.Input((None, 4), name="rows")
    h = layers.GlobalAveragePooling1D()(layers.Dense(8, activation="gelu")(layers.MultiHeadAttention(2, 4)(rows, rows)))
    attention = keras.Model(rows, layers.Dense(3, activation="softmax", name="flavour")(h))
    networks = {"dense": (dense, ((16,),)), "sigmoid": (sigmoid, ((20, 4), (3,))), "pixels": (pixels, ((12, 12, 3),))}
    for name, (network, shapes) in (networks | {"attention": (attention, ((9, 4),))}).items():
        network.save(FOLDER / f"{name}.keras")
        network.save(FOLDER / f"{name}.h5")
        answers(name, network, *shapes)
    sigmoid.export(FOLDER / "saved", verbose=False)
    dense.save_weights(FOLDER / "alone.weights.h5")
    square = keras.Model(entries, layers.Lambda(lambda x: x * x)(entries))
    square.save(FOLDER / "square.keras")
    square.save(FOLDER / "square.h5")
    _frozen(dense)


def _frozen(network: Any) -> None:
    """Freeze a network as TensorFlow 1 did, its input a placeholder."""
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    spec = tf.TensorSpec((None, 16), tf.float32, "jet_features")
    function = tf.function(lambda x: network(x, training=False), input_signature=[spec]).get_concrete_function()
    graph = convert_variables_to_constants_v2(function).graph.as_graph_def()
    (FOLDER / "frozen.pb").write_bytes(graph.SerializeToString())


def legacy() -> None:
    from qkeras import QActivation, QDense, quantized_bits

    keras = tf.keras
    x = keras.Input((16,), name="jet_features")
    bits = quantized_bits(6, 0, alpha=1)
    h = QActivation("quantized_relu(6)")(QDense(8, kernel_quantizer=bits, bias_quantizer=bits)(x))
    logits = QDense(5, kernel_quantizer=bits, bias_quantizer=bits)(h)
    network = keras.Model(x, keras.layers.Activation("softmax", name="classes")(logits))
    network.save(FOLDER / "quantised.h5")
    answers("quantised", network, (16,))
    x = keras.Input((10, 4), name="input_1")
    h = keras.layers.Bidirectional(keras.layers.LSTM(4))(keras.layers.Masking()(x))
    network = keras.Model(x, keras.layers.Dense(2, activation="softmax", name="ID_pred")(h))
    network.save(FOLDER / "old.h5")
    network.save(FOLDER / "old_saved", save_format="tf")
    answers("old", network, (10, 4))


if __name__ == "__main__":
    (legacy if LEGACY else today)()
