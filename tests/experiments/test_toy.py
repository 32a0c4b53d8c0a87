"""Belief matching in the plane: a student that sees no data finds the teacher's boundaries."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests.conftest import Call
from zskt.experiments.toy import HALF_SIDE, LearnedPoints, blobs, grid, grid_agreement, match, train_teacher
from zskt.results.records import read_records

REFERENCE = Path(__file__).parents[2] / "runs" / "reference"


def test_opposite_blobs_are_of_one_class() -> None:
    x, labels = blobs(3000, torch.Generator().manual_seed(0))
    means = torch.stack([x[labels == k].mean(0) for k in range(3)])
    assert means.abs().max() < 0.2  # two opposite centres cancel
    assert all(x[labels == k].norm(dim=1).mean() > 2 for k in range(3))


def test_points_stay_in_the_square() -> None:
    rng = torch.Generator().manual_seed(0)
    points = LearnedPoints(rng)
    with torch.no_grad():
        points.free.mul_(100)
    (x,) = points.sample(50, rng).x
    assert x.shape == (50, 2) and x.abs().max() <= HALF_SIDE and grid().abs().max() == HALF_SIDE


def test_a_student_finds_the_boundaries_from_pseudo_points_alone() -> None:
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    teacher, accuracy = train_teacher(rng, steps=200)
    assert accuracy > 0.95
    matched = match(teacher, 0, rng, iterations=60)
    assert matched.agreements[0] < 0.6 and matched.agreements[-1] > 0.9 and len(matched.agreements) == 7
    assert grid_agreement(teacher, teacher) == 1.0


def test_toy_mode_leaves_pictures_and_refuses_to_overwrite(call: Call) -> None:
    code, out, err = call("--mode", "toy", "--iterations", 10, "--out", "toy")
    assert code == 0, err
    assert "of the square" in out and Path("toy/toy.png").stat().st_size > 10_000
    result = json.loads(Path("toy/result.json").read_text())
    assert (result["mode"], result["method"], result["iterations"]) == ("toy", "zskt", 10)
    code, _, err = call("--mode", "toy", "--out", "toy")
    assert code == 2 and "nothing is overwritten" in err


def test_the_reference_runs_reach_what_the_documentation_says() -> None:
    runs = [record.result for record in read_records(REFERENCE) if record.result.mode == "toy"]
    assert len(runs) >= 3
    assert all((run.student.agreement or 0) >= 0.95 for run in runs)
