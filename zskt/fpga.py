"""An hls4ml project of a student of few leading particles: compiled with g++, its emulated answers compared.

J. Duarte et al., "Fast inference of deep neural networks in FPGAs for particle physics", arXiv:1804.06913.

Shapes: B jets, C variables, N particles, K + R outputs.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .errors import UserError
from .fixed import FixedPFN

PRECISION = "ap_fixed<20,8>"
"""20 bits, 8 of them before the point: inputs reach 5, sums of phi a few dozen."""
BACKEND = "Vitis"


@torch.no_grad()
def hls_project(student: FixedPFN, x: Sequence[Tensor], out: Path) -> dict[str, Any]:
    """Write the project below ``out`` and emulate it on the teacher's inputs ``x``.

    Returns:
        precision, number of jets, largest difference of logits from torch, and share of equal top classes.

    Raises:
        UserError: if hls4ml is not installed.
    """
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            import hls4ml
    except ImportError as error:
        raise UserError("export of deepsets needs hls4ml: pip install -r requirements-fpga.txt") from error
    core = student.folded().core().eval()
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
        said = project.predict(np.ascontiguousarray(leading.transpose(1, 2).numpy()))
    folded = student.folded()
    expected = folded.f(folded.pool(folded.phi(leading))).numpy()
    return {
        "precision": PRECISION,
        "jets": len(expected),
        "largest_difference": float(np.abs(said - expected).max()),
        "agreement_with_student": float((said.argmax(1) == expected.argmax(1)).mean()),
    }
