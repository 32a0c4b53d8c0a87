"""The game in the plane: a student that sees no data finds the teacher's boundaries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch

from zskt.experiments.toy import SQUARE, Points, agreement, blobs, match, square, train_teacher
from zskt.results.records import read_records

Call = Callable[..., tuple[int, str, str]]
REFERENCE = Path(__file__).parent.parent / "runs" / "reference"


def test_opposite_blobs_are_of_one_class() -> None:
    x, labels = blobs(3000, torch.Generator().manual_seed(0))
    means = torch.stack([x[labels == k].mean(0) for k in range(3)])
    assert means.abs().max() < 0.2  # two opposite centres cancel
    assert all(x[labels == k].norm(dim=1).mean() > 2 for k in range(3))


def test_points_stay_in_the_square() -> None:
    points = Points(torch.Generator().manual_seed(0))
    with torch.no_grad():
        points.free.mul_(100)
    assert points().abs().max() <= SQUARE


def test_a_student_finds_the_boundaries_from_pseudo_points_alone() -> None:
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    teacher, accuracy = train_teacher(rng, steps=200)
    assert accuracy > 0.95
    found = match(teacher, rng, turns=60)
    assert found.agreements[0] < 0.6 and found.agreements[-1] > 0.9
    assert agreement(teacher, teacher, square()) == 1.0


def test_toy_mode_leaves_pictures_and_refuses_to_overwrite(call: Call) -> None:
    code, out, err = call("--mode", "toy", "--pseudo-batches", 10, "--out", "toy")
    assert code == 0, err
    assert "of the square" in out and Path("toy/toy.png").stat().st_size > 10_000
    assert json.loads(Path("toy/result.json").read_text())["mode"] == "toy"
    code, _, err = call("--mode", "toy", "--out", "toy")
    assert code == 2 and "nothing is overwritten" in err


def test_the_reference_runs_reach_what_the_readme_says() -> None:
    runs = [record.result for record in read_records(REFERENCE) if record.result.mode == "toy"]
    assert len(runs) >= 3
    assert all((run.student.agreement or 0) >= 0.95 for run in runs)
