"""Students of jet taggers on their way out: fed by the inputs of their teachers, described in CMS's layout.

Shapes: B jets, C variables, P entries, K classes, R regressed values.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from torch import nn

from teachers import AnyCard, TaggerCard
from teachers.as_onnx import tagger_in_onnx
from zskt.contracts import Batch
from zskt.experiments.finished import FinishedRun
from zskt.export.dense import SoftmaxHead, dense, unpacked
from zskt.export.student import SEVERAL, ExportSpec, as_numbers, pseudo_samples
from zskt.jets.features import FEATURES, JetInputs
from zskt.jets.preprocess import UNBOUNDED, InputGroup, Preprocess, Variable
from zskt.jets.random_inputs import random_inputs
from zskt.jets.tagger_inputs import TaggerInputs
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
    preprocess = preprocess_of(card)
    groups, full = preprocess.groups, [replace(g, min_length=g.max_length) for g in preprocess.groups]

    def samples(count: int) -> Batch:
        inputs = card.inputs
        assert isinstance(inputs, JetInputs | TaggerInputs)
        return as_numbers(inputs(found.judge.data[:count].samples))  # type: ignore[arg-type]

    def teacher(place: Path) -> tuple[Path, str] | None:
        network = found.judge.teacher
        if isinstance(card, TaggerCard) and network is not None:
            return tagger_in_onnx(teacher_path or card.file(), network, preprocess, place)
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


def answering(student: nn.Module, card: AnyCard) -> SoftmaxHead:
    """The student as it leaves: probabilities and values in the order of the teacher's outputs."""
    own = (*card.classes, *card.values)
    outputs = card.description.preprocess.outputs if isinstance(card, TaggerCard) else own
    return SoftmaxHead(dense(student.eval()), len(card.values), [own.index(name) for name in outputs]).eval()


def preprocess_of(card: AnyCard) -> Preprocess:
    """How the student is fed, in CMS's layout, whatever its teacher is."""
    if isinstance(card, TaggerCard):
        return card.description.preprocess
    inputs = card.inputs
    assert isinstance(inputs, JetInputs)
    variables = []
    for name in inputs.features:
        f = FEATURES[name]
        clip = min(f.clip, UNBOUNDED)
        variables.append(Variable(name, f.subtract, f.multiply, 0.0, -clip, clip))
    points = tuple(Variable(name) for name in ("part_deta", "part_dphi"))
    parts = (("pf_points", points), ("pf_features", tuple(variables)), ("pf_mask", (Variable("part_mask"),)))
    groups = tuple(InputGroup(name, v, 1, inputs.slots) for name, v in parts)
    return Preprocess(groups, card.classes)
