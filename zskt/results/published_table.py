"""Tables of published figures beside ours, for the pairs of the literature; a cell without a run cites its command."""

from __future__ import annotations

from collections.abc import Sequence

from zskt.experiments.catalog import Catalog
from zskt.experiments.config import METHOD_OF_MODE
from zskt.experiments.recipe import recipe_of_config
from zskt.markdown import NO_VALUE, table
from zskt.methods import METHODS
from zskt.results.missing import MissingRuns
from zskt.results.paper_tables import Experiment, accuracy_cell
from zskt.results.published_methods import FROM_DATA, PAIRS, TEACHERS, Published, published_figures
from zskt.results.records import Record

NAMES = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
DOMAIN = "images"


def experiment_of(figure: Published, catalog: Catalog) -> Experiment | None:
    """Return our run with the settings of a published figure; None where the method or the pair is not ours."""
    method, preset = figure.method, figure.preset
    if method not in METHODS or preset not in catalog.presets:
        return None
    config, command = catalog.presets[preset], f"--mode zero-shot --preset {preset}"
    if method == METHOD_OF_MODE["zero-shot"]:  # the preset itself is our recipe
        config, command = catalog.presets[f"{preset}-paper"], f"{command}-paper"
    else:
        config, command = config.with_method(method, DOMAIN), f"{command} --method {method}"
    if figure.settings:
        config = config.with_(**figure.settings)
        command += "".join(f" --set {name}={value:g}" for name, value in figure.settings.items())
    return Experiment(recipe_of_config(config, catalog), command)


def published_tables(records: list[Record], missing: MissingRuns, catalog: Catalog) -> list[str]:
    """Return a table for each data set: a row a method, published and ours in each cell."""
    tables = []
    for data, teachers in TEACHERS.items():
        figures = [figure for figure in published_figures() if figure.preset.startswith(f"{data}-")]
        rows = [["teacher", *teachers], ["student, all images", *FROM_DATA[data]]]
        for label in dict.fromkeys(figure.label for figure in figures):
            own = {figure.preset: figure for figure in figures if figure.label == label}
            cells = [_cell(own.get(f"{data}-{pair}"), records, missing, catalog) for pair in PAIRS]
            rows.append([label, *cells])
        head = ["", *(pair.replace("-to-", " → ") for pair in PAIRS)]
        tables.append(f"**{NAMES[data]}: accuracy in percent, published / ours**\n\n{table(head, rows)}")
    return tables


def sources(figures: Sequence[Published]) -> str:
    """Return where published figures were read, a line each."""
    labels: dict[str, list[str]] = {}
    for figure in figures:
        labels.setdefault(figure.source, []).append(figure.label)
    return "\n".join(f"- {', '.join(dict.fromkeys(names))}: {source}." for source, names in labels.items())


def _cell(figure: Published | None, records: list[Record], missing: MissingRuns, catalog: Catalog) -> str:
    if figure is None:
        return NO_VALUE
    experiment = experiment_of(figure, catalog)
    ours = NO_VALUE if experiment is None else accuracy_cell(records, experiment, missing)
    return f"{figure.accuracy} / {ours}"
