"""The tables of the paper, ours beside the published figures; a cell without a run says so and gives its command."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from zskt.experiments.config import Config
from zskt.experiments.few_shot_presets import few_shot as few_shot_recipe
from zskt.experiments.presets import PRESETS
from zskt.results.published import CURVES, FEW_SHOT, FEW_SHOT_CURVES, IMAGES_PER_CLASS, MTE, PAIRS, Pair
from zskt.results.records import Record, chosen, spread, values

Row = list[str]


def accuracy(record: Record) -> float | None:
    """Of the student on test samples; None where they have no labels."""
    value: float | None = record.result["student"]["accuracy"]
    return value


@dataclass
class Notes:
    """Commands of the runs that are missing, numbered as they come up."""

    commands: list[str] = field(default_factory=list)

    def missing(self, command: str) -> str:
        if command not in self.commands:
            self.commands.append(command)
        return f"not run [{self.commands.index(command) + 1}]"

    def render(self) -> str:
        """Empty if nothing is missing."""
        lines = [f"[{i}] `python train.py {command}`" for i, command in enumerate(self.commands, 1)]
        return "Not run:\n\n" + "  \n".join(lines) if lines else ""


def cell(found: list[Record], notes: Notes, command: str) -> str:
    """Accuracy in percent and number of seeds, or how to get it."""
    known = values(found, accuracy)
    return f"{spread(known, 100, 2)} (n = {len(known)})" if known else notes.missing(command)


def table(head: Row, rows: Iterable[Row]) -> str:
    """In Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def runs_of(records: list[Record], recipe: Config) -> list[Record]:
    """Finished runs of this very recipe, one a seed."""
    facts: dict[str, Any] = {"pseudo_batches": recipe.pseudo_batches, "batch_size": recipe.batch_size}
    if recipe.mode == "zero-shot":
        facts["generator"] = recipe.generator
    if recipe.mode == "few-shot":
        facts |= {name: getattr(recipe, name) for name in ("images_per_class", "start", "alpha", "beta")}
    names = (recipe.teacher, recipe.teacher if recipe.mode == "teacher" else recipe.student)
    found = chosen(records, recipe.preset, recipe.mode, **facts)
    mine = [r for r in found if (r.result["teacher"]["name"], r.result["student"]["name"]) == names]
    return list({record.result["seed"]: record for record in reversed(mine)}.values())[::-1]


def few_shot_cell(method: str, m: int, pair: Pair) -> tuple[Config, str]:
    """The recipe of a point of the few-shot curves, M = 0 being all images, and its command."""
    game = PRESETS[pair.preset]
    begun = f"runs/zero-shot-{pair.preset}-{pair.student}-{game.generator}-seed0"
    some = f" --images-per-class {m}" if m else ""
    learns = few_shot_recipe(game, images_per_class=m)
    return {
        "labels alone": (
            learns.with_(alpha=0.0, beta=0.0),
            f"--mode few-shot --preset {pair.preset}{some} --without-teacher",
        ),
        "KD": (learns.with_(beta=0.0), f"--mode few-shot --preset {pair.preset}{some} --set beta=0"),
        "KD+AT": (learns, f"--mode few-shot --preset {pair.preset}{some}"),
        "zero-shot, then fine-tuned": (
            few_shot_recipe(game, f"zero-shot {pair.preset}", m),
            f"--mode few-shot --run {begun}{some}",
        ),
    }[method]


def few_shot_runs(records: list[Record], method: str, m: int, pair: Pair) -> list[Record]:
    """Finished runs of a point of the few-shot curves, one a seed."""
    return runs_of(records, few_shot_cell(method, m, pair)[0])


def zero_shot_runs(records: list[Record], preset: str) -> list[Record]:
    """Finished games of a preset, one a seed."""
    return runs_of(records, PRESETS[preset])


def pairs(records: list[Record], notes: Notes) -> str:
    """The pairs of the paper, with a column for our recipe."""
    rows = []
    for pair in PAIRS:
        teacher = f"{pair.data}-{pair.teacher}"
        ours = (
            (pair.teacher_accuracy, PRESETS[teacher], f"--mode teacher --preset {teacher}"),
            (pair.student_accuracy, *few_shot_cell("labels alone", 0, pair)),
            (None, *few_shot_cell("KD", 0, pair)),
            (None, *few_shot_cell("KD+AT", 0, pair)),
            (pair.kd_at, *few_shot_cell("KD+AT", 200, pair)),
            (pair.zero_shot, PRESETS[f"{pair.preset}-paper"], f"--mode zero-shot --preset {pair.preset}-paper"),
            (None, PRESETS[pair.preset], f"--mode zero-shot --preset {pair.preset}"),
        )
        cells = [
            ("" if published is None else f"{published} / ") + cell(runs_of(records, recipe), notes, command)
            for published, recipe, command in ours
        ]
        rows.append([f"{pair.data.upper()}, {pair.teacher} → {pair.student}", *cells])
    head = ["", "teacher", "student, labels alone", "KD", "KD+AT", "KD+AT, 200 a class"]
    head += ["zero-shot, recipe `paper`", "recipe `zskt`"]
    return "**Accuracy in percent: published / ours; students from all images unless said**\n\n" + table(head, rows)


CURVE_PAIRS = tuple(pair for pair in PAIRS if pair.preset in CURVES)
FEW_SHOT_PAIRS = tuple(pair for pair in PAIRS if pair.preset in FEW_SHOT_CURVES)


def few_shot(records: list[Record], notes: Notes) -> str:
    """Accuracy against images a class, as in the paper, and the same on MNIST."""
    rows = []
    for pair in FEW_SHOT_PAIRS:
        for method, published in FEW_SHOT.items():
            known = published if pair.data == "cifar10" else {}
            if known:
                cells = [str(known.get(m, "–")) for m in IMAGES_PER_CLASS]
                rows.append([f"{pair.preset}, {method}, published", *cells])
            cells = [
                cell(few_shot_runs(records, method, m, pair), notes, few_shot_cell(method, m, pair)[1])
                for m in IMAGES_PER_CLASS
            ]
            rows.append([f"{pair.preset}, {method}, ours", *cells])
    head = ["images a class", *map(str, IMAGES_PER_CLASS)]
    return "**Few-shot: accuracy in percent**\n\n" + table(head, rows)


def transition_methods(records: list[Record], pair: Pair) -> dict[str, tuple[list[Record], str]]:
    """Runs whose curves the paper compares, and the commands that make them."""
    recipe, command = few_shot_cell("KD+AT", 200, pair)
    return {
        "zero-shot": (
            zero_shot_runs(records, f"{pair.preset}-paper"),
            f"--mode zero-shot --preset {pair.preset}-paper",
        ),
        "zero-shot, `zskt`": (zero_shot_runs(records, pair.preset), f"--mode zero-shot --preset {pair.preset}"),
        "KD+AT": (runs_of(records, recipe), command),
    }


def transitions(records: list[Record], notes: Notes) -> str:
    """Mean transition errors, both ways, with agreement and calibration beside them."""
    rows = []
    for pair in CURVE_PAIRS:
        for method, (found, command) in transition_methods(records, pair).items():
            published = MTE.get(pair.data, {}).get(method)
            name = f"{pair.data.upper()}, {pair.teacher} → {pair.student}, {method}"
            taken = [t for t in (record.transition() for record in found) if t is not None]
            if not taken:
                way = notes.missing(command) if not found else notes.missing("--mode transition --run RUN")
                rows.append([name, "–" if published is None else str(published), way, "–", "–", "–"])
                continue
            cells = [spread([t[way]["mte"] for t in taken]) for way in ("on_student", "on_teacher")]
            cells += [spread([t["student"][key] for t in taken]) for key in ("agreement", "ece")]
            cells[0] += f" (n = {len(taken)})"
            rows.append([name, "–" if published is None else str(published), *cells])
    head = ["", "published", "stepping on the student", "on the teacher", "agreement", "ECE of the student"]
    # What the measure cannot see: a student whose batch_metrics never move.
    told = "small, too, for a student whose batch_metrics hardly move; read it with the agreement beside it"
    return f"**Mean transition error**: {told}\n\n" + table(head, rows)


def render(records: list[Record], notes: Notes) -> str:
    """All of it."""
    return "\n\n".join([pairs(records, notes), few_shot(records, notes), transitions(records, notes)])
