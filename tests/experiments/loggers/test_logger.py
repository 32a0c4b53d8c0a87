"""What loggers show of a run: names of classes, the recipe as a table, final metrics."""

from __future__ import annotations

from zskt.cli import parser
from zskt.experiments.loggers import LOGGERS
from zskt.experiments.loggers.logger import RunDescription, final_metrics


def test_the_command_line_knows_every_logger() -> None:
    assert set(parser.LOGGERS) == set(LOGGERS)


def test_the_share_of_a_class_goes_by_its_name() -> None:
    run = RunDescription(classes=("QCD", "H/bb", "top", "top"))
    assert run.named("teacher_class/0") == "teacher_class/QCD"
    assert run.named("teacher_class/1") == "teacher_class/H_bb"
    # Two classes of one name stay two curves, and a number without a class stays a number.
    assert [run.named(f"teacher_class/{k}") for k in (2, 3)] == [
        "teacher_class/top (2)",
        "teacher_class/top (3)",
    ]
    for other in ("teacher_class/4", "teacher_classes", "loss/student", "test/teacher_class/0"):
        assert run.named(other) == other
    assert RunDescription(classes=("a\x1b[31m",)).named("teacher_class/0") == "teacher_class/a\\x1b[31m"


def test_settings_are_written_as_numbers_and_words() -> None:
    run = RunDescription(values={"seed": 3, "lr": 0.5, "ema": True, "terms": {"a": 1.0, "b": 2.0}, "radius": None})
    assert run.simple() == {"seed": 3, "lr": 0.5, "ema": True, "terms": "a=1.0, b=2.0"}
    assert run.table().splitlines()[2:] == [
        "| seed | 3 |",
        "| lr | 0.5 |",
        "| ema | True |",
        "| terms | a=1.0, b=2.0 |",
        "| radius | – |",
    ]
    assert RunDescription(values={"teacher": "a|<b>"}).table().endswith("| teacher | a\\|&lt;b> |")


def test_final_metrics_are_those_that_the_result_has() -> None:
    result = {"student": {"agreement": 0.5, "kl": None, "name": "pfn"}, "teacher": {"accuracy": 1}, "steps": 15}
    assert final_metrics(result) == {"final/student agreement": 0.5, "final/teacher accuracy": 1.0, "final/steps": 15.0}
    assert final_metrics({}) == {}
