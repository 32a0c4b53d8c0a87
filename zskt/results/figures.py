"""Pictures of recorded results: transition, learning and few-shot curves, and what was drawn without an adversary."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any, Literal

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from generators import GENERATORS
from teachers import TEACHERS
from zskt.images.grids import tiled
from zskt.images.inputs import ImageInputs
from zskt.results import paper_tables as paper
from zskt.results.published import FEW_SHOT, IMAGES_PER_CLASS, PAIRS
from zskt.results.records import Record, values

WAYS = (("on_student", "stepping on the student"), ("on_teacher", "stepping on the teacher"))


def transition_picture(results: Sequence[dict[str, Any]]) -> Figure:
    """A row a way, a column a run: p_j of the network that is stepped on, and of the one that watches."""
    figure = Figure(figsize=(1 + 3 * len(results), 5), layout="constrained")
    cells = figure.subplots(len(WAYS), len(results), sharex=True, sharey=True, squeeze=False)
    for column, result in zip(cells.T, results, strict=True):
        for axes, (key, title) in zip(column, WAYS, strict=True):
            found = result[key]
            names = ("student", "teacher") if key == "on_student" else ("teacher", "student")
            axes.plot(found["stepped"], color=COLOURS[names[0]])
            axes.plot(found["watching"], color=COLOURS[names[1]], linestyle="--")
            run = "\n".join(wrap(result["run"], PANEL))
            axes.set_title(f"{run}\n{title}, MTE {found['mte']:.3f}", fontsize=7)
            axes.set(ylim=(0, 1.02))
    for axes in cells[-1]:
        axes.set_xlabel("step towards class j", fontsize=8)
    for axes in cells[:, 0]:
        axes.set_ylabel("$p_j$, mean", fontsize=8)
    keys = [Line2D([], [], color=colour, label=name) for name, colour in COLOURS.items()]
    keys += [Line2D([], [], color="0.4", linestyle=style, label=name) for name, style in STYLES.items()]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), fontsize=7, frameon=False)
    return figure


COLOURS = {"student": "tab:orange", "teacher": "tab:blue"}
PANEL = 42
"""Characters of a title that a panel has room for."""
STYLES: dict[str, Literal["-", "--"]] = {"stepped on": "-", "watching": "--"}


def pictures(records: list[Record]) -> dict[str, Figure]:
    """By name, those for which there is something to show."""
    found = {
        "pairs": _pairs(records),
        "few-shot": _few_shot(records),
        "transition": _transition(records),
        "learning": _learning(records),
        "pseudo-images": _pseudo_images(records),
    }
    return {name: figure for name, figure in found.items() if figure is not None}


def _pairs(records: list[Record]) -> Figure:
    """Zero-shot accuracy of each pair: published, and ours by both recipes where it was run."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots()
    recipes = (("-paper", "ours, recipe `paper`", 0.0), ("", "ours, recipe `zskt`", 0.28))
    for i, pair in enumerate(PAIRS):
        if pair.zero_shot != "–":
            mean, deviation = map(float, pair.zero_shot.split(" ± "))
            axes.bar(i - 0.28, mean, 0.26, yerr=deviation, color="0.7", label="published")
        for ending, label, place in recipes:
            known = values(paper.zero_shot_runs(records, pair.preset + ending), paper.accuracy)
            colour = "tab:blue" if ending else "tab:orange"
            if known:
                error = 100 * np.std(known, ddof=1) if len(known) > 1 else 0.0
                axes.bar(i + place, 100 * np.mean(known), 0.26, yerr=error, color=colour, label=label)
            else:
                axes.text(i + place, 1, "not run", rotation=90, fontsize=6, ha="center", color=colour)
    axes.set_xticks(range(len(PAIRS)), [f"{p.data}\n{p.teacher}\n→ {p.student}" for p in PAIRS], fontsize=7)
    axes.set(xlim=(-0.6, len(PAIRS) - 0.4), ylim=(0, 115), ylabel="zero-shot accuracy (%)")
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), fontsize=7, frameon=False, loc="upper left", ncols=3)
    return figure


def _few_shot(records: list[Record]) -> Figure:
    """Accuracy against images a class; published dashed, ours with the deviation over seeds."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, pair in zip(figure.subplots(1, len(paper.FEW_SHOT_PAIRS)), paper.FEW_SHOT_PAIRS, strict=True):
        for colour, (method, published) in zip(("tab:green", "tab:blue", "tab:orange"), FEW_SHOT.items(), strict=True):
            if pair.data == "cifar10":
                axes.plot(published.keys(), published.values(), "o--", color=colour, ms=3, label=f"{method}, published")
            known = {m: values(paper.few_shot_runs(records, method, m, pair), paper.accuracy) for m in IMAGES_PER_CLASS}
            known = {m: v for m, v in known.items() if v}
            if known:
                mean = [100 * np.mean(v) for v in known.values()]
                error = [100 * np.std(v, ddof=1) if len(v) > 1 else 0.0 for v in known.values()]
                axes.errorbar(
                    list(known), mean, error, fmt="o-", color=colour, ms=3, capsize=2, label=f"{method}, ours"
                )
        axes.set(xlabel="images a class", title=pair.preset)
        axes.title.set_fontsize(8)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, frameon=False, loc="lower right")
        else:
            axes.text(0.5, 0.5, "not run", ha="center", transform=axes.transAxes, color="0.5")
    figure.axes[0].set_ylabel("accuracy (%)")
    return figure


def _transition(records: list[Record]) -> Figure | None:
    """The curves of the first seed of each method that has any."""
    taken = []
    for pair in PAIRS:
        for found, _ in paper.transition_methods(records, pair).values():
            taken += [t for t in (record.transition() for record in found[:1]) if t is not None]
    return transition_picture(taken) if taken else None


def _learning(records: list[Record]) -> Figure | None:
    """Agreement with the teacher on real images, turn by turn, of the runs that were watched."""
    watched = [
        (record, record.curve("test/agreement")) for record in records if record.result.get("data", {}).get("images")
    ]
    watched = [(record, curve) for record, curve in watched if curve]
    if not watched:
        return None
    figure = Figure(figsize=(8.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for record, curve in watched:
        axes.plot(*zip(*curve, strict=True), label=record.folder.name)
    axes.set(xlabel="turn", ylabel="agreement on test images", ylim=(0, 1))
    figure.legend(loc="outside right upper", fontsize=7, frameon=False)
    return figure


def _pseudo_images(records: list[Record]) -> Figure | None:
    """What generators without an adversary drew in the runs at hand, none of them seen before."""
    games = [record.result for record in records if record.result.get("mode") == "zero-shot"]
    played: dict[str, str] = {game["generator"]: game["teacher"]["name"] for game in games}
    drawn = {}
    for name, teacher in sorted(played.items()):
        if name not in GENERATORS or GENERATORS[name].domain != "images":
            continue
        inputs = TEACHERS[teacher].inputs
        generator, rng = GENERATORS[name].build(inputs), torch.Generator().manual_seed(0)
        assert isinstance(inputs, ImageInputs) and isinstance(generator, torch.nn.Module)
        if next(generator.parameters(), None) is None:
            x = generator(torch.randn(64, generator.latent_size, generator=rng), rng).x[0]
            drawn[name] = inputs.intensities(x)
    if not drawn:
        return None
    figure = Figure(figsize=(4 * len(drawn), 4.2), layout="constrained")
    for axes, (name, intensities) in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn.items(), strict=True):
        tiled(axes, intensities, name)
    return figure
