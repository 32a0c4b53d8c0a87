"""TensorBoard: scalars, a layout of them, pictures, a projector, and the table of hyperparameters and final metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zskt.experiments.event_writer import EVENTS, close_writer, open_writer
from zskt.experiments.loggers.hyperparameters import begun, columns, ended
from zskt.experiments.loggers.logger import Logger, Projection, RunDescription, final_metrics
from zskt.storage.files import write_text
from zskt.storage.whole_files import naming

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LAYOUT = {
    "1 Test samples": {
        "agreement with the teacher": ["Multiline", ["test/agreement"]],
        "accuracy, and the teacher's": ["Multiline", ["test/accuracy", "test/teacher_accuracy"]],
        "AUC, and the teacher's": ["Multiline", ["test/auc", "test/teacher_auc"]],
        "KL(teacher || student), nats": ["Multiline", ["test/kl"]],
    },
    "2 Student's loss": {"loss of the last student step": ["Multiline", ["loss/student"]]},
    "3 Pseudo-samples": {
        "agreement": ["Multiline", ["agreement/pseudo"]],
        "KL(teacher || student), nats": ["Multiline", ["kl/pseudo", "kl/generator"]],
        "mean top probability": ["Multiline", ["confidence/teacher", "confidence/student"]],
        "share of each class in the teacher's answers": ["Multiline", ["teacher_class/.*"]],
    },
    "4 Cost": {
        "teacher queries": ["Multiline", ["teacher_queries"]],
        "learning rates": ["Multiline", ["rate/student", "rate/generator"]],
    },
}
"""TensorBoard's page "Custom scalars": categories, charts, and the regular expressions of the metrics in each."""


class TensorBoard(Logger):
    """Events in the run's folder: ``tensorboard --logdir runs``."""

    def __init__(self, folder: Path, after: int | None) -> None:
        self.folder = folder
        self.writer = open_writer(folder, None if after is None else after + 1)
        self.file: Any = self.writer.file_writer

    def begin(self, description: RunDescription) -> None:
        """Write the recipe as text, the layout of the charts, and the run's line in the table of hyperparameters."""
        with naming(self.folder / EVENTS):
            self.writer.add_text("recipe", description.table(), 0)
            self.writer.add_custom_scalars(LAYOUT)
            for summary in (columns(), begun(description)):
                self.file.add_summary(summary)
            self.writer.flush()

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        with naming(self.folder / EVENTS):
            for name, value in values.items():
                self.writer.add_scalar(name, value, step)

    def figure(self, title: str, figure: Figure, step: int) -> None:
        with naming(self.folder / EVENTS):
            self.writer.add_figure(title, figure, step)

    def projection(self, title: str, projection: Projection, step: int) -> None:
        """Write what the projector reads: points, what is known of each, and where both are.

        PyTorch's ``add_embedding`` opens its file anew for each point.
        """
        from tensorboard.plugins.projector.projector_config_pb2 import EmbeddingInfo, ProjectorConfig

        points, known = f"projector-{title}.tsv", f"projector-{title}-labels.tsv"
        write_text(self.folder / points, _tsv([[f"{x:.6g}" for x in row] for row in projection.points.tolist()]))
        write_text(self.folder / known, _tsv([projection.heads, *projection.rows]))
        config = ProjectorConfig(embeddings=[EmbeddingInfo(tensor_name=title, tensor_path=points, metadata_path=known)])
        write_text(self.folder / "projector_config.pbtxt", str(config))

    def flush(self) -> None:
        with naming(self.folder / EVENTS):
            self.writer.flush()

    def finish(self, result: Mapping[str, Any], step: int) -> None:
        self.scalars(step, final_metrics(result))
        with naming(self.folder / EVENTS):
            self.file.add_summary(ended())
            close_writer(self.writer)


def _tsv(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of words that hold no tabulator as text."""
    return "".join("\t".join(row) + "\n" for row in rows)
