"""One table of several results, in every format."""

from __future__ import annotations

import csv
import io
import json

from zskt.results.printed_table import FORMATS, PrintedTable, as_latex, as_text
from zskt.results.scores_table import scores_table

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
