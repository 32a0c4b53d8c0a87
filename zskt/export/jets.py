"""Export of jet students: they take the inputs of their teachers, described in CMS's layout.

Shapes: B jets, C variables, P entries, K classes, R regressed values.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import Tensor

from zskt.contracts import Batch
from zskt.experiments.finished import FinishedRun
from zskt.export.dense import GraphNetwork, SoftmaxHead, to_export_form
from zskt.export.student import ExportSpec, exported, masks_as_numbers, pseudo_samples
from zskt.jets.random_inputs import random_inputs
from zskt.jets.tagger_inputs import AnyJetInputs
from zskt.networks.particlenet import ParticleNet
from zskt.onnx_runtime import N_TRACE_SAMPLES, write_onnx


def export_jets(run: FinishedRun, teacher_path: Path | None, calibration: int) -> ExportSpec:
    """Describe the student of a run on jets to the exporter.

    Args:
        teacher_path: the teacher's file, if the user gave it.
        calibration: number of pseudo-jets.
    """
    card = run.card
    student = exported(run)
    inputs: AnyJetInputs = student.inputs
    own_outputs = (*card.classes, *card.values)
    preprocess = replace(inputs.preprocess_form(own_outputs), outputs=card.outputs)
    groups = preprocess.groups
    full_groups = [replace(group, min_length=group.max_length) for group in groups]

    def test_inputs(rows: Tensor) -> Batch:
        return masks_as_numbers(student.transform(*card.inputs(run.evaluator.data[rows].samples)))

    def teacher_as_onnx(folder: Path) -> tuple[Path, str] | None:
        network = run.evaluator.teacher
        if network is None or not student.sees_all:  # the two are timed on the same inputs
            return None
        published = (card if teacher_path is None else card.with_files(network=teacher_path)).as_onnx(network, folder)
        if published is not None or not isinstance(network, ParticleNet):
            return published
        path = folder / "teacher.onnx"
        exportable = SoftmaxHead(to_export_form(network), 0, range(len(card.classes))).eval()
        write_onnx(exportable, names, axes, random_inputs(groups, N_TRACE_SAMPLES), path)
        return path, "ONNX, exported by zskt from the publisher's parameters"

    names = tuple(group.name for group in groups)
    axes = tuple(group.axes for group in groups)
    order = [own_outputs.index(name) for name in preprocess.outputs]
    return ExportSpec(
        student=student.network,
        network=SoftmaxHead(to_export_form(student.network), len(card.values), order).eval(),
        input_names=names,
        output_names=preprocess.outputs,
        dynamic_axes=axes,
        random_inputs=partial(random_inputs, groups),
        largest_inputs=partial(random_inputs, full_groups),
        test_inputs=None if run.evaluator.missing else test_inputs,
        calibration=student.transform(*pseudo_samples(run, calibration)),
        preprocess=lambda used: replace(preprocess, groups=tuple(g for g in groups if g.name in used)).to_json(),
        has_units=True,
        preprocess_note="how the inputs are prepared, in CMS's layout; any number of entries up to `max_length`",
        latency_note="Jets with as many entries as the network takes. ",
        teacher_as_onnx=teacher_as_onnx,
        has_neighbour_search=any(isinstance(module, GraphNetwork) for module in student.network.modules()),
    )
