"""Mode ``export``: a finished run's student for use elsewhere, checked after it has left.

Writes ``model.onnx`` (any number of samples, of jets any number of particles) with ``preprocess.json`` (of jets in
CMS's layout) and ``labels.txt``, ``model-int8.onnx`` (onnxruntime's static quantisation, calibrated on
pseudo-samples), ``student.safetensors``, a model card ``README.md``, ``export.json`` with what was measured, and, of
``deepsets``, an hls4ml project.

Shapes: B samples, K classes, R regressed values.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from zskt.errors import UserError
from zskt.experiments.finished import FinishedRun, finished
from zskt.experiments.runner import choose_device
from zskt.export.hls4ml import hls_project, require_hls4ml
from zskt.export.images import export_images
from zskt.export.jets import export_jets
from zskt.export.latency import latency
from zskt.export.model_card import model_card
from zskt.export.onnx import quantise
from zskt.export.student import SEVERAL, ExportSpec
from zskt.files import write_json
from zskt.networks.deep_sets import DeepSets
from zskt.onnx_runtime import run_onnx, write_onnx

CLOSE = 1e-5
"""How far the exported student may be from the one that was trained, in probabilities."""
TIES = 0.02
"""Share of samples that may be further away, for a student that looks for neighbours: see `ExportSpec.ties`."""
CALIBRATION = 512
"""Pseudo-samples on which the int8 student's ranges are set."""
COMPARED, JUDGED = 500, 5000
"""Samples of the judge on which the exported student is compared with the trained one, and with the teacher."""
EMULATED = 1000

EXPORTERS: dict[str, Callable[[FinishedRun, Path | None, int], ExportSpec]] = {
    "jets": export_jets,
    "images": export_images,
}
"""Of a domain, how its students leave."""


def export_run(run: Path, out: Path, data: Path | None, teacher_path: Path | None) -> Path:
    """Write the folder; what was measured is in its ``export.json``.

    Args:
        out: a new or empty folder.
        data: samples on which the loss by quantisation is stated; without it, images where the run found them or their
            publisher has them, the jets that ship.

    Raises:
        UserError: if the folder is taken, or the run or its student cannot leave.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out}: the folder is not empty; name another")
    found = finished(run, data, teacher_path, choose_device("cpu"), {})
    require_hls4ml(found.student)
    leaving = EXPORTERS[found.judge.card.domain](found, teacher_path, CALIBRATION)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as place:
        whole = Path(place) / "student"
        whole.mkdir()
        _write(whole, found, leaving)
        if out.is_dir():  # empty
            out.rmdir()
        whole.replace(out)  # all of it or nothing
    return out


def _write(out: Path, found: FinishedRun, leaving: ExportSpec) -> None:
    """All files of a student that has been made ready, into an empty folder."""
    model, small = out / "model.onnx", out / "model-int8.onnx"
    used = write_onnx(leaving.network, leaving.names, leaving.axes, leaving.random(SEVERAL), model)
    measured = _require_equal(model, leaving)
    quantise(model, small, leaving.names, leaving.pseudo)
    measured |= {"data": found.judge.source.name} | _losses({"onnx": model, "int8": small}, found, leaving)
    measured["latency"] = _latency(model, leaving)
    if isinstance(found.student, DeepSets):
        measured["hls4ml"] = hls_project(found.student, leaving.samples(EMULATED), out / "hls4ml")
    write_json(out / "preprocess.json", leaving.describe(used))
    (out / "labels.txt").write_text("".join(f"{c.removeprefix('label_')}\n" for c in found.judge.card.classes))
    shutil.copyfile(found.run / "student.safetensors", out / "student.safetensors")
    write_json(out / "export.json", measured)
    (out / "README.md").write_text(model_card(found, measured))


@torch.no_grad()
def _require_equal(path: Path, leaving: ExportSpec) -> dict[str, Any]:
    """Largest difference between torch and onnxruntime, on random and on real inputs, of one and of many.

    Of a student that looks for neighbours, samples with ties are counted and left out.

    Raises:
        UserError: if they differ by more than rounding does.
    """
    batches = [leaving.random(1), leaving.random(64), leaving.samples(1), leaving.samples(COMPARED)]
    apart = []
    for x in batches:
        expected, said = leaving.network(*x), run_onnx(path, leaving.names, x)
        scale = expected.abs().amax(0).clamp(min=1.0)  # regressed values have units
        apart.append(((expected - said).abs() / scale).amax(1))
    each = torch.cat(apart)
    tied = each > CLOSE if leaving.ties else torch.zeros_like(each, dtype=torch.bool)
    off = float(each[~tied].max()) if bool((~tied).any()) else float(each.max())
    if off > CLOSE or tied.double().mean() > TIES:
        raise UserError(f"{path}: answers otherwise than the student (by {each.max():.2g}); do not use it, and tell us")
    return {"difference": off} | ({"ties": int(tied.sum()), "compared": len(each)} if leaving.ties else {})


@torch.no_grad()
def _losses(exported: dict[str, Path], found: FinishedRun, leaving: ExportSpec) -> dict[str, Any]:
    """Agreement of the exported students with the teacher and with the trained one, on samples of the judge."""
    x = leaving.samples(JUDGED)
    trained, teacher = leaving.network(*x), found.judge.teacher_says()
    classes = [i for i, name in enumerate(leaving.outputs) if name in found.judge.card.classes]
    result: dict[str, Any] = {f"{found.judge.source.unit}s": len(trained)}
    for name, path in exported.items():
        said = run_onnx(path, leaving.names, x)
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


def _latency(student: Path, leaving: ExportSpec) -> list[dict[str, Any]] | None:
    """Both in onnxruntime; None where the teacher is not there, or in no form that onnxruntime can run."""
    with tempfile.TemporaryDirectory() as place:
        try:
            teacher = leaving.teacher(Path(place))
            if teacher is None:
                return None
            path, whose = teacher
            rows = latency(path, student, lambda batch: dict(zip(leaving.names, leaving.full(batch), strict=True)))
        except Exception as error:  # exporters and runtimes raise whatever their operators do
            first = " ".join(str(error).split())[:120]
            print(f"train.py: teacher not timed, onnxruntime does not run it at all sizes ({first})", file=sys.stderr)
            return None
    return [row | {"teacher": whose} for row in rows]
