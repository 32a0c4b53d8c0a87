"""The page of a comparison, its JSON and its CSV."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.results.compare.imagined import leave_run
from zskt.experiments.config import RunConfig
from zskt.results.compare.group import Group, read_groups
from zskt.results.compare.page import Circumstances, limits_in_words, sentences, write_comparison
from zskt.results.compare.table import head_and_rows, split_costs, verdict_rows
from zskt.storage.files import read_json, write_json


def groups(folder: Path, seeds: int = 3) -> list[Group]:
    """Return two methods and the reference; the first is ahead by far."""
    agreements = {"zskt": 0.8, "dafl": 0.3, "kd": 0.9}
    runs = {}
    for name, agreement in agreements.items():
        more = {"mode": "kd", "generator": None} if name == "kd" else {}
        runs[name] = [
            leave_run(folder / f"{name}{seed}", agreement=agreement + 0.01 * seed, seed=seed, method=name, **more)
            for seed in range(seeds)
        ]
    return read_groups(runs)


FAILURES = {"cmi": {"reason": "the teacher has no normalisation", "refused": True},
            "nayer, seed 1": {"reason": "stopped at iteration 3", "refused": False}}  # fmt: skip


def test_the_table_has_the_best_first_and_those_with_data_last(tmp_path: Path) -> None:
    head, rows = head_and_rows(groups(tmp_path))
    assert [row[0] for row in rows] == ["zskt", "dafl", "kd", "teacher t"]
    first = dict(zip(head, rows[0], strict=True))
    assert first["agreement"] == "0.8100 ± 0.0100" and first["of kd's agreement"] == "0.890"
    assert first["teacher queries"] == "1 000" and first["minutes"] == "2.0" and first["memory, MiB"] == "512"
    assert first["seeds"] == "3" and rows[2][1] == "learned from data"
    assert dict(zip(head, rows[-1], strict=True))["accuracy"] == "0.7000"


def test_figures_and_costs_are_two_tables_of_a_page(tmp_path: Path) -> None:
    (head, rows), (cost_head, cost_rows) = split_costs(*head_and_rows(groups(tmp_path)))
    assert head == ["", "agreement", "accuracy", "AUC", "KL (nats)", "of kd's agreement", "seeds"]
    assert cost_head == ["", "generator", "teacher queries", "student steps", "minutes", "memory, MiB"]
    assert cost_rows[0] == ["zskt", "mlp", "1 000", "70", "2.0", "512"] and len(rows) == len(cost_rows) + 1


def test_the_table_of_who_is_ahead(tmp_path: Path) -> None:
    head, rows = verdict_rows(groups(tmp_path / "three"))
    assert head == ["", "agreement", "accuracy", "AUC", "KL (nats)"] and [row[0] for row in rows] == ["zskt", "dafl"]
    assert rows[0][1] == "best" and rows[1][1].startswith("-0.5000, p = ") and rows[1][1].endswith(" *")
    assert rows[1][3] == "equal" and rows[1][4].startswith("+0.5000, p = ")
    assert verdict_rows(groups(tmp_path / "one", seeds=1))[1][1][1] == "-0.5000, no spread"


def test_what_is_ahead_is_said_in_prose(tmp_path: Path) -> None:
    assert sentences(groups(tmp_path / "three")) == [
        "In agreement, zskt is first. It is ahead beyond the spread of dafl."
    ]
    (said,) = sentences(groups(tmp_path / "one", seeds=1))
    assert said.endswith("One seed has no spread, so nothing can be said of its lead over dafl.")


def test_the_page_says_what_was_equal_what_is_ahead_and_what_could_not_play(tmp_path: Path) -> None:
    found = groups(tmp_path)
    config = RunConfig(preset="p").with_(temperature=4.0, student_lr=0.5)
    write_json(tmp_path / "zskt0" / "config.json", config.to_dict())
    circumstances = Circumstances(command="python train.py --mode compare", budget={"minutes": 20.0, "queries": 5000},
                                  failures=FAILURES, notes=["A note."])  # fmt: skip
    picture = {"title": "Pseudo-samples of dafl", "png": "AAAA", "note": "Seed 0."}
    page = write_comparison(tmp_path / "out", found, circumstances, [picture]).read_text().replace("\u00a0", " ")
    for text in (
        "Methods compared: t to s", "20 minutes of time in the method and 5 000 teacher queries", "A note.",
        "ahead beyond the spread", "choose nothing", "the teacher has no normalisation", "Pseudo-samples of dafl",
        "temperature = 4.0, student_lr = 0.5", "its seed&#39;s weights", "data:image/png;base64",
        "python train.py --mode compare",
    ):  # fmt: skip
        assert text in page, text
    assert "http" not in page  # it needs no other file
    curves = "learning-curves-agreement-with-the-teacher-by-student-steps"
    assert all((tmp_path / "out" / "comparison" / f"{curves}.{kind}").is_file() for kind in ("svg", "pdf", "csv"))


def test_json_and_csv_hold_every_run_and_curve(tmp_path: Path) -> None:
    write_comparison(tmp_path / "out", groups(tmp_path), Circumstances(failures=FAILURES))
    figures = read_json(tmp_path / "out" / "comparison.json")
    first = figures["entrants"][0]
    assert first["entrant"] == "zskt" and [run["seed"] for run in first["runs"]] == [0, 1, 2]
    assert first["runs"][1]["run"] == "zskt1" and first["runs"][1]["training_seconds"] == 120.0
    x, mean, deviation = first["curves"]["agreement"]["minutes"][-1]
    assert (round(x, 4), round(mean, 4), round(deviation, 4)) == (round(121 / 60, 4), 0.81, 0.01)
    assert figures["verdicts"]["kl"][0]["best"] == "zskt" and figures["failures"] == FAILURES
    lines = list(csv.DictReader((tmp_path / "out" / "comparison.csv").open()))
    assert len(lines) == 9 and lines[0]["entrant"] == "zskt" and lines[0]["teacher_queries"] == "1000"


def test_limits_are_said_in_words() -> None:
    assert limits_in_words({"minutes": 1.0}, " of time") == ["1 minute of time"]
    assert limits_in_words({"minutes": 0.5, "queries": 20_000}) == ["0.5 minutes", "20 000 teacher queries"]
    assert limits_in_words({"minutes": None, "queries": None}) == []
