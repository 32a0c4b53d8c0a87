"""Students of jet taggers on their way out: fed by the inputs of their teachers, described in CMS's layout.

Shapes: B jets, C variables, P entries, K classes, R regressed values.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import nn

from zskt.contracts import Batch, Card
from zskt.experiments.finished import FinishedRun
from zskt.export.dense import SoftmaxHead, dense, unpacked
from zskt.export.student import SEVERAL, ExportSpec, as_numbers, pseudo_samples
from zskt.jets.random_inputs import random_inputs
from zskt.networks.particlenet import ParticleNet
from zskt.networks.weaver import WeaverTagger
from zskt.onnx_runtime import write_onnx


def export_jets(found: FinishedRun, teacher_path: Path | None, calibration: int) -> ExportSpec:
    """The student of a run on jets.

    Args:
        teacher_path: where the teacher's file is, if the user says so.
        calibration: number of pseudo-jets.
    """
    card = found.judge.card
    preprocess = card.inputs.preprocess_form(card.classes)
    groups, full = preprocess.groups, [replace(g, min_length=g.max_length) for g in preprocess.groups]

    def samples(count: int) -> Batch:
        return as_numbers(card.inputs(found.judge.data[:count].samples))

    def teacher(place: Path) -> tuple[Path, str] | None:
        network = found.judge.teacher
        published = None if network is None else card.with_files(teacher_path).as_onnx(network, place)
        if published is not None:
            return published
        if isinstance(network, ParticleNet):
            whole = SoftmaxHead(unpacked(network), 0, range(len(card.classes))).eval()
            write_onnx(whole, names, axes, random_inputs(groups, SEVERAL), place / "teacher.onnx")
            return place / "teacher.onnx", "ONNX, exported by zskt from the publisher's parameters"
        return None

    names = tuple(group.name for group in groups)
    axes = tuple(group.axes for group in groups)
    return ExportSpec(
        network=answering(found.student, card),
        names=names,
        axes=axes,
        outputs=preprocess.outputs,
        random=partial(random_inputs, groups),
        full=partial(random_inputs, full),
        samples=samples,
        pseudo=pseudo_samples(found, calibration, "shower-prior"),
        describe=lambda used: replace(preprocess, groups=tuple(g for g in groups if g.name in used)).to_json(),
        teacher=teacher,
        ties=any(isinstance(m, ParticleNet | WeaverTagger) for m in found.student.modules()),
    )


def answering(student: nn.Module, card: Card) -> SoftmaxHead:
    """The student as it leaves: probabilities and values in the order of the teacher's outputs."""
    own = (*card.classes, *card.values)
    return SoftmaxHead(dense(student.eval()), len(card.values), [own.index(name) for name in card.outputs]).eval()
