"""Students of the user's: ``module:function`` or ``file.py:function`` on the command line, code that is run.

The function, or class, is called as ``function(input_shape, outputs)`` and returns an `nn.Module`. ``input_shape`` is
(C, H, W) of images, (F,) of vectors, and (T, C, H, W) or (T, F) of frames; of jets it is a tuple of shapes, (C, P) or
(C,), one for each input. The
network is called with (B, *input_shape), and answers with ``outputs`` numbers a sample: logits of classes, and
regressed values behind them.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.networks.students import Student

N_TRIED = 2
"""Samples on which a network is tried."""


def is_own(name: str) -> bool:
    """Return whether a student's name is that of the user's code."""
    return ":" in name


def own_student(name: str) -> Student:
    """Make an entry of the registry from the user's code, which is imported.

    Args:
        name: ``module:function`` or ``file.py:function``.

    Raises:
        UserError: if there is no such code, or it cannot be imported; when it is built, if it returns something else.
    """
    place, _, function = name.partition(":")
    where = f"--student {name}"
    if not place or not function:
        raise UserError(f"{where}: write it as module:function or file.py:function")
    build = getattr(_import(place, where), function, None)
    if not callable(build):
        raise UserError(f"{where}: {place} has no function or class {function}; name one that builds a network")
    return Student("any", lambda inputs, outputs: _build(build, inputs, outputs, where), f"{function} of {place}")


def _import(place: str, where: str) -> Any:
    path = Path(place)
    folder = str(path.resolve().parent if place.endswith(".py") else Path.cwd())
    sys.path.insert(0, folder)  # it may import its neighbours
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        if not path.is_file():
            raise UserError(f"{where}: no such file; give the .py that builds the student")
        spec = importlib.util.spec_from_file_location(f"_zskt_student_{path.stem}", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look themselves up there
        spec.loader.exec_module(module)
        return module
    except UserError:
        raise
    except ModuleNotFoundError as error:
        raise UserError(f"{where}: no module {error.name}; give file.py:function, or install it") from error
    except Exception as error:  # code of the user's raises whatever it does
        raise UserError(f"{where}: cannot be imported ({_short(error)}); run it in Python by itself first") from error
    finally:
        sys.path.remove(folder)


def _build(function: Callable[..., Any], inputs: Any, outputs: int, where: str) -> nn.Module:
    """Call the user's function, and try what it returns on a few samples; random streams go on as it left them.

    Raises:
        UserError: if it fails, returns no network, or one with other inputs or outputs.
    """
    shape = input_shape(inputs)
    try:
        network = function(shape, outputs)
    except Exception as error:  # code of the user's raises whatever it does
        raise UserError(f"{where}: fails when called with ({shape}, {outputs}): {_short(error)}; mend it") from error
    if not isinstance(network, nn.Module):
        raise UserError(f"{where}: returns a {type(network).__name__}; return an nn.Module")
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            answer = network.eval()(*_samples(inputs))
    except Exception as error:  # networks raise whatever their operators do
        raise UserError(f"{where}: its network does not run on inputs of shape {shape} ({_short(error)})") from error
    if not isinstance(answer, Tensor) or answer.shape != (N_TRIED, outputs):
        got = tuple(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise UserError(
            f"{where}: its network answers {got} for {N_TRIED} samples; it must answer {(N_TRIED, outputs)}"
        )
    return network.train()


def input_shape(inputs: Any) -> tuple[Any, ...]:
    """Return the shape of a sample: (C, H, W), (F,), (T, ...), or of jets a shape for each input."""
    shape: tuple[int, ...] | None = getattr(inputs, "sample_shape", None)
    if shape is not None:
        return shape
    return tuple(tuple(t.shape[1:]) for t in _samples(inputs))


def _samples(inputs: Any) -> tuple[Tensor, ...]:
    if hasattr(inputs, "sample_shape"):
        return (torch.zeros(N_TRIED, *input_shape(inputs)),)
    from zskt.jets.random_inputs import random_inputs

    return random_inputs(inputs.preprocess_form(()).groups, N_TRIED)


def largest_samples(inputs: Any, count: int) -> tuple[Tensor, ...]:
    """Make samples as large as a network takes: jets without padding, others of zeros."""
    if hasattr(inputs, "sample_shape"):
        return (torch.zeros(count, *input_shape(inputs)),)
    from zskt.jets.random_inputs import random_inputs

    groups = inputs.preprocess_form(()).groups
    return random_inputs([replace(group, min_length=group.max_length) for group in groups], count)


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"
