"""What every method that only asks must do: learn, count exactly, stop at its budget, and go on bit by bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.methods.black_boxes import SMALL, start
from tests.methods.setups import require_exact_resume, run_until, same, state_of
from zskt.errors import UserError
from zskt.methods import METHODS, iterate

METHODS_THAT_ASK = sorted(SMALL)


@pytest.mark.parametrize("name", METHODS_THAT_ASK)
@pytest.mark.parametrize("domain", ["vectors", "images", "mlp", "shower"])
def test_it_runs_and_moves_the_student_and_counts_what_its_teacher_counts(name: str, domain: str) -> None:
    method, teacher = start(name, domain, iterations=2)
    before = [p.clone() for p in method.result.parameters()]
    logged = list(iterate(method))
    assert len(logged) == 2 and method.state.counters["steps"] > 0
    assert teacher.asked == method.state.counters["teacher_queries"] > 0
    assert not same(before, list(method.result.parameters()))
    if domain != "shower":  # whose jets may leave their domain when they are moved
        assert teacher.asked == 2 * METHODS[name].queries_per_iteration(method.config)  # type: ignore[attr-defined, operator]


@pytest.mark.parametrize("name", METHODS_THAT_ASK)
def test_it_learns(name: str) -> None:
    method, _ = start(name, iterations=60, batch_size=32, student_lr=2e-2)
    agreement = [metrics["agreement/pseudo"] for metrics in iterate(method) if metrics]
    assert sum(agreement[-5:]) / 5 > sum(agreement[:2]) / 2 + 0.1


@pytest.mark.parametrize("name", METHODS_THAT_ASK)
@pytest.mark.parametrize("queries", [1, 7, 40, 53, 101])
def test_a_budget_is_never_exceeded_by_one(name: str, queries: int) -> None:
    method, teacher = start(name, queries=queries, iterations=1000)
    list(iterate(method))
    assert teacher.asked == method.state.counters["teacher_queries"] <= queries
    left = queries - teacher.asked
    if name in ("disguide", "hard-label", "prior-only"):  # the last batch is cut to fit, unless it is one sample
        assert left <= 1
    assert left < METHODS[name].queries_per_iteration(method.config)  # type: ignore[attr-defined, operator]
    assert list(iterate(method)) == []  # what is spent is spent


@pytest.mark.parametrize("name", METHODS_THAT_ASK)
def test_a_run_that_is_stopped_and_resumed_is_the_same_to_the_last_bit(name: str, tmp_path: Path) -> None:
    require_exact_resume(lambda: start(name)[0], tmp_path / "state.pt")


def test_a_resumed_run_has_what_was_left_of_its_budget(tmp_path: Path) -> None:
    whole, first = start("dfme", queries=200, iterations=50)[0], start("dfme", queries=200, iterations=50)[0]
    list(iterate(whole))
    run_until(first, 2)
    first.state.save(tmp_path / "state.pt", {})
    second, teacher = start("dfme", queries=200, iterations=50)
    second.state.load(tmp_path / "state.pt", {})
    list(iterate(second))
    assert teacher.asked + first.state.counters["teacher_queries"] == whole.state.counters["teacher_queries"]
    assert same(state_of(whole), state_of(second))


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", [1.0, 0.75, 0.25]),
        ("constant", [1.0, 1.0, 1.0]),
        ("drops-10-30-50", [1.0, 0.09, 0.027]),
        ("drops-40-80", [1.0, 1.0, 0.3]),
        ("drops-50-80", [1.0, 1.0, 0.3]),
    ],
)
def test_rates_fall_as_the_schedule_says(schedule: str, expected: list[float]) -> None:
    method, _ = start("disguide", iterations=12, schedule=schedule, student_lr=2.0)
    rates = [metrics["rate/student"] / 2 for metrics in iterate(method)]
    assert [rates[i] for i in (0, 4, 8)] == pytest.approx(expected)


def test_gradient_descent_has_the_plain_momentum_of_the_published_codes() -> None:
    (group,) = start("dfme", optimizer="sgd")[0].student_step.optimizer.param_groups  # type: ignore[attr-defined]
    assert group["momentum"] == 0.9 and not group["nesterov"]


@pytest.mark.parametrize("name", ["dfme", "maze"])
def test_finite_differences_need_something_to_move(name: str) -> None:
    from generators import GENERATORS
    from tests.methods.setups import jets_setup

    setup = jets_setup("shower-prior")
    assert "shower-mix" in GENERATORS
    with pytest.raises(UserError, match="use method prior-only"):
        METHODS[name](METHODS[name].Config(), setup)


def test_what_is_left_of_an_answer_decides_what_is_learned() -> None:
    """Students of probabilities and of top classes differ; of two teachers with the same top classes they do not."""
    students = [start("prior-only", access=access)[0] for access in ("probabilities", "top-class", "top-class")]
    for method in students:
        list(iterate(method))
    a, b, c = (list(method.result.parameters()) for method in students)
    assert not same(a, b) and same(b, c)
