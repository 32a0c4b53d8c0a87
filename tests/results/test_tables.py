"""Tables of presets, and mode ``tables``."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zskt.experiments.catalog import Catalog
from zskt.experiments.result import NetworkScores, ScoredSamples
from zskt.results.records import Record
from zskt.results.tables import HEAD, latency_table, preset_rows, preset_tables, toy_line

from .conftest import record, result

Call = Callable[..., tuple[int, str, str]]


def test_generators_come_in_their_order_and_data_last(catalog: Catalog) -> None:
    image = ScoredSamples(name="mnist test", sha256=None, count=10, unit="image")
    records = [
        record(preset="a", generator="image", data=image),
        record(mode="kd", generator=None),
        record(generator="shower", changes={"warmup": 0.5}),
        record(generator="shower"),
        record(generator="noise"),
        record(mode="few-shot", generator=None, samples_per_class=10),
    ]
    labels = [row.label for row in preset_rows(records, catalog)]
    assert labels == ["noise", "shower", "shower, warmup = 0.5", "data (kd)", "image"]


def test_a_table_is_of_one_preset_and_one_set_of_test_samples(catalog: Catalog) -> None:
    other = ScoredSamples(name="b.root", sha256=None, count=9, unit="jet")
    unknown = {"data": other, "teacher": NetworkScores(name="t")}
    tables = preset_tables(preset_rows([record(), record(seed=1), record(**unknown)], catalog))
    assert tables[0].splitlines()[0] == "**p**: teacher t, student s, 9 jets of b.root"
    assert tables[1].splitlines() == [
        "**p**: teacher t, student s, 5 jets of jets.root (teacher: accuracy 0.7000, AUC 0.9000)",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---|---|---|---|---|---|---|---|",
        "| mlp | 1 000 | 70 | 0.5000 ± 0.0000 | – | 0.9000 ± 0.0000 | 1.0000 ± 0.0000 | 2 |",
    ]


def test_an_ensemble_has_a_table_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    for folder, hashes in {"one": "a", "three": "abc"}.items():
        roles = ("teacher", "teacher.1", "teacher.2")
        files = {role: {"sha256": sha256} for role, sha256 in zip(roles, hashes, strict=False)}
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text(json.dumps({"files": files}))
    together = record(teacher=NetworkScores(name="t", accuracy=0.75, auc=0.9))
    records = [replace(record(), folder=tmp_path / "one"), replace(together, folder=tmp_path / "three")]
    rows = preset_rows(records, catalog)
    heads = [text.splitlines()[0] for text in preset_tables(rows)]
    assert heads == [
        "**p**: teacher t, student s, 5 jets of jets.root (teacher: accuracy 0.7000, AUC 0.9000)",
        "**p**: teacher t (3 networks together), student s, 5 jets of jets.root (teacher: accuracy 0.7500, AUC 0.9000)",
    ]


def test_latencies_are_those_of_exported_runs_once_each() -> None:
    export = {"latency": [{"threads": 1, "batch": 128, "teacher_ms": 2.0, "student_ms": 0.04, "ratio": 1.0}]}
    exported = Record(folder=Path("a"), result=result(), export=export)
    table = latency_table([exported, exported, record()])
    assert table.splitlines()[4:] == ["| t | s | 1 | 128 | 2.000 | 0.0400 | 50 |"]
    assert latency_table([record()]) == ""


def test_the_toy_has_a_line() -> None:
    scores = {"teacher": NetworkScores(name="teacher", accuracy=0.9), "data": None}
    runs = [record(mode="toy", student=NetworkScores(name="s", agreement=a), **scores) for a in (0.9, 1.0)]
    line = toy_line(runs)
    assert "right on 0.9000 ± 0.0000 of the points" in line and "on 0.9500 ± 0.0707 of the square, n = 2" in line
    assert toy_line([record()]) == ""


def test_tables_are_made_of_results_alone(call: Call, tmp_path: Path) -> None:
    for seed, agreement in enumerate((0.5, 0.6, 0.7)):
        (tmp_path / f"all/{seed}").mkdir(parents=True)
        values = result(seed=seed, student=NetworkScores(name="s", agreement=agreement, auc=0.9, kl=1.0)).to_dict()
        (tmp_path / f"all/{seed}/result.json").write_text(json.dumps(values))
    code, out, err = call("--mode", "tables", "--run", "all")
    assert code == 0, err
    assert "| mlp | 1 000 | 70 | 0.6000 ± 0.1000 | – | 0.9000 ± 0.0000 | 1.0000 ± 0.0000 | 3 |" in out
    del values["seed"]
    (tmp_path / "all/2/result.json").write_text(json.dumps(values))
    code, _, err = call("--mode", "tables", "--run", "all")
    assert code == 2 and "has no entry 'seed'" in err and err.count("\n") == 1


def test_runs_that_nobody_judged_are_named_and_leave_no_empty_folder(call: Call, tmp_path: Path) -> None:
    nobody = ScoredSamples(name="t test", sha256=None, count=0, unit="vector", missing="none are known")
    for name in ("one", "two"):
        (tmp_path / "all" / name).mkdir(parents=True)
        values = result(data=nobody, student=NetworkScores(name="s")).to_dict()
        (tmp_path / "all" / name / "result.json").write_text(json.dumps(values))
    line = "in no table, as nobody judged them: one, two; --mode evaluate --run RUN --data PATH does"
    assert call("--mode", "tables", "--run", "all")[:2] == (0, line + "\n")
    code, _, err = call("--mode", "tables", "--run", "all", "--out", "pages")
    assert code == 2 and err == f"zskt: --run all: {line}; nothing was written\n" and not (tmp_path / "pages").exists()
    judged = result(student=NetworkScores(name="s", agreement=0.5)).to_dict()
    (tmp_path / "all/two/evaluate-jets.json").write_text(json.dumps(judged))
    code, out, _ = call("--mode", "tables", "--run", "all")
    assert code == 0 and "| 0.5000 |" in out and "nobody judged them: one; --mode" in out


def test_runs_without_tables_are_told(call: Call, tmp_path: Path) -> None:
    (tmp_path / "all/a").mkdir(parents=True)
    (tmp_path / "all/a/result.json").write_text(json.dumps(result(mode="teacher").to_dict()))
    assert call("--mode", "tables", "--run", "all")[:2] == (0, "none of the runs here has a table\n")
