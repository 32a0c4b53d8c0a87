#!/usr/bin/env python3
"""Write the reference pages that follow from the code: cli.md, config.md and result-json.md; tables in two others.

    python docs/generate.py            writes docs/reference
    python docs/generate.py --check    exits with 1 if a page is out of date

Descriptions of settings are the docstrings below the fields, read with `ast`; ranges are the fields' metadata.
"""

from __future__ import annotations

import argparse
import ast
import dataclasses
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
RUNS = ROOT / "runs" / "reference"
sys.path.insert(0, str(ROOT))

HEADER = "<!-- Written by docs/generate.py. Do not edit: change the code, and run the script again. -->\n\n"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in escaped)


# The command line

VALUES: dict[object, str] = {int: "N", float: "X", Path: "PATH"}
"""What stands for a flag's value, by its type; others are names."""


def flag_name(action: argparse.Action) -> str:
    """Return a flag as it is typed, with its value and its older names."""
    name, *older = action.option_strings
    if action.choices is not None and action.metavar is None:
        value = " " + "|".join(map(str, action.choices))
    elif action.nargs == 0:
        value = ""
    else:
        value = f" {action.metavar or VALUES.get(action.type, 'NAME')}"
    more = "..." if action.nargs == "+" else ""
    also = f" (also `{'`, `'.join(older)}`)" if older else ""
    return f"`{name}{value}{more}`{also}"


def cli_page() -> str:
    """Return reference/cli.md."""
    from zskt.cli.parser import FLAGS, MODES, build_parser

    parser = build_parser()
    parts = [
        HEADER + "# Command line",
        "`zskt --mode MODE [flags]` runs one job. `python -m zskt` and `python train.py` are the same command.",
        "Exit codes: 0 for success, 1 for a run that diverged, 2 for a mistake in the command (one line says what to "
        "do), 130 for an interruption. No run is ever overwritten.",
        "## Modes",
    ]
    flags = {action.dest: action.option_strings[0] for action in parser._actions if action.option_strings}
    rows = [
        (f"`{mode}`", MODES[mode], ", ".join(f"`{flags[name]}`" for name in flags if name in FLAGS[mode]) or "none")
        for mode in MODES
    ]
    parts.append(table(("mode", "what it does", "flags that it reads"), rows))
    parts.append("A flag that a mode does not read is an error.")
    for group in parser._action_groups:
        actions = [a for a in group._group_actions if a.dest not in ("help", "mode")]
        if not actions:
            continue
        parts.append(f"## Flags: {group.title}")
        rows = []
        for action in actions:
            modes = [mode for mode in MODES if action.dest in FLAGS[mode]]
            rows.append((flag_name(action), action.help or "", "all" if len(modes) == len(MODES) else ", ".join(modes)))
        parts.append(table(("flag", "meaning", "modes"), rows))
    return "\n\n".join(parts).rstrip() + "\n"


# The settings


def field_docstrings(cls: type) -> dict[str, str]:
    """Return the docstring below each field of a class and of the classes that it inherits from."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if not dataclasses.is_dataclass(base):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)
        for statement, following in zip(tree.body, tree.body[1:], strict=False):
            if (
                isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and isinstance(following, ast.Expr)
                and isinstance(following.value, ast.Constant)
                and isinstance(following.value.value, str)
            ):
                texts[statement.target.id] = " ".join(following.value.value.split())
    return texts


def value(text: object) -> str:
    """Return a default as it is written in Python."""
    return f"`{text!r}`"


def settings_table(config: type, without: tuple[str, ...] = ()) -> str:
    """Return the table of a settings dataclass."""
    texts, rows = field_docstrings(config), []
    for field in dataclasses.fields(config):
        if field.name in without:
            continue
        missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        default = "required" if missing else value(field.default)
        if field.default_factory is not dataclasses.MISSING:
            default = value(field.default_factory())
        limits = ", ".join(f"{name.replace('_', ' ')} {limit}" for name, limit in field.metadata.items())
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        rows.append((f"`{field.name}`", f"`{kind}`", default, limits, texts.get(field.name, "")))
    head: tuple[str, ...] = ("name", "type", "default", "range", "meaning")
    if not any(row[3] for row in rows):
        head, rows = (*head[:3], head[4]), [(*row[:3], row[4]) for row in rows]
    return table(head, rows)


def first_paragraph(*described: Any) -> str:
    """Return, on one line, the first paragraph of the first docstring that somebody wrote."""
    for thing in described:
        text = inspect.getdoc(thing) or ""
        if text and not text.startswith(f"{getattr(thing, '__name__', '')}("):  # a dataclass makes one up
            return " ".join(text.split("\n\n")[0].split())
    return ""


def config_sections() -> Iterator[str]:
    """Yield the sections of reference/config.md."""
    import zskt.methods
    from zskt.experiments import config as experiments

    methods: dict[str, Any] = getattr(zskt.methods, "METHODS", {})
    for name, method in methods.items():
        yield f"## Method `{name}`"
        yield first_paragraph(method.Config, method)
        yield settings_table(method.Config)
    run: type = getattr(experiments, "RunConfig", None) or experiments.Config
    yield "## The run around it"
    yield first_paragraph(run)
    yield settings_table(run, without=("method",))


def config_page() -> str:
    """Return reference/config.md."""
    introduction = (
        "Each method has its own settings. On the command line, change one with `--set NAME=VALUE`; in Python, give it "
        "to `zskt.distill` as a keyword. A setting that the method does not have is an error. The preset supplies the "
        "values that you do not give: `zskt --mode list` shows the presets. A run records all of its settings in "
        "`config.json`."
    )
    return "\n\n".join([HEADER + "# Settings", introduction, *config_sections()]).rstrip() + "\n"


# The result

RESULT = {
    "preset": "Name of the preset that the run began as.",
    "mode": "Mode of the command.",
    "method": "Name of the method.",
    "generator": "Name of the generator; `none` if the run learned from data.",
    "seed": "Seed of every random stream.",
    "iterations": "Number of iterations; epochs where a network was trained on labels.",
    "pseudo_batches": "The older name of `iterations`.",
    "batch_size": "Samples in a batch.",
    "steps": "Student steps that were taken.",
    "teacher_queries": "Samples for which the teacher was evaluated.",
    "teacher_answers": "The older name of `teacher_queries`.",
    "seconds": "Wall-clock time of the training loop.",
    "changes": "Settings that differ from those of the preset, with their values.",
    "images_per_class": "Labelled samples of each class; 0 for all.",
    "kd_fraction": "The teacher's share of the loss, in mode few-shot.",
    "alpha": "The older name of `kd_fraction`.",
    "attention_weight": "Weight of the attention term.",
    "beta": "The older name of `attention_weight`.",
    "init_from_run": "Mode and preset of the run whose student was the starting point; `scratch` if there was none.",
    "start": "The older name of `init_from_run`.",
    "agreements": "Agreement on the square over the run, in mode toy.",
    "data.name": "Name of the test samples.",
    "data.sha256": "SHA-256 of their file; null where a library verifies them.",
    "data.count": "Number of test samples.",
    "data.unit": "What a test sample is called: jet, image.",
    "data.jets": "The older form of `data.count`, for jets.",
    "data.images": "The older form of `data.count`, for images.",
    "teacher.name": "Name of the teacher.",
    "teacher.parameters": "Parameters of the teacher as published.",
    "teacher.accuracy": "Share of test samples whose label is the teacher's top class; null without labels.",
    "teacher.auc": "Area under the ROC curve, averaged over classes (one against the rest).",
    "teacher.ece": "Expected calibration error.",
    "teacher.ms_per_jet": "Milliseconds per jet in PyTorch, on the machine of the run.",
    "teacher.ms_per_image": "The same per image.",
    "student.name": "Name of the student.",
    "student.parameters": "Parameters of the student.",
    "student.accuracy": "As for the teacher.",
    "student.auc": "As for the teacher.",
    "student.ece": "As for the teacher.",
    "student.ms_per_jet": "As for the teacher.",
    "student.ms_per_image": "As for the teacher.",
    "student.agreement": "Share of test samples on which student and teacher have the same top class.",
    "student.kl": "Mean KL(teacher || student), nats per sample.",
}
METRICS = {
    "step": "Number of the iteration, from 1.",
    "loss/student": "Student loss of the last student step.",
    "kl/pseudo": "Mean KL(teacher || student) on the batch of that step, nats.",
    "kl/generator": "The same on the batch of the generator step.",
    "penalty/generator": "What the generator paid for leaving its prior.",
    "cost/generator": "The older name of `penalty/generator`.",
    "agreement/pseudo": "Agreement on the batch of the last student step.",
    "confidence/teacher": "Mean top probability of the teacher.",
    "confidence/student": "Mean top probability of the student.",
    "teacher_class/K": "Share of the batch that the teacher assigns to class K; up to 20 classes.",
    "teacher_classes": "Number of classes that occur in the batch; above 20 classes.",
    "rate/student": "Learning rate of the student.",
    "rate/generator": "Learning rate of the generator.",
    "accuracy/training": "Accuracy on the training samples of an epoch.",
    "test/accuracy": "Accuracy on the test samples. Never used to choose a student.",
    "test/agreement": "Agreement on the test samples.",
    "test/kl": "Mean KL on the test samples, nats.",
    "test/auc": "Area under the ROC curve on the test samples.",
}


def leaves(result: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the names of a result's values, with a dot between levels."""
    for name, entry in result.items():
        if isinstance(entry, dict) and name != "changes":
            yield from leaves(entry, f"{prefix}{name}.")
        else:
            yield prefix + name


def undescribed() -> set[str]:
    """Return the names of recorded values that this script does not describe."""
    names: set[str] = set()
    for file in (*RUNS.glob("*/result.json"), *RUNS.glob("*/evaluate-*.json")):
        names |= {name for name in leaves(json.loads(file.read_text())) if name not in RESULT}
    for file in RUNS.glob("*/metrics.jsonl"):
        for line in file.read_text().splitlines():
            names |= {k for k in json.loads(line) if k not in METRICS and not k.startswith("teacher_class/")}
    return names


def result_page() -> str:
    """Return reference/result-json.md."""
    missing = undescribed()
    if missing:
        sys.exit(f"docs/generate.py: add descriptions of {', '.join(sorted(missing))} to RESULT or METRICS")
    example = json.loads((RUNS / "jets-embedded-shower-seed0" / "result.json").read_text())
    parts = [
        HEADER + "# Run folder and result.json",
        "A finished run is a folder:",
        table(
            ("file", "content"),
            [
                ("`config.json`", "the settings, and path and SHA-256 of the files that were read"),
                ("`environment.json`", "command, revision, versions of Python and packages, machine, threads"),
                ("`metrics.jsonl`", "one line of JSON for each iteration"),
                ("`events.out.tfevents.*`", "the same and pictures for TensorBoard: `tensorboard --logdir runs`"),
                ("`checkpoint.pt`", "everything that `--resume` needs"),
                ("`inputs.json`", "how a tagger from a file is fed, so that its student can be evaluated without it"),
                ("`student.safetensors`", "parameters of the student (in mode teacher, of the trained teacher)"),
                ("`result.json`", "the result; it is written last, so a folder that holds it is complete"),
                ("`evaluate-NAME.json`", "results on other samples, of `--mode evaluate`; the same layout"),
            ],
        ),
        "## result.json",
        table(("value", "meaning"), [(f"`{name}`", text) for name, text in RESULT.items()]),
        "Not every mode writes every value. Recorded results keep the names of their time; zskt reads both.",
        "An example, `runs/reference/jets-embedded-shower-seed0`:",
        f"```json\n{json.dumps(example, indent=2)}\n```",
        "## metrics.jsonl",
        table(("value", "meaning"), [(f"`{name}`", text) for name, text in METRICS.items()]),
    ]
    return "\n\n".join(parts).rstrip() + "\n"


# Tables inside pages that are written by hand


def teachers_table() -> str:
    """Return the table of the teachers' cards."""
    from teachers import TEACHERS

    rows = [(f"`{name}`", card.summary, card.licence, card.source) for name, card in TEACHERS.items()]
    return table(("name", "what it is", "licence", "source"), rows)


def students_table() -> str:
    """Return the table of the students."""
    from zskt.networks.students import STUDENTS

    return table(("name", "domain", "what it is"), [(f"`{n}`", s.domain, s.summary) for n, s in STUDENTS.items()])


def generators_table() -> str:
    """Return the table of the generators."""
    from generators import GENERATORS

    return table(("name", "domain", "what it draws"), [(f"`{n}`", g.domain, g.summary) for n, g in GENERATORS.items()])


TABLES = {"teachers": teachers_table, "students": students_table, "generators": generators_table}


def with_tables(page: str) -> str:
    """Return a page with the text between ``<!-- table: NAME -->`` and ``<!-- end -->`` written anew."""
    pattern = r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n\n{match[3]}", page, flags=re.DOTALL)


PAGES: dict[str, Callable[[], str]] = {"cli.md": cli_page, "config.md": config_page, "result-json.md": result_page}


PAGES |= {
    name: partial(lambda path: with_tables(path.read_text()), REFERENCE / name)
    for name in ("teachers.md", "generators.md")
}


def main() -> int:
    """Write the pages, or compare them with those that are there."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, page in PAGES.items():
        path, text = REFERENCE / name, page()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run python docs/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
