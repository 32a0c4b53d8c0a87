"""Mode ``export``: a finished run's student for use elsewhere, checked after it has left.

Writes ``model.onnx`` (any number of jets and particles) with ``preprocess.json`` and ``labels.txt`` in CMS's layout,
``model-int8.onnx`` (onnxruntime's static quantisation, calibrated on pseudo-jets), ``student.safetensors``, a model
card ``README.md``, ``export.json`` with what was measured, and, of ``deepsets``, an hls4ml project.

Shapes: B jets, C variables, P entries, K classes, R regressed values.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from generators import GENERATORS
from teachers import AnyCard, TaggerCard
from teachers.inputs import FEATURES, JetInputs
from teachers.onnx_file import feeds, session
from teachers.preprocess import UNBOUNDED, Group, Preprocess, Variable, apart, random_inputs
from teachers.tagger import Tagger
from teachers.tagger_inputs import TaggerInputs
from teachers.torchscript import order_of

from .dense import Answering, dense
from .errors import UserError
from .evaluation import Finished, finished
from .fixed import FixedPFN
from .folder import write_json
from .fpga import hls_project, require_hls4ml
from .latency import latency
from .model_card import model_card
from .onnx_export import full, quantise, run_onnx, script_to_onnx, write_onnx
from .running import choose_device

CLOSE = 1e-5
"""How far the exported student may be from the one that was trained, in probabilities."""
CALIBRATION = 512
"""Pseudo-jets on which the int8 student's ranges are set."""


def export_run(run: Path, out: Path, data: Path | None, teacher_path: Path | None) -> Path:
    """Write the folder; what was measured is in its ``export.json``.

    Args:
        out: a new or empty folder.
        data: jets on which the loss by quantisation is stated; the sample that ships without it.

    Raises:
        UserError: if the folder is taken, or the run or its student cannot leave.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out}: the folder is not empty; name another")
    found = finished(run, data, teacher_path, choose_device("cpu"), {})
    card = found.judge.card
    if card.domain != "jets":
        raise UserError(f"--run {run}: its student takes {card.domain}; export is for jet taggers")
    require_hls4ml(found.student)
    network = answering(found.student, card)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as place:
        whole = Path(place) / "student"
        whole.mkdir()
        _write(whole, found, network, run, teacher_path)
        if out.is_dir():  # empty
            out.rmdir()
        whole.replace(out)  # all of it or nothing
    return out


def _write(out: Path, found: Finished, network: Answering, run: Path, teacher_path: Path | None) -> None:
    """All files of a student that has been made ready, into an empty folder."""
    card = found.judge.card
    preprocess = preprocess_of(card)
    used = write_onnx(network, preprocess, out / "model.onnx")
    measured: dict[str, Any] = {"difference": _require_equal(out / "model.onnx", network, found, preprocess)}
    quantise(out / "model.onnx", out / "model-int8.onnx", pseudo(found, CALIBRATION), preprocess)
    measured |= _losses(out, network, found, preprocess)
    measured["latency"] = _latency(found, out / "model.onnx", preprocess, teacher_path)
    if isinstance(found.student, FixedPFN):
        measured["hls4ml"] = hls_project(found.student, _samples(found, 1000), out / "hls4ml")
    kept = Preprocess(tuple(g for g in preprocess.groups if g.name in used), preprocess.outputs)
    write_json(out / "preprocess.json", kept.to_json())
    (out / "labels.txt").write_text("".join(f"{name.removeprefix('label_')}\n" for name in card.classes))
    shutil.copyfile(run / "student.safetensors", out / "student.safetensors")
    write_json(out / "export.json", measured)
    (out / "README.md").write_text(model_card(found, measured))


def answering(student: nn.Module, card: AnyCard) -> Answering:
    """The student as it leaves: probabilities and values in the order of the teacher's outputs."""
    own = (*card.classes, *card.values)
    outputs = card.description.preprocess.outputs if isinstance(card, TaggerCard) else own
    return Answering(dense(student.eval()), len(card.values), [own.index(name) for name in outputs]).eval()


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
    groups = tuple(Group(name, v, 1, inputs.slots) for name, v in parts)
    return Preprocess(groups, card.classes)


def _numbers(x: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Masks as numbers, as they are fed elsewhere."""
    return tuple(t.float() for t in x)


def _samples(found: Finished, count: int) -> tuple[Tensor, ...]:
    """Inputs of the first jets that the run is judged on."""
    inputs = found.judge.card.inputs
    assert isinstance(inputs, JetInputs | TaggerInputs)
    return _numbers(inputs(found.judge.data[:count].samples))  # type: ignore[arg-type]


@torch.no_grad()
def pseudo(found: Finished, count: int) -> tuple[Tensor, ...]:
    """Inputs of pseudo-jets, by the generator of the run as it begins: no data is needed to quantise."""
    name = found.config.generator if found.config.generator in GENERATORS else "shower-prior"
    generator = GENERATORS[name].build(found.judge.card.inputs)
    rng = torch.Generator().manual_seed(found.config.seed)
    z = torch.randn(round(count / generator.acceptance), generator.latent_size, generator=rng)
    return _numbers(generator(z, rng).x)


@torch.no_grad()
def _require_equal(path: Path, network: nn.Module, found: Finished, preprocess: Preprocess) -> float:
    """Largest difference between torch and onnxruntime, on random and on real inputs, of one jet and of many."""
    batches = [*(random_inputs(preprocess.groups, n) for n in (1, 64)), _samples(found, 1), _samples(found, 500)]
    off = 0.0
    for x in batches:
        expected, said = network(*x), run_onnx(path, x, preprocess)
        scale = expected.abs().amax(0).clamp(min=1.0)  # regressed values have units
        off = max(off, float(((expected - said).abs() / scale).max()))
    if off > CLOSE:
        raise UserError(f"{path}: answers otherwise than the student (by {off:.2g}); do not use it, and tell us")
    return off


@torch.no_grad()
def _losses(out: Path, network: Answering, found: Finished, preprocess: Preprocess) -> dict[str, Any]:
    """Agreement of the exported students with the teacher and with the trained one, on the jets of the judge."""
    x = _samples(found, 5000)
    trained, teacher = network(*x), found.judge.teacher_says()
    classes = [i for i, name in enumerate(preprocess.outputs) if name in found.judge.card.classes]
    result: dict[str, Any] = {"jets": len(trained), "data": found.judge.source.name}
    for name, path in (("onnx", out / "model.onnx"), ("int8", out / "model-int8.onnx")):
        said = run_onnx(path, x, preprocess)
        entry: dict[str, Any] = {"bytes": path.stat().st_size}
        entry["difference"] = float((said - trained).abs().max())
        if classes:
            top = said[:, classes].argmax(1)
            entry["agreement_with_student"] = float((top == trained[:, classes].argmax(1)).double().mean())
            if teacher is not None:
                same = top == teacher.logits[: len(top)].argmax(1)
                entry["agreement_with_teacher"] = float(same.double().mean())
        result[name] = entry
    return result


def _latency(
    found: Finished, student: Path, preprocess: Preprocess, teacher_path: Path | None
) -> list[dict[str, Any]] | None:
    """Both in onnxruntime; None where the teacher is not there, or in no form that onnxruntime can run."""
    card = found.judge.card
    if not isinstance(card, TaggerCard) or found.judge.teacher is None:
        return None
    file, student_names = teacher_path or card.file(), [group.name for group in preprocess.groups]
    with tempfile.TemporaryDirectory() as place:
        try:
            path, how = _in_onnx(file, found.judge.teacher, preprocess, Path(place))
            taken = [i.name for i in session(path).get_inputs()]
            order = order_of(taken, preprocess.groups, path, path)

            def inputs(batch: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
                x = full(preprocess, batch)
                return {n: x[i] for n, i in zip(taken, order, strict=True)}, dict(zip(student_names, x, strict=True))

            rows = latency(path, student, inputs)
        except Exception as error:  # exporters and runtimes raise whatever their operators do
            first = " ".join(str(error).split())[:120]
            print(f"train.py: {file}: not timed, onnxruntime does not run it at all sizes ({first})", file=sys.stderr)
            return None
    return [row | {"teacher": how} for row in rows]


def _in_onnx(file: Path, teacher: nn.Module, preprocess: Preprocess, place: Path) -> tuple[Path, str]:
    """The teacher's network as ONNX, and whose export that is: CMS publishes both forms side by side."""
    if file.suffix == ".onnx":
        return file, "the publisher's ONNX"
    beside = file.with_suffix(".onnx")
    if beside.is_file() and _answers_alike(beside, teacher, preprocess):
        return beside, "the publisher's ONNX"
    return script_to_onnx(file, preprocess, place / "teacher.onnx"), "ONNX, exported from the publisher's TorchScript"


def _answers_alike(path: Path, teacher: nn.Module, preprocess: Preprocess) -> bool:
    """Whether a file is the teacher's network, and not another one that lies beside it."""
    assert isinstance(teacher, Tagger)
    try:
        run = session(path)
        order = order_of([i.name for i in run.get_inputs()], preprocess.groups, path, path)
        x = random_inputs(preprocess.groups, 8)
        said = torch.from_numpy(np.asarray(run.run(None, feeds(run, [x[i] for i in order]))[0]))
        return float(apart(teacher.network, x, said).median()) < CLOSE
    except Exception:
        return False
