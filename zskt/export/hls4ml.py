"""Export of a student `DeepSets` as an hls4ml project, compiled with g++ and emulated.

J. Duarte et al., "Fast inference of deep neural networks in FPGAs for particle physics", arXiv:1804.06913.

Shapes: B jets, C variables, N particles, K + R outputs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.networks.deep_sets import DeepSets

PRECISION = "ap_fixed<20,8>"
"""20 bits, 8 of them before the point: inputs reach 5, sums of phi a few dozen."""
BACKEND = "Vitis"


def require_hls4ml(student: nn.Module) -> None:
    """Raise `UserError` if the student is for an FPGA, and hls4ml is not installed."""
    if isinstance(student, DeepSets) and importlib.util.find_spec("hls4ml") is None:
        raise UserError("export of deepsets needs hls4ml: pip install -r requirements-fpga.txt")


@torch.no_grad()
def hls_project(student: DeepSets, x: Sequence[Tensor], out: Path) -> dict[str, Any]:
    """Write the project into the folder ``out`` and emulate it on the teacher's inputs ``x``.

    Returns:
        precision, number of jets, largest difference of logits from torch, and share of equal top classes.
    """
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import hls4ml
    core = student.folded().core()
    leading = student.leading(*x)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        settings = hls4ml.utils.config_from_pytorch_model(
            core, tuple(leading.shape[1:]), granularity="name", backend=BACKEND, default_precision=PRECISION,
            channels_last_conversion="full",
        )  # fmt: skip
        project = hls4ml.converters.convert_from_pytorch_model(
            core,
            output_dir=str(out),
            project_name="student",
            backend=BACKEND,
            hls_config=settings,
            io_type="io_parallel",
        )
        project.compile()
        emulated = project.predict(np.ascontiguousarray(leading.transpose(1, 2).numpy()))
    expected = core(leading).numpy()
    return {
        "precision": PRECISION,
        "jets": len(expected),
        "largest_difference": float(np.abs(emulated - expected).max()),
        "agreement_with_student": float((emulated.argmax(1) == expected.argmax(1)).mean()),
    }
