"""Export of a student `DeepSets` as an hls4ml project, compiled with g++ and emulated.

J. Duarte et al., "Fast inference of deep neural networks in FPGAs for particle physics", arXiv:1804.06913.

Shapes: B jets, C variables, N particles, K + R outputs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.export.fixed_point_formats import split_formats
from zskt.networks.compression import plain
from zskt.networks.compression.operations import weight_formats
from zskt.networks.deep_sets import DeepSets
from zskt.storage.files import write_text

if TYPE_CHECKING:
    from hls4ml.model.graph import ModelGraph

PRECISION = "ap_fixed<20,8>"
"""20 bits, 8 of them before the point: inputs reach 5, sums of phi a few dozen."""
BACKEND = "Vitis"
MIN_AGREEMENT = 0.9
"""Least share of jets on which the emulated firmware must have the student's top class."""


def require_hls4ml(student: nn.Module) -> None:
    """Raise `UserError` if the student is for an FPGA, and hls4ml is not installed."""
    if isinstance(student, DeepSets) and importlib.util.find_spec("hls4ml") is None:
        raise UserError("export of deepsets needs hls4ml: pip install -r requirements-fpga.txt")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what hls4ml prints and warns of off the screen."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


@torch.no_grad()
def hls_project(student: DeepSets, x: Sequence[Tensor], out: Path) -> dict[str, Any]:
    """Write the project into the folder ``out`` and emulate it on the teacher's inputs ``x``.

    Returns:
        precision, number of jets, order of the axes of its inputs, largest difference of logits from torch, and share
        of equal top classes. Where the project cannot be made or compiled, "error" says why, and these two are None.
    """
    rounding = plain(student).folded().core()
    leading, expected = student.leading(*x), rounding(student.leading(*x)).numpy()
    core, formats = split_formats(rounding, weight_formats(student))
    used = f"{PRECISION}, weights and activations of {weight_formats(student)[0].bits} bits" if formats else PRECISION
    measured: dict[str, Any] = {"precision": used, "jets": len(expected)}
    try:
        project = _converted(core, leading, out, formats)
        with _quiet():
            project.compile()
            layout, emulated = emulate(project, leading.numpy(), expected)
        _let_move(out)
    except Exception as error:  # hls4ml raises whatever its passes do, and bare exceptions where no compiler is
        why = " ".join(str(error).split())[:120]
        return measured | {"error": why, "largest_difference": None, "agreement_with_student": None}
    return measured | {
        "input_layout": layout,
        "largest_difference": float(np.abs(emulated - expected).max()),
        "agreement_with_student": float((_decision(emulated) == _decision(expected)).mean()),
    }


def _converted(
    core: nn.Module, leading: Tensor, out: Path, formats: Mapping[str, Mapping[str, str]] = MappingProxyType({})
) -> ModelGraph:
    """Convert plain layers that take (B, C, N) to an hls4ml project in the folder ``out``.

    Args:
        formats: what `split_formats` returns; other numbers have `PRECISION`, or what hls4ml infers.
    """
    with _quiet():
        import hls4ml

        settings = hls4ml.utils.config_from_pytorch_model(
            core, tuple(leading.shape[1:]), granularity="name", backend=BACKEND, default_precision=PRECISION,
            channels_last_conversion="full",
        )  # fmt: skip
        for layer, precisions in formats.items():
            settings["LayerName"][layer]["Precision"].update(precisions)
        return hls4ml.converters.convert_from_pytorch_model(
            core, output_dir=str(out), project_name="student", backend=BACKEND, hls_config=settings,
            io_type="io_parallel",
        )  # fmt: skip


def _let_move(out: Path) -> None:
    """Take out of a project what holds on this machine alone: where it was made, and the library that emulates it."""
    config = out / "hls4ml_config.yml"
    write_text(config, config.read_text().replace(str(out), out.name))
    for library in (out / "firmware").glob("*.so"):
        library.unlink()


def emulate(
    project: ModelGraph, leading: npt.NDArray[np.float32], expected: npt.NDArray[np.float32]
) -> tuple[str, npt.NDArray[np.float32]]:
    """Run a compiled project on (B, C, N), in the order of axes that its own input has.

    hls4ml may transpose inputs itself or leave that to its caller; the shape of the project's input tells. Where C = N
    the shape does not, and the order counts whose outputs are nearer to ``expected`` (B, K + R).

    Returns:
        "CN" or "NC", and the outputs (B, K + R).

    Raises:
        UserError: if the input has neither shape.
    """
    (variable,) = project.get_input_variables()
    shape = tuple(variable.shape)
    orders = {"CN": leading, "NC": leading.transpose(0, 2, 1)}
    outputs = {
        order: project.predict(np.ascontiguousarray(x)).reshape(expected.shape)
        for order, x in orders.items()
        if x.shape[1:] == shape
    }
    if not outputs:
        wanted = leading.shape[1:]
        raise UserError(f"its project takes inputs of {shape}, not of {wanted}")
    nearest = min(outputs, key=lambda order: float(np.abs(outputs[order] - expected).max()))
    return nearest, outputs[nearest]


def _decision(outputs: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return the top class (B,) of logits (B, K), or the sign of a single one."""
    decision: npt.NDArray[Any] = outputs.argmax(1) if outputs.shape[1] > 1 else outputs[:, 0] > 0
    return decision


def require_agreement(measured: dict[str, Any], folder: Path) -> None:
    """Raise `UserError` if the emulated firmware in a folder is not the student, or could not be emulated."""
    agreement, kept = measured["agreement_with_student"], "the other exported files are sound"
    if agreement is None:
        raise UserError(
            f"{folder}: the student was not emulated ({measured['error']}); hls4ml 1.1 to 1.3 and a C++ compiler are "
            f"needed; {kept}"
        )
    if agreement < MIN_AGREEMENT:
        raise UserError(
            f"{folder}: emulated in {measured['precision']}, its top class is the student's on {agreement:.3f} of "
            f"{measured['jets']} jets, less than {MIN_AGREEMENT}; do not synthesise it; {kept}"
        )
