"""Recipes of methods: which settings a method takes on a preset that is another method's.

A method that is not the preset's own takes its ``Config`` as it is, which holds the settings of its paper, with the
recipe of this table laid over it. Nothing of the preset's own method is carried over: a weight that helps one method
ruins another (DAFL without the entropy of its classes collapses onto one class). The exception says so in its recipe.

A recipe is a line of `RECIPES`: where it holds, for which method, what it changes. It holds for one preset, for the
pairs of the literature on one data set ("cifar10-literature") or on any ("literature"), for a whole domain, or
anywhere (""). Only the nearest one counts. Lines of methods that are not there yet do no harm.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from zskt.experiments.short_recipes import SHORT

PAPERS_PAIRS = ("cifar10-wrn-", "cifar10-resnet34-", "cifar100-", "svhn-wrn-")
"""How names of presets begin whose teacher and student are those of publications: they take the papers' settings, and a
GPU. So does any preset whose name ends in ``-paper``."""
TRAINABLE = {"images": "image", "jets": "shower", "vectors": "tabular", "frames": "frames"}
"""Domain -> the generator of a method that trains one, where neither its recipe nor the user names another: a preset of
ours may have a prior without parameters."""
THE_PRESETS = "the preset's"
"""In place of a generator's name: the one that the preset has."""
VARIANTS = {"zskt-paper": "zskt"}
"""Names that ``--method`` understands beside the methods' own -> the method whose other recipe they mean."""
VARIANT_SUMMARIES = {"zskt-paper": "The same with the settings and the generator of its paper, and nothing of ours."}


@dataclass(frozen=True, kw_only=True)
class MethodRecipe:
    """What a method changes in its own defaults."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings by name, of the method's ``Config``."""
    generator: str | None = None
    """None takes that of `TRAINABLE`; see `THE_PRESETS`."""
    keeps_settings: bool = False
    """Whether the preset's settings go over: of a method that is the preset's with something left out."""
    summary: str = ""
    """What it reached and how long it took, in a line; or that nobody has run it."""


NOT_RUN = "the paper's settings; for a GPU, nobody has run it here"
ZSKT_PAPER: Mapping[str, Any] = {
    "batch_size": 128,
    "student_steps": 10,
    "generator_every": 1,
    "reuse_generator_batch": False,
    "replay_fraction": 0.0,
}
"""Algorithm 1 with a fresh batch after the generator's step, as `zskt.experiments.image_presets.PAPER`."""

RECIPES: dict[tuple[str, str], MethodRecipe] = {
    ("", "prior-only"): MethodRecipe(
        generator=THE_PRESETS,
        keeps_settings=True,
        summary="ours without the adversary: the preset's prior and settings, as far as it has them",
    ),
    ("images", "zskt-paper"): MethodRecipe(
        settings={**ZSKT_PAPER, "iterations": 700, "attention_weight": 2500.0},
        summary="Algorithm 1 in 700 pseudo-batches instead of 80 000",
    ),
    ("jets", "zskt-paper"): MethodRecipe(
        settings={**ZSKT_PAPER, "iterations": 300},
        generator="mlp",
        summary="Algorithm 1 without attention, which taggers have not, and with a free network for a generator",
    ),
    ("vectors", "zskt-paper"): MethodRecipe(
        settings={**ZSKT_PAPER, "iterations": 400}, summary="Algorithm 1 without attention"
    ),
    ("literature", "zskt-paper"): MethodRecipe(
        settings={**ZSKT_PAPER, "iterations": 80_000, "attention_weight": 2500.0},
        summary=f"{NOT_RUN}; on CIFAR-100 the beta of 250 becomes 25 000",
    ),
    ("cifar100-literature", "zskt-paper"): MethodRecipe(
        settings={**ZSKT_PAPER, "iterations": 80_000, "attention_weight": 25_000.0}, summary=NOT_RUN
    ),
    ("svhn-literature", "zskt-paper"): MethodRecipe(
        settings={**ZSKT_PAPER, "iterations": 50_000, "attention_weight": 2500.0}, summary=NOT_RUN
    ),
    ("literature", "dafl"): MethodRecipe(
        settings={"iterations": 240_000, "batch_size": 1024, "generator_lr": 0.02},
        summary=f"{NOT_RUN}; AdamW in place of the paper's SGD",
    ),
    ("cifar100-literature", "dafl"): MethodRecipe(
        settings={
            "iterations": 240_000,
            "batch_size": 1024,
            "generator_lr": 0.02,
            "one_hot_weight": 0.5,
            "class_entropy_weight": 20.0,
        },
        summary=f"{NOT_RUN}; AdamW in place of the paper's SGD",
    ),
}
RECIPES |= {
    (place, method): MethodRecipe(settings=settings, generator=recipes.generators.get(method), summary=recipes.summary)
    for place, recipes in SHORT.items()
    for method, settings in recipes.methods.items()
}
RECIPES |= {("literature", method): MethodRecipe(summary=NOT_RUN) for method in SHORT["images"].methods}
RECIPES["literature", "deepinversion"] = MethodRecipe(generator="noise-image", summary=NOT_RUN)
"""Where it holds and the name of a method -> what it changes."""


def places_of(preset: str, domain: str) -> tuple[str, ...]:
    """Name where recipes for a preset may stand, the nearest first."""
    named = preset.removesuffix("-paper")
    places = [preset] if named == preset else [preset, named]
    if named != preset or named.startswith(PAPERS_PAIRS):
        places = [preset, f"{named.partition('-')[0]}-literature", "literature"]
        if named.startswith("fashion-mnist"):
            places[1] = "fashion-mnist-literature"
    return (*places, domain, "")


def recipe_of(preset: str, method: str, domain: str) -> MethodRecipe:
    """Return what a method changes on a preset that is not its own; nothing where nobody has found anything.

    Its generator is a name, or None for the preset's own.
    """
    places = places_of(preset, domain)
    found = next((RECIPES[place, method] for place in places if (place, method) in RECIPES), MethodRecipe())
    generator = None if found.generator == THE_PRESETS else found.generator or TRAINABLE.get(domain)
    return replace(found, generator=generator)


def summaries(methods: Collection[str]) -> dict[str, str]:
    """Return a line for each recipe of these methods: where it holds and the method's name, then its summary."""
    known = {*methods, *VARIANTS}
    return {
        f"{place or 'anywhere'} + {method}": recipe.summary
        for (place, method), recipe in sorted(RECIPES.items())
        if method in known
    }
