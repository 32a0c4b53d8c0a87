"""The table at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zskt.experiments.summary import figure, summary, written

TEACHER: dict[str, Any] = {"name": "big", "parameters": 61706, "accuracy": 0.98765, "auc": None, "ms_per_sample": 0.5}
STUDENT: dict[str, Any] = {**TEACHER, "name": "small", "parameters": 12, "agreement": 0.5, "kl": 0.25}
DATA = {"name": "a.root", "sha256": None, "count": 40, "unit": "jet"}


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (1234567, "1 234 567"), (0.98765, "0.9877"), (0, "0")])
def test_figures_are_written_as_in_tables(value: float | int | None, text: str) -> None:
    assert written(value) == text


def test_both_networks_stand_side_by_side() -> None:
    lines = summary({"data": DATA, "teacher": TEACHER, "student": STUDENT}, Path("runs/a")).strip().splitlines()
    assert lines[0] == "on 40 jets of a.root:" and lines[-1] == "run: runs/a"
    assert lines[2].split() == ["teacher", "big", "61", "706", "0.9877", "–", "–", "–", "0.5000"]
    assert lines[3].split() == ["student", "small", "12", "0.9877", "–", "0.5000", "0.2500", "0.5000"]
    assert len({len(line) for line in lines[1:4]}) == 1 and lines[1].endswith("ms per jet")


def test_a_teacher_of_trees_has_no_count_of_parameters() -> None:
    lines = summary({"data": DATA, "teacher": TEACHER | {"parameters": 0}, "student": STUDENT}, Path("r")).splitlines()
    assert lines[3].split()[:4] == ["teacher", "big", "–", "0.9877"]
    assert (
        figure({"parameters": 0, "accuracy": 0.0}, "accuracy") == 0.0 and figure({"parameters": 7}, "parameters") == 7
    )


def test_older_results_are_read_and_a_teacher_that_only_gave_its_name_is_left_out() -> None:
    old = {"data": {"name": "mnist test", "images": 9}, "teacher": {"name": "big"}}
    student = {"name": "small", "ms_per_image": 0.5, "values": {"mass": {"correlation": 0.5, "median_difference": 2}}}
    text = summary(old | {"student": student}, Path("here"))
    assert "on 9 images of mnist test:" in text and "ms per image" in text and "0.5000" in text
    assert "big" not in text
    assert "mass: correlation with the teacher's 0.5000, median difference 2" in text


def test_a_run_that_nobody_judged_says_why_and_how() -> None:
    nothing = DATA | {"count": 0, "unit": "image", "missing": "mnist: cannot fetch it"}
    student = {"name": "small", "parameters": 12, "agreement": None, "kl": None}
    text = summary({"data": nothing, "teacher": {"name": "big"}, "student": student}, Path("runs/a"))
    assert "nothing was judged (mnist: cannot fetch it), later by: --mode evaluate --run runs/a --data PATH" in text
    text = summary({"data": nothing, "teacher": {"name": "big"}, "student": student}, Path("my runs/a"))
    assert "--run 'my runs/a' --data PATH" in text  # to be copied into a shell
    assert text.endswith("\nrun: my runs/a")


def test_figures_of_independent_labels_say_what_they_count() -> None:
    result = {"data": DATA | {"counted": "labels"}, "teacher": TEACHER, "student": STUDENT}
    line = "accuracy and agreement: shares of decisions on independent labels, label by label, not of samples"
    assert line in summary(result, Path("runs/a")).splitlines()
    assert "label by label" not in summary(result | {"data": DATA}, Path("runs/a"))
