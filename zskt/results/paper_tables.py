"""Tables of the paper, ours beside the published figures; a cell without a run says so and cites its command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zskt.experiments.catalog import Catalog
from zskt.experiments.few_shot_presets import few_shot as few_shot_config
from zskt.experiments.recipe import Recipe, recipe_of_config
from zskt.markdown import NO_VALUE, mean_and_deviation, table
from zskt.results.missing import MissingRuns
from zskt.results.published import FEW_SHOT, FEW_SHOT_PRESETS, IMAGES_PER_CLASS, MTE, PAIRS, TRANSITION_PRESETS, Pair
from zskt.results.records import Record, known_values
from zskt.results.told_apart import runs_of

FEW_SHOT_PAIRS = tuple(pair for pair in PAIRS if pair.preset in FEW_SHOT_PRESETS)
TRANSITION_PAIRS = tuple(pair for pair in PAIRS if pair.preset in TRANSITION_PRESETS)
PAIRS_HEAD = (
    *("", "teacher", "student, labels alone", "KD", "KD+AT", "KD+AT, 200 a class"),
    *("zero-shot, recipe `paper`", "recipe `zskt`"),
)
TRANSITION_HEAD = ("", "published", "stepping on the student", "on the teacher", "agreement", "ECE of the student")


@dataclass(frozen=True)
class Experiment:
    """A recipe, and the command that runs it."""

    recipe: Recipe
    command: str
    """What stands behind ``python train.py``."""


def student_accuracy(record: Record) -> float | None:
    """Return the student's accuracy on test samples; None where they have no labels."""
    return record.result.student.accuracy


def accuracy_cell(records: list[Record], experiment: Experiment, missing: MissingRuns) -> str:
    """Write accuracy in percent and the number of seeds, or cite the command that gives them."""
    accuracies = known_values(runs_of(records, experiment.recipe), student_accuracy)
    if not accuracies:
        return missing.cite(experiment.command)
    return f"{mean_and_deviation(accuracies, 100, 2)} (n = {len(accuracies)})"


def teacher_experiment(pair: Pair, catalog: Catalog) -> Experiment:
    """Return the training of a pair's teacher."""
    preset = f"{pair.data}-{pair.teacher}"
    return Experiment(recipe_of_config(catalog.presets[preset], catalog), f"--mode teacher --preset {preset}")


def zero_shot_experiment(preset: str, catalog: Catalog) -> Experiment:
    """Return the distillation without data that a preset names."""
    return Experiment(recipe_of_config(catalog.presets[preset], catalog), f"--mode zero-shot --preset {preset}")


def few_shot_experiment(method: str, m: int, pair: Pair, catalog: Catalog) -> Experiment:
    """Return a point of the few-shot curves.

    Args:
        method: one of "labels alone", "KD", "KD+AT", "zero-shot, then fine-tuned".
        m: M, images per class; 0 takes all.
    """
    preset = catalog.presets[pair.preset]
    card = catalog.teachers[preset.teacher]
    flags = f" --samples-per-class {m}" if m else ""
    command = f"--mode few-shot --preset {pair.preset}{flags}"
    kd_at = recipe_of_config(few_shot_config(preset, card, samples_per_class=m), catalog)
    if method == "labels alone":
        return Experiment(replace(kd_at, kd_fraction=0.0, attention_weight=0.0), f"{command} --without-teacher")
    if method == "KD":
        return Experiment(replace(kd_at, attention_weight=0.0), f"{command} --set attention_weight=0")
    if method == "KD+AT":
        return Experiment(kd_at, command)
    first_run = f"runs/zero-shot-{pair.preset}-{pair.student}-{preset.generator}-seed0"
    tuned = recipe_of_config(few_shot_config(preset, card, f"zero-shot {pair.preset}", m), catalog)
    return Experiment(tuned, f"--mode few-shot --run {first_run}{flags}")


def pairs_table(records: list[Record], missing: MissingRuns, catalog: Catalog) -> str:
    """Return the pairs of the paper, with a column for our recipe."""
    rows = []
    for pair in PAIRS:
        columns = (
            (pair.teacher_accuracy, teacher_experiment(pair, catalog)),
            (pair.student_accuracy, few_shot_experiment("labels alone", 0, pair, catalog)),
            (None, few_shot_experiment("KD", 0, pair, catalog)),
            (None, few_shot_experiment("KD+AT", 0, pair, catalog)),
            (pair.kd_at, few_shot_experiment("KD+AT", 200, pair, catalog)),
            (pair.zero_shot, zero_shot_experiment(f"{pair.preset}-paper", catalog)),
            (None, zero_shot_experiment(pair.preset, catalog)),
        )
        cells = [
            ("" if published is None else f"{published} / ") + accuracy_cell(records, experiment, missing)
            for published, experiment in columns
        ]
        rows.append([f"{pair.data.upper()}, {pair.teacher} → {pair.student}", *cells])
    headline = "**Accuracy in percent: published / ours; students from all images unless said**"
    return f"{headline}\n\n{table(PAIRS_HEAD, rows)}"


def few_shot_table(records: list[Record], missing: MissingRuns, catalog: Catalog) -> str:
    """Return accuracy against images per class, as in the paper, and the same on MNIST."""
    rows = []
    for pair in FEW_SHOT_PAIRS:
        for method, published in FEW_SHOT.items():
            if pair.data == "cifar10":
                cells = [str(published.get(m, NO_VALUE)) for m in IMAGES_PER_CLASS]
                rows.append([f"{pair.preset}, {method}, published", *cells])
            experiments = [few_shot_experiment(method, m, pair, catalog) for m in IMAGES_PER_CLASS]
            cells = [accuracy_cell(records, experiment, missing) for experiment in experiments]
            rows.append([f"{pair.preset}, {method}, ours", *cells])
    head = ["images a class", *map(str, IMAGES_PER_CLASS)]
    return f"**Few-shot: accuracy in percent**\n\n{table(head, rows)}"


def transition_experiments(pair: Pair, catalog: Catalog) -> dict[str, Experiment]:
    """Return the methods whose transition curves the paper compares, and ours."""
    return {
        "zero-shot": zero_shot_experiment(f"{pair.preset}-paper", catalog),
        "zero-shot, `zskt`": zero_shot_experiment(pair.preset, catalog),
        "KD+AT": few_shot_experiment("KD+AT", 200, pair, catalog),
    }


def measured_transitions(runs: list[Record]) -> list[dict[str, Any]]:
    """Return the transition curves of the runs that have them."""
    return [curves for curves in (record.transition() for record in runs) if curves is not None]


def transition_table(records: list[Record], missing: MissingRuns, catalog: Catalog) -> str:
    """Return mean transition errors, both ways, with agreement and calibration beside them."""
    rows = []
    for pair in TRANSITION_PAIRS:
        for method, experiment in transition_experiments(pair, catalog).items():
            published = str(MTE.get(pair.data, {}).get(method, NO_VALUE))
            name = f"{pair.data.upper()}, {pair.teacher} → {pair.student}, {method}"
            runs = runs_of(records, experiment.recipe)
            transitions = measured_transitions(runs)
            if transitions:
                cells = _transition_cells(transitions)
            else:
                command = "--mode transition --run RUN" if runs else experiment.command
                cells = [missing.cite(command), *[NO_VALUE] * 3]
            rows.append([name, published, *cells])
    # What the measure cannot see: a student whose predictions never move.
    caveat = "small, too, for a student whose predictions hardly move; read it with the agreement beside it"
    return f"**Mean transition error**: {caveat}\n\n{table(TRANSITION_HEAD, rows)}"


def _transition_cells(transitions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Write the mean transition error both ways, agreement and calibration error."""
    cells = [mean_and_deviation([curves[way]["mte"] for curves in transitions]) for way in ("on_student", "on_teacher")]
    cells += [mean_and_deviation([curves["student"][key] for curves in transitions]) for key in ("agreement", "ece")]
    return [f"{cells[0]} (n = {len(transitions)})", *cells[1:]]


def tables(records: list[Record], missing: MissingRuns, catalog: Catalog) -> list[str]:
    """Return the paper's three tables, each with its headline."""
    return [make(records, missing, catalog) for make in (pairs_table, few_shot_table, transition_table)]
