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
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "docs" / "reference"
METHOD_PAGES = ROOT / "docs" / "methods"
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
    more = "..." if action.nargs in ("+", "*") else ""
    also = f" (also `{'`, `'.join(older)}`)" if older else ""
    return f"`{name}{value}{more}`{also}"


def cli_page() -> str:
    """Return reference/cli.md."""
    from zskt.cli.parser import MODES, build_parser

    parser = build_parser()
    parts = [
        HEADER + "# Command line",
        "`zskt --mode MODE [flags]` runs one job. `python -m zskt` and `python train.py` are the same command.",
        "Exit codes: 0 for success, 1 for a run that diverged or lost one of its processes, 2 for a mistake in the "
        "command (one line says what to do), 75 where another process is at work in the run folder, 130 for an "
        "interruption. No run is ever overwritten.",
        "## Modes",
    ]
    flags = {action.dest: action.option_strings[0] for action in parser._actions if action.option_strings}
    rows = [
        (f"`{name}`", mode.summary, ", ".join(f"`{flags[flag]}`" for flag in mode.flags if flag in flags) or "none")
        for name, mode in MODES.items()
    ]
    parts.append(table(("mode", "what it does", "flags that it reads"), rows))
    parts.append("A flag that a mode does not read is an error.")
    for group in parser._action_groups:
        actions = [action for action in group._group_actions if action.dest not in ("help", "mode")]
        if not actions:
            continue
        parts.append(f"## Flags: {group.title}")
        rows = []
        for action in actions:
            modes = [f"`{name}`" for name, mode in MODES.items() if action.dest in mode.flags]
            rows.append((flag_name(action), action.help or "", ", ".join(modes)))
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


BOUNDS = {"minimum": "at least", "maximum": "at most", "above": "above", "below": "below"}


def limits(metadata: Mapping[str, Any]) -> str:
    """Return the bounds of a setting, as `zskt.settings.setting` declares them."""
    words = [f"{word} {metadata[name]}" for name, word in BOUNDS.items() if name in metadata]
    if metadata.get("choices"):
        words.append("one of " + ", ".join(f"`{choice}`" for choice in metadata["choices"]))
    if metadata.get("domains"):
        words.append(f"{' or '.join(metadata['domains'])} only")
    return ", ".join(words)


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
        kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
        rows.append((f"`{field.name}`", f"`{kind}`", default, limits(field.metadata), texts.get(field.name, "")))
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
    from zskt.experiments.aliases import SETTING_ALIASES
    from zskt.experiments.config import RunConfig
    from zskt.methods import METHODS

    for name, method in METHODS.items():
        yield f"## Method `{name}`"
        yield first_paragraph(method.Config, method)
        yield settings_table(method.Config)
    yield "## The run around it"
    yield first_paragraph(RunConfig)
    yield settings_table(RunConfig, without=("settings",))
    yield "## Earlier names"
    yield "These names are still understood on the command line and in recorded runs."
    yield table(("earlier", "today"), [(f"`{old}`", f"`{new}`") for old, new in SETTING_ALIASES.items()])


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

MEANINGS = {
    "preset": "Name of the preset that the run began as.",
    "mode": "Mode of the command line.",
    "method": "Name of the method.",
    "seed": "Seed of every random stream.",
    "iterations": "Number of iterations.",
    "seconds": "Wall-clock time of the training loop.",
    "teacher": "Scores of the teacher.",
    "student": "Scores of the student.",
    "kd_fraction": "The teacher's share of the loss.",
    "attention_weight": "Weight of the match of attention maps.",
    "init_from_run": "Recipe of the run whose student was the starting point; `scratch` if there was none.",
    "count": "Number of samples.",
    "name": "Name of the network.",
    "parameters": "Number of parameters; of a teacher, as published.",
    "accuracy": "Share of labelled samples whose label is the top class.",
    "ms_per_sample": "Milliseconds per sample in PyTorch, on the machine of the run.",
}
"""What fields without a docstring mean."""
METRICS = {
    "step": "Number of the iteration, from 1.",
    "loss/student": "Student loss of the last student step.",
    "kl/pseudo": "Mean KL(teacher || student) on the batch of that step, nats.",
    "kl/generator": "The same on the batch of the generator step.",
    "objective/generator": "What a generator that follows finite differences raised, before its last step.",
    "worth/generator": "Prior only: mean reward of the batch.",
    "disagreement/generator": "DisGUIDE: how far its two students are apart.",
    "cross_entropy/generator": "Hard labels: cross-entropy of the student with what the generator was to please it by.",
    "reward/generator": "DAFL: minus its three losses, on the batch.",
    "asked/generator": "NAYER: share of the images, of its last step, that the teacher sees as what was asked for.",
    "threshold": "AdaDFKD: confidence of the student from which a sample counts as one that it masters.",
    "loss/generator": "What the generator minimised in its last step.",
    "loss/samples": "Inversion: mean loss of the samples of the last synthesis, cross-entropy and adversary.",
    "loss/bn": "Inversion: distance of its batch statistics, unweighted.",
    "loss/tv": "DeepInversion: total variation of its images, weighted.",
    "loss/l2": "DeepInversion: square of what is optimised, weighted.",
    "loss/contrastive": "CMI: its contrastive term, weighted.",
    "loss/lowest": "Inversion: loss of the batch that was kept.",
    "loss/memory": "PRE-DFKD: loss of the memory.",
    "bank": "Samples in the memory bank.",
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
    "teacher_queries": "Samples that the teacher was asked about so far; beside an evaluation, as the next three.",
    "steps": "Steps of the student's optimizer so far.",
    "training_seconds": "Time in the method so far, evaluations left out; as in `result.json`.",
    "processor_seconds": "Processor time in the method so far, of all threads.",
}


def undescribed_metrics() -> set[str]:
    """Return the names of recorded metrics that this script does not describe."""
    names: set[str] = set()
    for file in RUNS.glob("*/metrics.jsonl"):
        for line in file.read_text().splitlines():
            names |= {name for name in json.loads(line) if not name.startswith("teacher_class/")}
    return names - set(METRICS)


def schema_table(cls: type) -> str:
    """Return the table of a dataclass of the result's schema."""
    texts = MEANINGS | field_docstrings(cls)
    rows = [(f"`{f.name}`", f"`{f.type}`", texts.get(f.name, "")) for f in dataclasses.fields(cls)]
    missing = [row[0] for row in rows if not row[2]]
    if missing:
        sys.exit(f"docs/generate.py: describe {', '.join(missing)} of {cls.__name__}, best by a docstring below it")
    return table(("entry", "type", "meaning"), rows)


def result_page() -> str:
    """Return reference/result-json.md."""
    from zskt.experiments.aliases import RESULT_ALIASES
    from zskt.experiments.result import NetworkScores, Result, ScoredSamples

    missing = undescribed_metrics()
    if missing:
        sys.exit(f"docs/generate.py: add descriptions of {', '.join(sorted(missing))} to METRICS")
    runs = [json.loads(line) for line in (RUNS / "index.jsonl").read_text().splitlines()]
    (example,) = (run["result"] for run in runs if run["run"] == "jets-embedded-shower-seed0")
    older = ", ".join(f"`{old}` (now `{new}`)" for old, new in RESULT_ALIASES.items())
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
                ("`projector-*.tsv`, `projector_config.pbtxt`", "points for TensorBoard's projector"),
                ("`metrics.csv`", "of `--logger csv`: a row for each iteration, a column for each metric"),
                ("`wandb.json`, `mlflow.json`", "under what number a run goes on there, of these loggers"),
                ("`checkpoint.pt`", "everything that `--resume` needs, and its SHA-256"),
                ("`checkpoint.previous.pt`", "the one before, for when the last is damaged"),
                ("`inputs.json`", "how a tagger from a file is fed, so that its student can be evaluated without it"),
                ("`student.safetensors`", "parameters of the student (in mode teacher, of the trained teacher)"),
                ("`result.json`", "the result; it is written last, so a folder that holds it is complete"),
                ("`evaluate-NAME.json`", "results on other samples, of `--mode evaluate`; the same layout"),
                (
                    "`robustness-NAME.json`",
                    'on samples that have changed, of `--mode evaluate --vary`: "data", "units" of the sizes, "rows"',
                ),
            ],
        ),
        "## result.json",
        schema_table(Result),
        "Not every mode writes every entry.",
        "### data",
        schema_table(ScoredSamples),
        "### teacher and student",
        first_paragraph(NetworkScores),
        schema_table(NetworkScores),
        "### Earlier layouts",
        f"Recorded results keep the names of their time, and zskt reads them: {older}, and the names of "
        "[settings](config.md#earlier-names).",
        "### Example",
        "`jets-embedded-shower-seed0`, as `runs/reference/index.jsonl` holds it:",
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


def methods_table() -> str:
    """Return the table of the methods, each with its page if it has one."""
    from zskt.methods import METHODS

    rows = []
    for name, method in METHODS.items():
        page = METHOD_PAGES / f"{name.replace('_', '-')}.md"
        link = f"[`{name}`]({page.name})" if page.is_file() else f"`{name}`"
        rows.append((link, first_paragraph(method), "data" if method.needs_data else "pseudo-samples"))
    return table(("name", "what it does", "its student learns from"), rows)


def recipes_table() -> str:
    """Return the table of the methods' recipes."""
    from zskt.experiments.method_recipes import RECIPES, VARIANTS
    from zskt.methods import METHODS

    rows = []
    for (place, method), recipe in sorted(RECIPES.items()):
        if method not in {*METHODS, *VARIANTS}:
            continue
        settings = ", ".join(f"`{name}={setting}`" for name, setting in recipe.settings.items())
        rows.append(
            (
                f"`{place or 'anywhere'}`",
                f"`{method}`",
                settings,
                f"`{recipe.generator}`" if recipe.generator else "",
                recipe.summary,
            )
        )
    return table(("where", "method", "settings", "generator", "what it reached"), rows)


def smaller_table() -> str:
    """Return the table of the students that mode compress made smaller."""
    from zskt.results.compression_table import compression_table
    from zskt.results.records import read_records

    speeds = json.loads((RUNS / "benchmarks/smaller.json").read_text())["ratios"]
    return compression_table(read_records(RUNS), speeds)


TABLES = {
    "smaller": smaller_table,
    "methods": methods_table,
    "recipes": recipes_table,
    "teachers": teachers_table,
    "students": students_table,
    "generators": generators_table,
}


def with_tables(page: str) -> str:
    """Return a page with the text between ``<!-- table: NAME -->`` and ``<!-- end -->`` written anew."""
    pattern = r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)"
    return re.sub(pattern, lambda match: f"{match[1]}\n{TABLES[match[2]]()}\n\n{match[3]}", page, flags=re.DOTALL)


def with_measurements(page: str) -> str:
    """Return a page with the text between ``<!-- measured: NAME -->`` and ``<!-- end -->`` made anew of records."""
    from zskt.__main__ import catalog
    from zskt.results.method_pages import measured

    def section(match: re.Match[str]) -> str:
        return f"{match[1]}\n{measured(match[2], RUNS, catalog(), ROOT / 'docs' / 'results')}\n\n{match[3]}"

    return re.sub(r"(<!-- measured: ([\w-]+) -->\n).*?(<!-- end -->)", section, page, flags=re.DOTALL)


def written_page(path: Path) -> str:
    """Return a page that is written by hand, with what is made in it made anew."""
    return with_measurements(with_tables(path.read_text()))


PAGES: dict[Path, Callable[[], str]] = {
    REFERENCE / "cli.md": cli_page,
    REFERENCE / "config.md": config_page,
    REFERENCE / "result-json.md": result_page,
}
PAGES |= {
    path: partial(written_page, path)
    for path in (
        REFERENCE / "teachers.md",
        REFERENCE / "generators.md",
        ROOT / "docs/how-to/compress.md",
        *sorted(METHOD_PAGES.glob("*.md")),
    )
}


def main() -> int:
    """Write the pages, or compare them with those that are there."""
    check = "--check" in sys.argv[1:]
    stale = []
    for path, page in PAGES.items():
        text = page()
        if path.exists() and path.read_text() == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run python docs/generate.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
