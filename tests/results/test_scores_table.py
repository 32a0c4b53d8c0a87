"""One table of several results, in every format."""

from __future__ import annotations

import csv
import io
import json

from zskt.results.printed_table import FORMATS, PrintedTable, as_latex, as_text
from zskt.results.scores_table import scored_runs, scores_table

DATA = {"name": "sample_1.root"}
TEACHER = {"name": "t", "parameters": 51032, "accuracy": 0.7, "auc": 0.95}
RESULTS = [
    (f"runs/{name}", {"data": DATA, "teacher": TEACHER, "student": {"name": "s", "accuracy": 0.6 + i, "kl": None}})
    for i, name in enumerate("ab")
]


def test_the_teacher_stands_once_above_its_students() -> None:
    lines = as_text(scores_table(RESULTS)).splitlines()
    assert [line.split()[0] for line in lines] == ["run", "teacher", "runs/a", "runs/b"]
    assert "51 032" in lines[1] and "0.7000" in lines[1] and "–" in lines[2]
    assert len({len(line) for line in lines}) == 1


def test_csv_and_json_have_every_digit_under_the_names_of_results() -> None:
    rows = scores_table(RESULTS)
    table = list(csv.DictReader(io.StringIO(FORMATS["csv"](rows))))
    assert table[2]["run"] == "runs/b" and table[2]["accuracy"] == "1.6" and table[1]["kl"] == ""
    assert json.loads(FORMATS["json"](rows))[0]["parameters"] == 51032


def test_latex_is_a_table_whose_characters_are_escaped() -> None:
    text = FORMATS["latex"](scores_table(RESULTS))
    assert text.startswith("\\begin{tabular}{lllrrrrrrr}\n\\toprule\n") and text.endswith("\\end{tabular}")
    assert "sample\\_1.root" in text and all(line.endswith("\\\\") for line in text.splitlines()[2:3])
    assert as_latex(PrintedTable(["a"], [["50 % ± 1"]], 1, [])).splitlines()[4] == "50 \\% $\\pm$ 1 \\\\"


def files_of(teacher: str, sha256: str, data: str = "/d/test.csv") -> dict[str, dict[str, str | None]]:
    return {"teacher": {"path": teacher, "sha256": sha256}, "data": {"path": data, "sha256": "d"}}


def test_two_teachers_of_one_name_are_two_rows_named_by_where_they_lie() -> None:
    files = [files_of("/r/a/x/net.onnx", "aa"), files_of("/r/b/x/net.onnx", "bb"), files_of("/q/net.onnx", "aa")]
    results = [*RESULTS, ("runs/c", RESULTS[0][1])]
    rows = scored_runs(results, files)
    assert [(row.run, row.network) for row in rows] == [
        ("teacher", "t (a/x/net.onnx)"), ("runs/a", "s"), ("runs/c", "s"),
        ("teacher", "t (b/x/net.onnx)"), ("runs/b", "s"),
    ]  # fmt: skip
    nowhere = [{"teacher": {"path": None, "sha256": sha * 32}} for sha in ("aa", "bb")]
    assert [row.network for row in scored_runs(RESULTS, nowhere)][::2] == ["t (aaaaaaaa)", "t (bbbbbbbb)"]
    assert [row.network for row in scored_runs(RESULTS, files[::2])] == ["t", "s", "s"]


def test_samples_of_one_name_are_told_apart() -> None:
    results = [
        (run, {**figures, "data": {"name": "digits test", "sha256": sha}})
        for (run, figures), sha in zip(RESULTS, ("aa", "bb"), strict=True)
    ]
    files = [files_of("/net.onnx", "cc", f"/{place}/digits") for place in "xy"]
    rows = scored_runs(results, files)
    assert [row.data for row in rows] == [f"digits test ({place}/digits)" for place in "xxyy"]
    assert [row.network for row in rows] == ["t", "s", "t", "s"]
