"""Export of students of vectors: they take the features as their teacher does.

Shapes: B vectors, F features, K classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.experiments.finished import FinishedRun
from zskt.export.probabilities import WithProbabilities
from zskt.export.student import ExportSpec, exported, pseudo_samples, timed_teacher
from zskt.vectors.inputs import VectorInputs

INPUT_NAME = "vectors"
DYNAMIC_AXES: tuple[dict[int, str], ...] = ({0: "N"},)


def export_vectors(run: FinishedRun, teacher_path: Path | None, calibration: int) -> ExportSpec:
    """Describe the student of a run on vectors to the exporter.

    Args:
        teacher_path: not needed: the network that was read is exported.
        calibration: number of pseudo-samples.
    """
    del teacher_path
    card = run.card
    student = exported(run)
    inputs = student.inputs
    assert isinstance(inputs, VectorInputs)
    samples = student.transform(*pseudo_samples(run, calibration))

    def draw(count: int) -> Batch:
        return (samples[0][torch.arange(count) % len(samples[0])],)

    def test_inputs(rows: Tensor) -> Batch:
        samples: Any = run.evaluator.data[rows].samples
        return student.transform(*card.inputs(samples))

    def preprocess(used: set[str]) -> dict[str, Any]:
        return {"input_names": sorted(used), "output_names": list(card.classes), "features": inputs.to_entries()}

    return ExportSpec(
        student=student.network,
        network=WithProbabilities(student.network, card.bernoulli).eval(),
        input_names=(INPUT_NAME,),
        output_names=card.classes,
        dynamic_axes=DYNAMIC_AXES,
        random_inputs=draw,
        largest_inputs=draw,
        test_inputs=None if run.evaluator.missing else test_inputs,
        calibration=samples,
        preprocess=preprocess,
        has_units=True,
        preprocess_note="the features in their order, with kinds, bounds, means and spreads, as --inputs reads them",
        teacher_as_onnx=timed_teacher(
            run,
            student,
            lambda network: WithProbabilities(network, card.bernoulli).eval(),
            INPUT_NAME,
            DYNAMIC_AXES,
            draw,
        ),
    )
