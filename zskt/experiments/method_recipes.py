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
from zskt.methods import METHODS
from zskt.synthesis import BASE_10

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


def _descent(lr: float, classes: int, decay: float = 5e-4) -> Mapping[str, Any]:
    """Return settings of the gradient descent of DFME and DisGUIDE, whose codes average the L1 distance over K classes.

    Ours sums it, as DFME's paper does: the same step has a rate that is K times smaller, and a decay K times larger.
    """
    return {**DESCENT, "student_lr": lr / classes, "weight_decay": decay * classes}


DESCENT: Mapping[str, Any] = {"optimizer": "sgd", "weight_decay": 5e-4, "max_grad_norm": 0.0}
"""The student's side of black boxes in the published codes."""
DFME: Mapping[str, Any] = {"batch_size": 256, "iterations": 11_160, "schedule": "drops-10-30-50"}
"""20 million queries at 1 792 an iteration."""
DISGUIDE: Mapping[str, Any] = {"batch_size": 256, "replay_size": 1_000_000, "schedule": "drops-40-80"}
IDEAL: Mapping[str, Any] = {
    **DESCENT,
    "student_lr": 0.01,
    "schedule": "constant",
    "iterations": 400,
    "batch_size": 250,
    "student_steps": 200,
    "replay_size": 100_000,
    "generator_life": 1,
}
"""400 epochs over a pool that grows by 250 samples in each: 200 steps on average."""
DAFL: Mapping[str, Any] = {"iterations": 240_000, "batch_size": 1024, "generator_lr": 0.02}
FAST_RESNET: Mapping[str, Any] = {"one_hot_weight": 0.5, "adversarial_weight": 1.33}
ADADFKD_100: Mapping[str, Any] = {"curriculum_threshold": 1.2, "curriculum_growth": 2e-5}
"""On CIFAR-100."""
GROWS = "the adversary grows in the authors' script, here its weight is 1"
BY_PROBABILITIES = "for --teacher-access top-class take student_lr=0.03, weight_decay=0.0005"

RECIPES: dict[tuple[str, str], MethodRecipe] = {
    ("literature", method): MethodRecipe(summary=NOT_RUN) for method in SHORT["images"].methods
}
RECIPES |= {
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
    ("literature", "dafl"): MethodRecipe(settings=DAFL, summary=f"{NOT_RUN}; AdamW in place of the paper's SGD"),
    ("cifar100-literature", "dafl"): MethodRecipe(
        settings={**DAFL, "one_hot_weight": 0.5, "class_entropy_weight": 20.0 / BASE_10},
        summary=f"{NOT_RUN}; AdamW in place of the paper's SGD",
    ),
    ("literature", "deepinversion"): MethodRecipe(generator="noise-image", summary=NOT_RUN),
    ("cifar100-literature", "adadfkd"): MethodRecipe(
        settings={
            **ADADFKD_100,
            "iterations": 20_000,
            "temperature": 2.0,
            "contrast_length": 0.8,
            "contrast_size": 16_384,
        },
        summary=f"{NOT_RUN}; the authors' script for WRN-40-2 to WRN-16-2",
    ),
    ("literature", "dfme"): MethodRecipe(
        settings={**DFME, **_descent(0.1, 10)}, summary=f"{NOT_RUN}; 20 million queries"
    ),
    ("svhn-literature", "dfme"): MethodRecipe(
        settings={
            **DFME,
            **_descent(0.1, 10),
            "iterations": 1_116,
            "generator_lr": 5e-5,
            "schedule": "drops-50-80",
        },
        summary=f"{NOT_RUN}; 2 million queries",
    ),
    ("cifar100-literature", "dfme"): MethodRecipe(
        settings={**DFME, **_descent(0.1, 100)},
        summary="those for CIFAR-10, the paper has no CIFAR-100; not run",
    ),
    ("literature", "maze"): MethodRecipe(
        settings={**DESCENT, "student_lr": 0.1, "generator_lr": 1e-4, "iterations": 2_441},
        summary=f"{NOT_RUN}; 5 million queries, the code's default; Adam in place of SGD for the generator",
    ),
    ("literature", "disguide"): MethodRecipe(
        settings={**DISGUIDE, **_descent(0.03, 10), "iterations": 78_125},
        summary=f"{NOT_RUN}; 20 million queries; {BY_PROBABILITIES}",
    ),
    ("cifar100-literature", "disguide"): MethodRecipe(
        settings={**DISGUIDE, **_descent(0.03, 100), "iterations": 39_062, "diversity_weight": 0.04},
        summary=f"{NOT_RUN}; 10 million queries; {BY_PROBABILITIES}",
    ),
    ("literature", "hard-label"): MethodRecipe(
        settings={**IDEAL, "generator_steps": 30}, summary=f"{NOT_RUN}; 100 000 queries"
    ),
    ("cifar10-literature", "hard-label"): MethodRecipe(settings=IDEAL, summary=f"{NOT_RUN}; 100 000 queries"),
}
RECIPES |= {
    (f"{data}-resnet34-to-resnet18{suffix}", method): recipe
    for suffix in ("", "-paper")
    for data, method, recipe in (
        ("cifar10", "fast", MethodRecipe(settings=FAST_RESNET, summary=NOT_RUN)),
        ("cifar100", "fast", MethodRecipe(settings=FAST_RESNET, summary=NOT_RUN)),
        (
            "cifar10",
            "adadfkd",
            MethodRecipe(
                settings={"iterations": 10_000, "batch_size": 512, "curriculum_threshold": 2.41},
                summary=f"{NOT_RUN}; {GROWS}",
            ),
        ),
        (
            "cifar100",
            "adadfkd",
            MethodRecipe(
                settings={
                    **ADADFKD_100,
                    "iterations": 80_000,
                    "student_steps": 5,
                    "batch_size": 768,
                    "temperature": 5.0,
                    "contrast_length": 0.62,
                    "contrast_size": 24_576,
                },
                summary=f"{NOT_RUN}; {GROWS}; its student's loss is an L1 distance",
            ),
        ),
    )
}


BESIDE_WEIGHTS = ("temperature", "synthesis_steps", "generator_steps", "memory_steps")
DEFAULT_LENGTH = "the default length"


def remark(method: str, settings: Mapping[str, Any]) -> str:
    """Name the weights of a recipe that are not the paper's, with those of the paper, which are the method's defaults.

    Temperatures count, and how many steps make a batch; lengths, rates and the student's optimiser do not.
    """
    paper = METHODS[method].Config().to_dict()
    counts = [name for name in settings if name.endswith("_weight") or name in BESIDE_WEIGHTS]
    others = [f"{name}={settings[name]:.4g} ({paper[name]:.4g})" for name in counts if settings[name] != paper[name]]
    return f"in place of the paper's: {', '.join(sorted(others))}" if others else "the paper's weights"


RECIPES |= {
    (place, method): MethodRecipe(
        settings=settings,
        generator=recipes.generators.get(method),
        summary=f"{recipes.summary if 'iterations' in settings else DEFAULT_LENGTH}; {remark(method, settings)}",
    )
    for place, recipes in SHORT.items()
    for method, settings in recipes.methods.items()
}
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
