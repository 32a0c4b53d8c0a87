"""Export of students to ONNX, int8 and FPGAs: an exporter for each domain."""

from collections.abc import Callable
from pathlib import Path

from zskt.experiments.finished import FinishedRun
from zskt.export.frames import export_frames
from zskt.export.images import export_images
from zskt.export.jets import export_jets
from zskt.export.student import ExportSpec
from zskt.export.vectors import export_vectors

__all__ = ["EXPORTERS"]

EXPORTERS: dict[str, Callable[[FinishedRun, Path | None, int], ExportSpec]] = {
    "jets": export_jets,
    "images": export_images,
    "vectors": export_vectors,
    "frames": export_frames,
}
"""For each domain, a function that describes the student of a run to the exporter, from the run, the path of the
teacher's file where the user gave one, and the number of pseudo-samples for calibration."""
