"""reference/result-json.md: the files of a run folder, and what each entry means."""

from __future__ import annotations

import dataclasses
import json
import sys

from written.markdown import HEADER, RUNS, field_docstrings, first_paragraph, table
from zskt.experiments.aliases import RESULT_ALIASES
from zskt.experiments.result import NetworkScores, Result, ScoredSamples

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
    "threshold": "AdaDFKD: lambda, the loss at which a sample counts about half.",
    "loss/generator": "What the generator minimised in its last step.",
    "loss/samples": "Inversion: mean loss of the samples of the last synthesis, cross-entropy and adversary.",
    "loss/bn": "Inversion: distance of its batch statistics, unweighted.",
    "loss/tv": "DeepInversion: total variation of its images, weighted.",
    "loss/l2": "DeepInversion: Euclidean norm of what is optimised, weighted.",
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
                (
                    "`config.json`",
                    "the settings, path and SHA-256 of the files that were read, and under `asked` what was asked for "
                    "where the run has something else",
                ),
                ("`environment.json`", "command, revision, versions of Python and packages, machine, threads"),
                ("`metrics.jsonl`", "one line of JSON for each iteration"),
                ("`events.out.tfevents.*`", "the same and pictures for TensorBoard: `tensorboard --logdir runs`"),
                ("`projector-*.tsv`, `projector_config.pbtxt`", "points for TensorBoard's projector"),
                ("`metrics.csv`", "of `--logger csv`: a row for each iteration, a column for each metric"),
                ("`wandb.json`, `mlflow.json`", "under what number a run goes on there, of these loggers"),
                ("`checkpoint.pt`", "everything that `--resume` needs, and its SHA-256"),
                ("`checkpoint.previous.pt`", "the one before, for when the last is damaged"),
                ("`queries.json`", "with a budget of queries: what was asked or set aside, noted before it is asked"),
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
