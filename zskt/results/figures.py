"""Pictures of recorded results: transition, learning and few-shot curves, and samples of untrained generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any, Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from zskt.experiments.catalog import Catalog
from zskt.experiments.recipe import Recipe
from zskt.generator import is_trainable
from zskt.images.grids import tiled
from zskt.images.inputs import ImageInputs
from zskt.markdown import NO_VALUE
from zskt.plots.palette import BLUE, GREEN, GREY, ROLE_COLOURS, VERMILLION, series_style
from zskt.results import paper_tables
from zskt.results.published import FEW_SHOT, IMAGES_PER_CLASS, PAIRS, Pair
from zskt.results.records import Record, any_of_images, known_values, one_record_per_run
from zskt.results.rows import is_jpeg_copy, source_label
from zskt.results.seed_bands import Curve, draw_band
from zskt.results.told_apart import runs_of

DIRECTIONS = (("on_student", "stepping on the student"), ("on_teacher", "stepping on the teacher"))
"""Key of a transition result -> title: whose gradient is followed."""
NETWORK_COLOURS = ROLE_COLOURS
NETWORK_STYLES: dict[str, Literal["-", "--"]] = {"stepped on": "-", "watching": "--"}
TITLE_WIDTH = 42
"""Characters of a title that a panel has room for."""
RECIPES = (("-paper", "ours, recipe paper", BLUE), ("", "ours, recipe zskt", VERMILLION))
"""Suffix of the preset, label, colour."""
BAR = 0.26
"""Width of a bar, where pairs are 1 apart."""
N_PSEUDO_IMAGES = 64


def transition_picture(results: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw a row per direction and a column per run: p_j of the network that is stepped on, and of the watching one."""
    figure = Figure(figsize=(1 + 3 * len(results), 5), layout="constrained")
    cells = figure.subplots(len(DIRECTIONS), len(results), sharex=True, sharey=True, squeeze=False)
    for column, result in zip(cells.T, results, strict=True):
        run = "\n".join(wrap(result["run"], TITLE_WIDTH))
        for axes, (key, title) in zip(column, DIRECTIONS, strict=True):
            curves = result[key]
            names = ("student", "teacher") if key == "on_student" else ("teacher", "student")
            axes.plot(curves["stepped"], color=NETWORK_COLOURS[names[0]])
            axes.plot(curves["watching"], color=NETWORK_COLOURS[names[1]], linestyle="--")
            axes.set_title(f"{run}\n{title}, MTE {curves['mte']:.3f}", fontsize=7)
            axes.set(ylim=(0, 1.02))
    for axes in cells[-1]:
        axes.set_xlabel("step towards class j", fontsize=8)
    for axes in cells[:, 0]:
        axes.set_ylabel("$p_j$, mean", fontsize=8)
    keys = [Line2D([], [], color=colour, label=name) for name, colour in NETWORK_COLOURS.items()]
    keys += [Line2D([], [], color="0.4", linestyle=style, label=name) for name, style in NETWORK_STYLES.items()]
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), fontsize=7, frameon=False)
    return figure


def pictures(records: list[Record], catalog: Catalog) -> dict[str, Figure]:
    """Draw every picture that the records allow, by name; they are of experiments on images."""
    if not any_of_images(records):
        return {}
    figures = {
        "pairs": _pairs(records, catalog),
        "few-shot": _few_shot(records, catalog),
        "transition": _transition(records, catalog),
        "learning": _learning(records),
        "pseudo-images": _pseudo_images(records, catalog),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _percent(accuracies: Sequence[float]) -> tuple[float, float]:
    """Return mean and standard deviation in percent; a single value has deviation 0."""
    return 100 * float(np.mean(accuracies)), 100 * float(np.std(accuracies, ddof=1)) if len(accuracies) > 1 else 0.0


def _pairs(records: list[Record], catalog: Catalog) -> Figure | None:
    """Draw zero-shot accuracy of each pair that has any: published, and ours by both recipes where they were run."""
    pairs = [(pair, bars) for pair in PAIRS if (bars := _bars(pair, records, catalog))]
    if not pairs:
        return None
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    for i, (_, bars) in enumerate(pairs):
        for k, (label, mean, deviation, colour) in enumerate(bars):
            place = i + BAR * (k - (len(bars) - 1) / 2)
            axes.bar(place, mean, 0.9 * BAR, yerr=deviation or None, color=colour, label=label)
    axes.set_xticks(range(len(pairs)), [f"{p.data}\n{p.teacher}\n→ {p.student}" for p, _ in pairs], fontsize=7)
    axes.set(xlim=(-0.6, len(pairs) - 0.4), ylim=(0, 118), ylabel="zero-shot accuracy (%)")
    axes.spines[["top", "right"]].set_visible(False)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    axes.legend(handles.values(), handles.keys(), fontsize=8, frameon=False, loc="upper left", ncols=3)
    return figure


def _bars(pair: Pair, records: list[Record], catalog: Catalog) -> list[tuple[str, float, float, str]]:
    """Return label, mean, deviation and colour of each figure that there is of a pair."""
    bars = []
    if pair.zero_shot != NO_VALUE:
        mean, deviation = map(float, pair.zero_shot.split(" ± "))
        bars.append(("published", mean, deviation, GREY))
    for suffix, label, colour in RECIPES:
        recipe = paper_tables.zero_shot_experiment(pair.preset + suffix, catalog).recipe
        accuracies = known_values(runs_of(records, recipe), paper_tables.student_accuracy)
        if accuracies:
            bars.append((label, *_percent(accuracies), colour))
    return bars


def _few_shot(records: list[Record], catalog: Catalog) -> Figure:
    """Draw accuracy against images per class; published dashed, ours with the deviation over seeds."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    pairs = paper_tables.FEW_SHOT_PAIRS
    for axes, pair in zip(figure.subplots(1, len(pairs)), pairs, strict=True):
        for colour, method in zip((GREEN, BLUE, VERMILLION), FEW_SHOT, strict=True):
            _few_shot_curves(axes, records, catalog, pair, method, colour)
        axes.set(xlabel="images a class", title=pair.preset)
        axes.title.set_fontsize(8)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, frameon=False, loc="lower right")
        else:
            axes.text(0.5, 0.5, "not run", ha="center", transform=axes.transAxes, color="0.5")
    figure.axes[0].set_ylabel("accuracy (%)")
    return figure


def _few_shot_curves(axes: Axes, records: list[Record], catalog: Catalog, pair: Pair, method: str, colour: str) -> None:
    """Draw the published and our curve of one method."""
    if pair.data == "cifar10":
        published = FEW_SHOT[method]
        axes.plot(list(published), list(published.values()), "o--", color=colour, ms=3, label=f"{method}, published")
    points = {}
    for m in IMAGES_PER_CLASS:
        recipe = paper_tables.few_shot_experiment(method, m, pair, catalog).recipe
        accuracies = known_values(runs_of(records, recipe), paper_tables.student_accuracy)
        if accuracies:
            points[m] = _percent(accuracies)
    if points:
        means, deviations = zip(*points.values(), strict=True)
        label = f"{method}, ours"
        axes.errorbar(list(points), means, deviations, fmt="o-", color=colour, ms=3, capsize=2, label=label)


def _transition(records: list[Record], catalog: Catalog) -> Figure | None:
    """Draw the curves of the first seed of each method that has any."""
    transitions = []
    for pair in PAIRS:
        for experiment in paper_tables.transition_experiments(pair, catalog).values():
            first_seed = runs_of(records, experiment.recipe)[:1]
            transitions += paper_tables.measured_transitions(first_seed)
    return transition_picture(transitions) if transitions else None


def _learning(records: list[Record]) -> Figure | None:
    """Draw agreement with the teacher on test images, iteration by iteration, of the recipes that logged it.

    What is of a lossy copy of the images is marked, as in the tables.
    """
    curves: dict[tuple[Recipe, bool], list[Curve]] = {}
    for record in one_record_per_run(records):
        data, curve = record.result.data, record.curve("test/agreement")
        if data is not None and data.unit == "image" and curve:
            curves.setdefault((record.recipe, is_jpeg_copy(data)), []).append(curve)
    if not curves:
        return None
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axes = figure.subplots()
    names = [_learning_label(recipe, is_copy) for recipe, is_copy in curves]
    for i, ((recipe, _), several) in enumerate(curves.items()):
        longer = f", {recipe.length} iterations" if names.count(names[i]) > 1 else ""
        draw_band(axes, several, names[i] + longer, series_style(i))
    axes.set(xlabel="iteration", ylabel="agreement on test images", ylim=(0, 1))
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower left", fontsize=7, frameon=False)
    return figure


def _learning_label(recipe: Recipe, is_copy: bool) -> str:
    """Name a recipe, and say whether its images were of a lossy copy."""
    changes = "".join(f", {name} = {value}" for name, value in recipe.changes)
    return f"{recipe.preset}: {source_label(recipe)}{changes}" + (" (JPEG copy)" if is_copy else "")


def _pseudo_images(records: list[Record], catalog: Catalog) -> Figure | None:
    """Draw what generators without parameters give in the runs at hand; no run has seen these samples."""
    zero_shot = [record.result for record in records if record.result.mode == "zero-shot"]
    teachers = {result.generator: result.teacher.name for result in zero_shot if result.generator is not None}
    samples = {}
    for name, teacher in sorted(teachers.items()):
        if name not in catalog.generators or catalog.generators[name].domain != "images":
            continue
        inputs = catalog.teachers[teacher].inputs
        assert isinstance(inputs, ImageInputs)
        generator = catalog.generators[name].build(inputs)
        if not is_trainable(generator):
            batch = generator.draw(N_PSEUDO_IMAGES, torch.Generator().manual_seed(0))
            samples[name] = inputs.intensities(batch.x[0])
    if not samples:
        return None
    figure = Figure(figsize=(4 * len(samples), 4.2), layout="constrained")
    for axes, (name, images) in zip(figure.subplots(1, len(samples), squeeze=False)[0], samples.items(), strict=True):
        tiled(axes, images, name)
    return figure
