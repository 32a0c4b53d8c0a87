"""Mode ``export``: the student of a finished run for other software, checked in onnxruntime.

It writes ``model.onnx`` (any number of samples, of jets any number of particles) with ``preprocess.json`` (of jets in
CMS's layout) and ``labels.txt``, ``model-int8.onnx`` (onnxruntime's static quantisation, calibrated on
pseudo-samples), ``student.safetensors``, a model card ``README.md``, ``export.json`` with what was measured, and an
hls4ml project of a student `DeepSets`.

Shapes: B samples, K classes, R regressed values.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zskt.contracts import Batch
from zskt.dataset import drawn_rows
from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import FinishedRun, open_run
from zskt.export import EXPORTERS
from zskt.export.beside_whole import beside_whole
from zskt.export.hls4ml import hls_project, require_agreement, require_hls4ml
from zskt.export.latency import latency
from zskt.export.model_card import model_card
from zskt.export.onnx import quantise
from zskt.export.student import ExportSpec
from zskt.networks.compression.fixed_point import FixedPoint
from zskt.networks.deep_sets import DeepSets
from zskt.onnx_runtime import N_TRACE_SAMPLES, run_onnx, write_onnx
from zskt.storage.files import write_json, write_text
from zskt.storage.folder_lock import filling
from zskt.storage.run_files import STUDENT
from zskt.storage.whole_files import telling_full_disk
from zskt.terminal import note

EXPORT_TOLERANCE = 1e-5
"""Largest difference between exported and trained student, in probabilities."""
MOST_BY_ROUNDING = 1e-3
"""The same of students whose outputs move by more than `EXPORT_TOLERANCE` when their inputs are rounded: as observables
are, ratios of small numbers. They may differ by as much as that, up to this."""
MAX_TIED_SHARE = 0.02
"""Share of samples that may differ more, for students with `ExportSpec.has_neighbour_search`."""
MAX_ROUNDED_SHARE = 0.05
"""The same for quantised students: half-way between two numbers of the grid, rounding errors decide which one it is."""
N_INT8_CALIBRATION = 512
"""Pseudo-samples that set the ranges of the int8 student."""
INT8_LARGER = (
    "larger than model.onnx: in so small a network scales and conversions take more bytes than weights of 8 bits save"
)
"""Why a network may grow when it is quantised."""
N_COMPARED = 500
"""Test samples on which the exported student is compared with the trained one."""
N_AGREEMENT = 5000
"""Test samples on which the agreement of the exported students with teacher and trained student is measured."""
N_EMULATED = 1000
"""Test samples on which the firmware is emulated."""


def export_run(
    run_folder: Path, out: Path, catalog: Catalog, data: Path | None = None, teacher_path: Path | None = None
) -> Path:
    """Write the folder of an exported student; what was measured is in its ``export.json``.

    Args:
        out: a new or empty folder.
        data: samples on which the loss by quantisation is measured. None takes the images that the run was evaluated
            on, or the jets that ship with zskt; where there are none, nothing is judged, and a line says so.

    Raises:
        UserError: if the folder is not empty, or the run or its student cannot be exported. If the emulated firmware
            is not the student, too, but then the folder is there.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: is a file; name a folder")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"--out {out}: the folder is not empty; name another")
    run = open_run(run_folder, catalog, data=data, teacher_path=teacher_path)
    require_hls4ml(run.student)
    if run.evaluator.look() is not None:
        note(f"zskt: {run.evaluator.missing}; without it the exported student is not judged")
    domain = run.card.domain
    if domain not in EXPORTERS:
        raise UserError(f"{run_folder}: students of {domain} cannot be exported; take student.safetensors")
    spec = EXPORTERS[domain](run, teacher_path, N_INT8_CALIBRATION)
    with filling(out) as folder, telling_full_disk(folder):
        measured = _write(folder, run, spec)
    if "hls4ml" in measured:
        require_agreement(measured["hls4ml"], out / "hls4ml")
    return out


def _write(out: Path, run: FinishedRun, spec: ExportSpec) -> dict[str, Any]:
    """Write all files of a student into an empty folder, and return what was measured."""
    model, int8 = out / "model.onnx", out / "model-int8.onnx"
    used = write_onnx(spec.network, spec.input_names, spec.dynamic_axes, spec.random_inputs(N_TRACE_SAMPLES), model)
    measured = _require_equal(model, spec, _size(run, spec))
    quantise(model, int8, spec.input_names, spec.calibration, has_units=spec.has_units)
    measured |= {"data": run.evaluator.source.name} | _agreement({"onnx": model, "int8": int8}, run, spec)
    measured["latency"] = _latency(model, spec)
    if run.config.compression:
        exporter, files = EXPORTERS[run.card.domain], {"onnx": model, "int8": int8}
        measured["beside_whole"] = beside_whole(run, spec, files, lambda other: exporter(other, None, N_TRACE_SAMPLES))
    if not isinstance(spec.student, DeepSets) and any(isinstance(m, DeepSets) for m in spec.student.modules()):
        note("zskt: no hls4ml project: it is made of one choice of classes, not of labels or values")
    if isinstance(spec.student, DeepSets):
        rows = drawn_rows(_size(run, spec), N_EMULATED)
        x = spec.calibration if spec.test_inputs is None else spec.test_inputs(rows)
        measured["hls4ml"] = hls_project(spec.student, x, out / "hls4ml")
    write_json(out / "preprocess.json", spec.preprocess(used))
    write_text(out / "labels.txt", "".join(f"{c.removeprefix('label_')}\n" for c in run.card.classes))
    shutil.copyfile(run.folder / STUDENT, out / STUDENT)
    write_json(out / "export.json", measured)
    write_text(out / "README.md", model_card(run, spec, measured))
    return measured


def _size(run: FinishedRun, spec: ExportSpec) -> int:
    """Return how many samples the run is evaluated on."""
    return 0 if spec.test_inputs is None else len(run.evaluator.data)


@torch.no_grad()
def _require_equal(path: Path, spec: ExportSpec, size: int) -> dict[str, Any]:
    """Measure the largest difference between torch and onnxruntime, on random and on real inputs, of one and of many.

    Where there are no real ones, pseudo-samples take their place.

    Args:
        size: number of the real ones.

    For a student with a neighbour search, or whose numbers are on a grid, samples with ties are counted and left out.

    Raises:
        UserError: if they differ by more than rounding does.
    """
    batches = [spec.random_inputs(1), spec.random_inputs(64), spec.calibration]
    if spec.test_inputs is not None:
        batches[2:] = [spec.test_inputs(drawn_rows(size, count)) for count in (1, N_COMPARED)]
    differences, by_rounding = [], 0.0
    for x in batches:
        expected, exported = spec.network(*x), run_onnx(path, spec.input_names, x)
        scale = expected.abs().amax(0).clamp(min=1.0)  # regressed values have units
        differences.append(((expected - exported).abs() / scale).amax(1))
        by_rounding = max(by_rounding, float(((expected - spec.network(*_rounded(x))).abs() / scale).max()))
    difference = torch.cat(differences)
    rounds = any(isinstance(module, FixedPoint) for module in spec.network.modules())
    may_tie, most = spec.has_neighbour_search or rounds, MAX_ROUNDED_SHARE if rounds else MAX_TIED_SHARE
    tolerance = EXPORT_TOLERANCE if may_tie else max(EXPORT_TOLERANCE, min(by_rounding, MOST_BY_ROUNDING))
    tied = difference > tolerance if may_tie else torch.zeros_like(difference, dtype=torch.bool)
    largest = float(difference[~tied].max()) if bool((~tied).any()) else float(difference.max())
    if largest > tolerance or tied.double().mean() > most:
        raise UserError(
            f"{path.name}: its outputs would differ from the student's (by {difference.max():.2g}, where rounding "
            f"makes {tolerance:.2g}); nothing is exported; tell us"
        )
    return {"difference": largest} | ({"ties": int(tied.sum()), "compared": len(difference)} if may_tie else {})


def _rounded(x: Batch) -> Batch:
    """Move each number of a batch by one rounding, up or down at random; zeros stay."""
    rng = torch.Generator().manual_seed(0)
    signs = [2 * torch.randint(2, t.shape, generator=rng) - 1 for t in x]
    return tuple(t * (1 + torch.finfo(t.dtype).eps * sign) for t, sign in zip(x, signs, strict=True))


@torch.no_grad()
def _agreement(exported: dict[str, Path], run: FinishedRun, spec: ExportSpec) -> dict[str, Any]:
    """Measure the agreement of exported students with the teacher and with the trained student, on test samples.

    Where there are none, they are compared with the student alone, on pseudo-samples.
    """
    rows = drawn_rows(_size(run, spec), N_AGREEMENT)
    x = spec.calibration if spec.test_inputs is None else spec.test_inputs(rows)
    trained, teacher = spec.network(*x), run.evaluator.teacher_predictions()
    classes = [spec.output_names.index(name) for name in run.card.classes]
    result: dict[str, Any] = {"count": len(rows), "of": _size(run, spec), "unit": run.evaluator.source.unit}
    if spec.test_inputs is None:
        result["missing"] = run.evaluator.missing
    for name, path in exported.items():
        outputs = run_onnx(path, spec.input_names, x)
        entry: dict[str, Any] = {"bytes": path.stat().st_size, "difference": float((outputs - trained).abs().max())}
        if classes:
            top = _decisions(outputs[:, classes], run.card.bernoulli)
            own = _decisions(trained[:, classes], run.card.bernoulli)
            where = "_on_pseudo_samples" if spec.test_inputs is None else ""
            entry[f"agreement_with_student{where}"] = float((top == own).double().mean())
            if teacher is not None:
                same = top == teacher.logits[rows].argmax(-1)
                entry["agreement_with_teacher"] = float(same.double().mean())
        result[name] = entry
    if result["int8"]["bytes"] > result["onnx"]["bytes"]:
        result["int8"]["note"] = INT8_LARGER
    return result


def _decisions(p: Tensor, bernoulli: bool) -> Tensor:
    """Return the top classes of probabilities (B, K), (B,); of independent labels 0 for yes and 1 for no, (B, L)."""
    return (p <= 0.5).long() if bernoulli else p.argmax(1)


def _latency(student: Path, spec: ExportSpec) -> list[dict[str, Any]] | None:
    """Time both in onnxruntime; None if the teacher is not there, or onnxruntime cannot run it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            teacher = spec.teacher_as_onnx(Path(folder))
            if teacher is None:
                return None
            path, origin = teacher
            rows = latency(
                path, student, lambda batch: dict(zip(spec.input_names, spec.largest_inputs(batch), strict=True))
            )
        except Exception as error:  # exporters and runtimes raise whatever their operators do
            message = " ".join(str(error).split())[:120]
            note(f"zskt: teacher not timed, onnxruntime does not run it at all sizes ({message})")
            return None
    return [row | {"teacher": origin} for row in rows]
