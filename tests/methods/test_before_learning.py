"""What a method asks before its student learns: told beforehand where it is known, and no untrained student is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from generators import GENERATORS
from tests.methods.setups import VECTORS, jets_setup, numbers_setup, resnets_setup
from zskt.errors import UserError
from zskt.methods import METHODS, Method, Setup, iterate, require_a_step, require_affordable
from zskt.methods.student import StudentStep
from zskt.query_budget import METER, QueryMeter

INVERSION = {"batch_size": 8, "synthesis_size": 6, "synthesis_steps": 3, "synthesis_warmup": 2, "bank_size": 64}
NAYER = {"batch_size": 8, "synthesis_batch_size": 6, "generator_steps": 3, "synthesis_warmup": 2, "warmup_loops": 3}
SETTINGS: dict[str, dict[str, Any]] = {
    name: {"iterations": 4, "student_steps": 2, "bn_weight": 0.1} | (NAYER if name == "nayer" else INVERSION)
    for name in ("fast", "cmi", "deepinversion", "nayer")
}
SETTINGS["dfq"] = {"iterations": 4, "student_steps": 1, "batch_size": 8, "bn_weight": 0.1, "generator_warmup": 3}
SETUPS: dict[str, Callable[[], Setup]] = {
    "vectors": numbers_setup,
    "images": resnets_setup,
    "prior": lambda: numbers_setup(prior=GENERATORS["tabular-prior"].build(VECTORS)),
}


def metered(name: str, setup: Setup, queries: int = 0, **settings: Any) -> tuple[Method, QueryMeter]:
    """A method whose teacher is counted as long as the test lasts."""
    meter, kind = QueryMeter(queries), METHODS[name]
    counting = meter.on(setup.pair.teacher)
    counting.__enter__()
    method = kind(kind.Config(**SETTINGS[name] | settings), replace(setup, pair=replace(setup.pair, meter=meter)))
    method.state.parts[METER] = meter
    method.counting = counting  # type: ignore[attr-defined]
    return method, meter


def first_step(method: Method, meter: QueryMeter, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run until the student has stepped; what the teacher had been asked when it began to."""
    asked: list[int] = []
    take = StudentStep.__call__

    def watched(self: StudentStep, *arguments: Any) -> Any:
        asked.append(meter.asked)
        return take(self, *arguments)

    monkeypatch.setattr(StudentStep, "__call__", watched)
    for _ in iterate(method):
        if asked:
            break
    return asked[0]


@pytest.mark.parametrize("domain", SETUPS)
@pytest.mark.parametrize("name", SETTINGS)
def test_what_is_asked_before_the_first_step_is_known(name: str, domain: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, meter = metered(name, SETUPS[domain]())
    before = meter.asked
    assert before + method.queries_before_learning == first_step(method, meter, monkeypatch)
    assert method.queries_before_learning > 3 * 6 or (name, domain) == ("dfq", "prior")


def test_own_targets_no_contrast_and_batches_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, settings in (("fast", {"targets": "own"}), ("cmi", {"contrastive_weight": 0.0}), ("nayer", {"loops": 1})):
        method, meter = metered(name, numbers_setup(), **settings)
        before = meter.asked
        assert before + method.queries_before_learning == first_step(method, meter, monkeypatch), name
    setup = jets_setup("shower-prior")
    assert setup.generator is not None and setup.generator.acceptance < 1
    assert metered("nayer", setup, bn_weight=0.0)[0].queries_before_learning == 0


@pytest.mark.parametrize("name", SETTINGS)
def test_a_budget_for_the_first_step_is_enough_and_one_query_less_is_refused(name: str) -> None:
    method, meter = metered(name, numbers_setup())
    enough, kind = meter.asked + method.queries_before_learning, METHODS[name]
    config = kind.Config(**SETTINGS[name])
    method, meter = metered(name, numbers_setup(), enough)
    require_affordable(method, config)
    list(iterate(method))
    require_a_step(method)
    assert method.state.student_steps == config.student_steps and meter.asked == enough
    method, _ = metered(name, numbers_setup(), enough - 1)
    said = f"queries is {enough - 1}, but the student's first step comes after {enough}: give more, or a smaller "
    said += "generator_warmup" if name == "dfq" else "synthesis_warmup"
    with pytest.raises(UserError, match=said):
        require_affordable(method, config)
    list(iterate(method))
    assert method.state.step <= 2 and method.state.student_steps == 0
    with pytest.raises(UserError, match=f"queries is {enough - 1}: spent before the student's first step; give more"):
        require_a_step(method)


def test_a_method_that_counts_no_steps_has_its_iterations() -> None:
    method, _ = metered("nayer", numbers_setup())
    with pytest.raises(UserError, match="the student took no step in 0 iterations"):
        require_a_step(method)
    method.state.counters.clear()
    method.state.step = 1
    require_a_step(method)
