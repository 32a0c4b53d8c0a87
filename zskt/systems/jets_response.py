"""What a jet tagger's student inherits: the response to the energy scale, and robustness, without data and with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from zskt.contracts import Card
from zskt.dataset import Labelled
from zskt.experiments.catalog import Catalog
from zskt.experiments.preparation import require_fit
from zskt.forward import Pair
from zskt.jets.response import compare_scale_response
from zskt.jets.sample import SAMPLE
from zskt.jets.variations import VARIATIONS
from zskt.methods import METHODS, Setup, iterate
from zskt.metrics import compare, predict
from zskt.robustness import robustness
from zskt.systems.system import Figures, System

TEACHER, PRESET = "zskt-particlenet", "jets-embedded"
ITERATIONS, STEPS = 30, 10
"""Iterations, and student steps each: a tenth of the preset's steps."""
LEARNED = 1000
"""Jets of the sample that KD learns from; every student is judged on the others."""
WEIGHT = 0.1
"""Of the match of Jacobians."""
ARMS: dict[str, tuple[str, dict[str, Any]]] = {
    "zero-shot": ("zskt", {}),
    "zero-shot and Jacobian": ("zskt", {"terms": {"jacobian_in_resolutions": WEIGHT}}),
    "KD of 1 000 jets": ("kd", {}),
}
"""Student -> method, and settings beside the budget."""
SHOWN = {"rotation": (0.0, 1.6), "boost": (0.2, 0.8), "smearing": (0.1, 0.4)}
"""Variations and their sizes; of none is of every variation."""
SCALE_FIGURES = ("student_mean", "student_rms", "correlation", "relative_difference")


def jet_student(
    catalog: Catalog, card: Card, teacher: nn.Module, seed: int, method: str, settings: dict[str, Any],
    data: Labelled | None = None, student: str = "pfn", attention_layers: str = "last", generator: str = "shower",
) -> nn.Module:  # fmt: skip
    """Distil the teacher of a card by a method, with the settings of the preset that both have and of `ITERATIONS`.

    Args:
        settings: of the method, in place of these.
        attention_layers: one of `zskt.forward.LAYERS`.
        generator: its name, of methods that need one.
    """
    torch.manual_seed(seed)
    kind = METHODS[method]
    names = set(kind.Config.names())
    preset = {k: v for k, v in catalog.presets[PRESET].settings.to_dict().items() if k in names}
    config = kind.Config(**preset | {"iterations": ITERATIONS, "student_steps": STEPS} | settings)
    network: nn.Module = catalog.students[student].build(card.inputs, len(card.classes)).train()
    source = catalog.generators[generator].build(card.inputs).train() if kind.needs_generator else None
    setup = Setup(
        pair=Pair(teacher, network, attention_layers=attention_layers), generator=source, data=data,
        inputs=card.inputs, classes=card.classes, seed=seed,
    )  # fmt: skip
    run = kind(config, setup)
    require_fit(run, setup)
    for _ in iterate(run):
        pass
    return run.result.eval()


def halves(card: Card) -> tuple[Labelled, Labelled]:
    """Return the jets of the sample to learn from, and those to be judged on."""
    sample: Labelled = card.inputs.read(SAMPLE, card.classes)
    return sample[torch.arange(LEARNED)], sample[torch.arange(LEARNED, len(sample))]


def response(seed: int, catalog: Catalog) -> Figures:
    """Distil three students, and ask them about jets of another energy scale, rotated, boosted, smeared."""
    card = catalog.teachers[TEACHER]
    teacher = card.load()
    learned, test = halves(card)
    cpu = torch.device("cpu")
    students = {
        arm: jet_student(catalog, card, teacher, seed, method, settings, learned if method == "kd" else None)
        for arm, (method, settings) in ARMS.items()
    }
    figures: Figures = {}
    answers = predict(teacher, test, card.inputs, cpu)
    for arm, student in students.items():
        scores = compare(answers, predict(student, test, card.inputs, cpu), card.values, card.gaussians)
        figures[f"{arm}: agreement"] = float(scores["agreement"] or 0.0)
        scale = compare_scale_response(teacher, student, test, card.inputs)
        figures["teacher: scale, mean"], figures["teacher: scale, rms"] = scale["teacher_mean"], scale["teacher_rms"]
        figures |= {f"{arm}: scale, {_words(name)}": scale[name] for name in SCALE_FIGURES}
    shown = {name: replace(VARIATIONS[name], sizes=sizes) for name, sizes in SHOWN.items()}
    for row in robustness(teacher, students, test, card.inputs, shown, seed=seed):
        for figure in ("accuracy", "agreement", "keeps"):
            figures[_row(row["network"], row["variation"], row["size"], figure)] = row[figure]
    return {name: figures[name] for name in RESPONSE.published}


def _words(name: str) -> str:
    return name.replace("student_", "").replace("_", " ")


def _row(network: str, variation: str, size: float, figure: str) -> str:
    return f"{network}: {variation} {size:g}, {figure}" if size else f"{network}: as they are, {figure}"


def _names() -> list[str]:
    names = ["teacher: scale, mean", "teacher: scale, rms"]
    for arm in ARMS:
        names += [f"{arm}: agreement", *(f"{arm}: scale, {_words(name)}" for name in SCALE_FIGURES)]
    sizes = [(name, size) for name, some in SHOWN.items() for size in some]
    for network in ("teacher", *ARMS):
        for variation, size in sizes:
            figures = ["accuracy"] + ["keeps"] * bool(size) + ["agreement"] * (network != "teacher" and bool(size))
            names += [_row(network, variation, size, figure) for figure in figures]
    return names


RESPONSE = System(
    title="Jets: response to the energy scale, and robustness, with data and without",
    source="Srinivas and Fleuret, arXiv:1803.00443, for the Jacobian; Liu et al., arXiv:2311.14160, for robustness of "
    "students distilled with data, whose teacher and sample are others",
    published=dict.fromkeys(_names(), ""),
    run=response,
    takes_catalog=True,
    seeds=3,
    remark="The teacher that ships, `pfn` as student, 300 steps of 128 jets each: a tenth of preset `jets-embedded`. "
    "Figures are on 1 000 jets of the sample that ships, of which the other 1 000 are what KD learns from. Scale: the "
    "change, in nats, of the log probability of the teacher's top class from -0.5 % to +0.5 % of the jet energy scale; "
    "mean and rms over jets, correlation with the teacher's, rms of the difference over the teacher's rms. Rotation "
    "about the axis in radians, boost along it in rapidity, smearing of each particle's momentum; keeps: share of "
    "jets whose class stays as it was. The weight of the Jacobian, 0.1, was not tuned; that of the student "
    "is the gradient in evaluation mode.",
)
