"""Mode ``tables``: Markdown tables and pictures from recorded results, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generators import GENERATORS
from zskt.domains import unit
from zskt.errors import UserError
from zskt.files import read_json
from zskt.results import ablation
from zskt.results import figures as curves
from zskt.results import paper_tables as paper
from zskt.results.records import Record, read_records, spread

HEAD = "# Tables\n\nMade by `python train.py --mode tables`."


@dataclass(frozen=True)
class Row:
    """Runs that differ by their seed alone."""

    preset: str
    teacher: str
    student: str
    data: str
    """Its name and SHA-256."""
    samples: str
    """Where what the student learned from came from, and what was changed of the recipe."""
    answers: int
    steps: int
    """Of the student."""
    runs: tuple[dict[str, Any], ...]

    def cell(self, key: str) -> str:
        """Mean ± standard deviation over the runs."""
        values = [run["student"][key] for run in self.runs]
        return "–" if any(value is None for value in values) else spread(values)


def _samples(run: dict[str, Any]) -> str:
    """The name of a row."""
    name = run["generator"]
    if run["mode"] == "kd":
        name = "data (kd)"
    elif run["mode"] == "few-shot":
        name = {(False, False): "data, labels alone", (True, False): "data (KD)"}.get(
            (bool(run["alpha"]), bool(run["beta"])), "data (KD+AT)"
        )
        name += "" if run["start"] == "scratch" else ", from a zero-shot student"
    changed = (
        f"{key} = {value:g}" if isinstance(value, float) else f"{key} = {value}"
        for key, value in run.get("changes", {}).items()
    )
    return ", ".join([name, *changed])


def collect(records: list[Record]) -> list[Row]:
    """Runs of one recipe as one row; few-shot runs and ablations have tables of their own.

    Raises:
        UserError: if a result is not one of this version.
    """
    groups: dict[tuple[Any, Any, Any, Any, Any, Any, Any], list[dict[str, Any]]] = {}
    for record in records:
        run = record.result
        if run.get("mode") in ("teacher", "toy") or run.get("images_per_class") or ablation.is_of_a_row(record):
            continue
        try:
            data = f"{run['data']['name']} {run['data']['sha256']}"
            own = (run["preset"], run["teacher"]["name"], run["student"]["name"], data)
            key = (*own, _samples(run), run["teacher_queries"], run["steps"])
        except KeyError as error:
            raise UserError(
                f"{record.folder}: has no {error}; it is not a result of this version of zskt, remove it"
            ) from error
        groups.setdefault(key, []).append(run)
    rows = [Row(*key, tuple(runs)) for key, runs in groups.items()]
    jets_first = sorted(rows, key=lambda row: (_kind(row), _rank(row), row.answers, row.steps))
    return sorted(jets_first, key=lambda row: unit(row.runs[0]["data"]) == "image")


def _rank(row: Row) -> tuple[int, int, str]:
    """Generators in rising order of what they know, data behind; the recipe itself before what was changed of it."""
    order = list(GENERATORS)
    generator = row.samples.split(",")[0]
    return order.index(generator) if generator in order else len(order), len(row.samples), row.samples


def _kind(row: Row) -> tuple[str, str, str, str]:
    """What rows of one table have in common."""
    return row.preset, row.teacher, row.student, row.data


def render(folder: Path) -> str:
    """One table a preset, and a line on the game in the plane.

    Raises:
        UserError: if there is no run, or one of another version.
    """
    records = read_records(folder)
    rows = collect(records)
    tables = []
    for kind in dict.fromkeys(_kind(row) for row in rows):
        chosen = [row for row in rows if _kind(row) == kind]
        preset, _, student, _ = kind
        first = chosen[0].runs[0]
        teacher, data = first["teacher"], first["data"]
        head = f"**{preset}**: teacher {teacher['name']}, student {student}, "
        head += f"{data[f'{unit(data)}s']} {unit(data)}s of {data['name']}"
        if teacher["accuracy"] is not None and teacher["auc"] is not None:
            head += f" (teacher: accuracy {teacher['accuracy']:.4f}, AUC {teacher['auc']:.4f})"
        lines = [
            head,
            "",
            "| samples | teacher's answers | student's steps | agreement | accuracy | AUC | KL (nats) | n |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in chosen:
            cells = " | ".join(row.cell(key) for key in ("agreement", "accuracy", "auc", "kl"))
            numbers = f"{row.answers:,} | {row.steps:,}".replace(",", " ")
            lines.append(f"| {row.samples} | {numbers} | {cells} | {len(row.runs)} |")
        tables.append("\n".join(lines))
    return "\n\n".join([*tables, *_latencies(records), *_toys(records)])


def write(folder: Path, out: Path) -> None:
    """All tables as ``out/README.md``, with the pictures that the results at hand allow.

    Raises:
        UserError: as `render`, or if there is such a folder already and it holds something else.
    """
    page = out / "README.md"
    mine = page.is_file() and page.read_text().startswith(HEAD)
    if out.exists() and not mine and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out}: is not a folder of tables; name another, nothing is overwritten")
    text = everything(folder)
    out.mkdir(parents=True, exist_ok=True)
    for name, picture in curves.pictures(read_records(folder)).items():
        picture.savefig(out / f"{name}.png", dpi=100)
        text += f"\n\n![{name}]({name}.png)"
    page.write_text(f"{HEAD}\n\n{text}\n")


def everything(folder: Path) -> str:
    """What `render` gives, the paper's tables, the ablations, and the commands of what is missing."""
    records, notes = read_records(folder), paper.Notes()
    parts = [render(folder), paper.render(records, notes), ablation.render(records, notes), notes.render()]
    return "\n\n".join(part for part in parts if part)


def _latencies(records: list[Record]) -> list[str]:
    """Teacher and exported student in onnxruntime, of the runs that were exported."""
    rows = []
    for folder, result in {record.folder: record.result for record in records}.items():
        path = folder / "export.json"
        for row in read_json(path).get("latency") or () if path.is_file() else ():
            ratio = row["teacher_ms"] / row["student_ms"]  # older files hold another one, the median of the rounds
            times = f"{row['teacher_ms']:.3f} | {row['student_ms']:.4f} | {ratio:.0f}"
            names = f"{result['teacher']['name']} | {result['student']['name']}"
            rows.append(f"| {names} | {row['threads']} | {row['batch']} | {times} |")
    if not rows:
        return []
    head = (
        "**onnxruntime**: milliseconds per jet with as many entries as the network takes, medians of alternating rounds"
    )
    lines = [
        "| teacher | student | threads | batch | teacher, ms | student, ms | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    return ["\n".join([head, "", *lines, *rows])]


def _toys(records: list[Record]) -> list[str]:
    """A line on the game in the plane, if it was played."""
    runs = [record.result for record in records if record.result.get("mode") == "toy"]
    if not runs:
        return []
    right, agree = (spread([run[role][key] for run in runs]) for role, key in _TOY)
    line = f"**toy**: teacher right on {right} of the points, student agrees with it on {agree} of the square"
    return [f"{line}, n = {len(runs)}"]


_TOY = (("teacher", "accuracy"), ("student", "agreement"))
