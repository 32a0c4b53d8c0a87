"""Run folders of imagined runs, with results and logged curves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.results.conftest import result
from zskt.experiments.result import NetworkScores
from zskt.storage.files import write_json


def leave_run(folder: Path, *, agreement: float, seed: int = 0, every: int = 100, **entries: Any) -> Path:
    """Leave a run with three points of its curves: agreement rises to its last value."""
    student = NetworkScores(name="s", agreement=agreement, accuracy=agreement - 0.1, auc=0.9, kl=1 - agreement)
    values = {"training_seconds": 120.0, "processor_seconds": 130.0, "peak_memory": 512.0}
    left = result(student=student, seed=seed, **(values | entries))
    folder.mkdir(parents=True)
    write_json(folder / "result.json", left.to_dict())
    lines = [
        {"step": i, "test/agreement": agreement * i / 3, "test/accuracy": 0.1 * i, "test/kl": 1 / i,
         "teacher_queries": every * i, "steps": 7 * i, "training_seconds": 40.0 * i + seed}
        for i in (1, 2, 3)
    ]  # fmt: skip
    lines.insert(1, {"step": 1, "loss/student": 1.0})
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder
