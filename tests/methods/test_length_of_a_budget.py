"""What a whole run asks, told beforehand for every method, so that a budget lasts until the rates have fallen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import torch

from generators import GENERATORS
from tests.methods.setups import VECTORS, jets_setup, numbers_setup, resnets_setup
from zskt.dataset import Labelled, TensorInputs, TensorSamples
from zskt.errors import UserError
from zskt.methods import METHODS, Setup, iterate, iterations_of
from zskt.optim import cosine, multistep
from zskt.query_budget import METER, QueryMeter
from zskt.teacher_access import GRADIENT, AnswersOnly

GENERATIVE = {"batch_size": 8, "student_steps": 3, "bn_weight": 0.1}
INVERSION = {"batch_size": 8, "synthesis_size": 6, "synthesis_steps": 3, "student_steps": 2, "bank_size": 64}
SMALL: dict[str, dict[str, Any]] = {
    "zskt": {"batch_size": 8, "student_steps": 3},
    "dafl": {"batch_size": 8, "feature_weight": 0.0},
    "dfad": {"batch_size": 8, "student_steps": 3},
    "dfq": {**GENERATIVE, "generator_warmup": 3},
    "adadfkd": GENERATIVE,
    "pre-dfkd": {"batch_size": 16, "student_steps": 3, "memory_steps": 2, "feature_weight": 0.0},
    "nayer": {"batch_size": 8, "student_steps": 2, "bn_weight": 0.1, "synthesis_batch_size": 6, "generator_steps": 3,
              "synthesis_warmup": 2, "warmup_loops": 3},
    "fast": {**INVERSION, "synthesis_warmup": 2},
    "cmi": {**INVERSION, "synthesis_warmup": 1},
    "deepinversion": INVERSION,
    "dfme": {"batch_size": 8, "student_steps": 2},
    "maze": {"batch_size": 8, "student_steps": 2, "replay_steps": 2, "directions": 3},
    "disguide": {"batch_size": 8, "replay_steps": 2},
    "hard-label": {"batch_size": 8, "generator_steps": 2, "student_steps": 3},
    "prior-only": {"batch_size": 8, "student_steps": 3},
    "kd": {"batch_size": 8, "student_steps": 3, "jitter": 0.1},
}  # fmt: skip
SETUPS: dict[str, Callable[[], Setup]] = {
    "vectors": numbers_setup,
    "images": resnets_setup,
    "a prior": lambda: numbers_setup(generator="tabular-prior"),
    "a prior beside": lambda: numbers_setup(prior=GENERATORS["tabular-prior"].build(VECTORS)),
    "shower": lambda: jets_setup("shower"),
}
CASES = [
    (name, domain)
    for name in SMALL
    for domain in SETUPS
    if not (domain == "a prior" and name in ("fast", "cmi", "dfme", "maze"))  # they refuse one
    if not (domain == "a prior beside" and not METHODS[name].takes_prior)
    if not (domain != "vectors" and METHODS[name].needs_data)
]
OF_ANY_SIZE = ("pre-dfkd", "fast", "cmi", "deepinversion", "dfme", "maze")
"""Methods that ask about fewer jets where some leave their domain when they are moved."""
NO_LIMIT = 10**9


@contextmanager
def metered(name: str, domain: str, queries: int, **settings: Any) -> Iterator[tuple[Any, Setup, QueryMeter]]:
    """Settings of a method, what it is given, and the meter of its teacher, which counts meanwhile."""
    kind, meter, setup = METHODS[name], QueryMeter(queries), SETUPS[domain]()
    if kind.needs_data:
        x = torch.rand(40, 4)
        setup = replace(setup, data=Labelled(TensorSamples((x,)), torch.zeros(40).long()), inputs=TensorInputs())
    teacher = setup.pair.teacher
    assert teacher is not None
    teacher = teacher if GRADIENT in kind.accesses else AnswersOnly(teacher, kind.accesses[0])
    pair = replace(setup.pair, teacher=teacher, meter=meter)
    own = {"bn_weight": 0.0} if domain == "shower" and "bn_weight" in kind.Config().names() else {}
    config = kind.Config(**{"iterations": 5, **SMALL[name], **own, **settings})
    with meter.on(teacher):
        yield config, replace(setup, pair=pair), meter


def run(name: str, config: Any, setup: Setup, meter: QueryMeter) -> tuple[int, list[dict[str, float]]]:
    """Run a method to its end; what it asked in its iterations, and what these logged."""
    method = METHODS[name](config, setup)
    method.state.parts[METER] = meter
    before = meter.asked
    logged = list(iterate(method))
    return meter.asked - before, logged


@pytest.mark.parametrize(("name", "domain"), CASES)
def test_what_a_run_asks_is_known_beforehand(name: str, domain: str) -> None:
    kind = METHODS[name]
    with metered(name, domain, NO_LIMIT) as (config, setup, meter):
        asked, logged = run(name, config, setup, meter)
        known, least = kind.queries_of(config, setup), kind.queries_of(config)
    assert known is not None and least is not None and 0 < least <= known and len(logged) == 5
    if domain == "shower" and name in OF_ANY_SIZE:
        assert 0.8 * known < asked <= known
    else:
        assert asked == known


@pytest.mark.parametrize(
    ("name", "domain", "settings"),
    [
        ("zskt", "vectors", {"reuse_generator_batch": False}),
        ("zskt", "vectors", {"reuse_generator_batch": False, "generator_every": 2}),
        ("zskt", "vectors", {"resample_each_step": True, "step_growth": 2.0}),
        ("zskt", "vectors", {"jitter": 0.1}),
        ("zskt", "vectors", {"terms": {"jacobian": 1.0}}),
        ("zskt", "images", {"perturbation_radius": 1.0}),
        ("zskt", "images", {"perturbation_radius": 1.0, "reuse_generator_batch": False, "resample_each_step": True}),
        ("zskt", "images", {"hint_weight": 1.0, "generator_every": 3}),
        ("zskt", "a prior", {"ask_share": 0.5}),
        ("fast", "images", {"augment": "none"}),
        ("fast", "vectors", {"targets": "own", "mixup": True}),
        ("cmi", "vectors", {"contrastive_weight": 0.0}),
        ("deepinversion", "images", {"hint_weight": 1.0, "augment": "none", "step_growth": 1.0}),
        ("nayer", "images", {"augment": "none"}),
        ("nayer", "vectors", {"synthesis_warmup": 20}),
        ("pre-dfkd", "vectors", {"memory_fraction": 0.0}),
        ("pre-dfkd", "vectors", {"memory_steps": 9}),
        ("kd", "vectors", {"jitter": 0.0, "terms": {"jacobian": 1.0}}),
    ],
)
def test_what_settings_ask_is_known_beforehand(name: str, domain: str, settings: dict[str, Any]) -> None:
    with metered(name, domain, NO_LIMIT, **settings) as (config, setup, meter):
        assert run(name, config, setup, meter)[0] == METHODS[name].queries_of(config, setup)


@pytest.mark.parametrize("name", SMALL)
def test_rates_have_fallen_when_a_budget_is_spent(name: str) -> None:
    kind, iterations = METHODS[name], 40
    with metered(name, "vectors", NO_LIMIT, iterations=iterations) as (config, setup, _):
        budget = (kind.queries_of(config, setup) or 0) + 7
    with metered(name, "vectors", budget) as (config, setup, meter):
        config = config.with_(iterations=iterations_of(kind, config, budget))
        config = kind.within_budget(config, budget, setup)
        assert config.iterations == iterations
        asked, logged = run(name, config, setup, meter)
    assert budget - 8 <= asked <= budget and len(logged) == iterations
    last = multistep(iterations - 1, iterations) if name == "dfad" else cosine(iterations - 3, iterations)
    assert 0 < logged[-1]["rate/student"] <= last * config.student_lr


def test_a_prior_takes_no_steps_and_its_budget_lasts_twice_as_long() -> None:
    lengths = {}
    for domain in ("vectors", "a prior"):
        with metered("zskt", domain, 4000, batch_size=64, reuse_generator_batch=False, iterations=99) as made:
            lengths[domain] = METHODS["zskt"].within_budget(made[0], 4000, made[1]).iterations
    assert lengths == {"vectors": 31, "a prior": 62}


def test_a_budget_that_lasts_for_a_part_of_the_warm_up_leaves_the_shortest_run() -> None:
    with metered("fast", "vectors", 30) as (config, setup, _):
        assert iterations_of(METHODS["fast"], config, 30, setup) == config.synthesis_warmup + 1
    said = "queries is 31, but an iteration costs 32: give more, or a smaller batch_size"
    with metered("dfad", "vectors", 31) as (config, setup, _), pytest.raises(UserError, match=said):
        METHODS["dfad"].within_budget(config, 31, setup)
