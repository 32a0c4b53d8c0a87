"""Methods of distillation, a file each: its loop and its settings. A new method is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from zskt.errors import NonFiniteLoss, UserError
from zskt.methods.adadfkd import AdaDFKD
from zskt.methods.cmi import CMI
from zskt.methods.dafl import DAFL
from zskt.methods.deepinversion import DeepInversion
from zskt.methods.dfad import DFAD
from zskt.methods.dfme import DFME
from zskt.methods.dfq import DFQ
from zskt.methods.disguide import DisGUIDE
from zskt.methods.fast import Fast
from zskt.methods.hard_label import HardLabel
from zskt.methods.kd import KD
from zskt.methods.maze import MAZE
from zskt.methods.method import WARMUPS, Method, Metrics, Setup, iterations_of
from zskt.methods.nayer import NAYER
from zskt.methods.pre_dfkd import PREDFKD
from zskt.methods.prior_only import PriorOnly
from zskt.methods.supervised import Supervised
from zskt.methods.zskt import ZSKT
from zskt.parallel.collectives import make_same, part_streams
from zskt.query_budget import METER, BudgetSpent, QueryMeter
from zskt.settings import Settings

__all__ = [
    "BY_ANSWERS",
    "METHODS",
    "Method",
    "Metrics",
    "Setup",
    "iterate",
    "iterations_of",
    "require_a_step",
    "require_affordable",
]

METHODS: dict[str, type[Method]] = {
    "zskt": ZSKT,
    "dafl": DAFL,
    "deepinversion": DeepInversion,
    "cmi": CMI,
    "fast": Fast,
    "dfad": DFAD,
    "dfq": DFQ,
    "nayer": NAYER,
    "pre-dfkd": PREDFKD,
    "adadfkd": AdaDFKD,
    "dfme": DFME,
    "maze": MAZE,
    "disguide": DisGUIDE,
    "hard-label": HardLabel,
    "prior-only": PriorOnly,
    "kd": KD,
    "supervised": Supervised,
}
"""Methods by name."""
BY_ANSWERS = "prior-only"
"""The method of a teacher that only answers, where nobody names another."""


def iterate(method: Method) -> Iterator[Metrics]:
    """Run a method, on all ranks from the same networks; an error names the iteration, a spent budget ends it.

    Raises:
        NonFiniteLoss: naming iteration and term; no parameter was changed by it.
    """
    make_same(*(part for part in method.state.parts.values() if isinstance(part, nn.Module)))
    if not method.state.step:
        part_streams()
    meter = method.state.parts.get(METER)
    if not isinstance(meter, QueryMeter):
        meter = None
    elif meter.ended:
        return
    try:
        _tell_terms(method)
        for metrics in method.run():
            _tell_terms(method)
            if meter is not None:  # it counts what is asked beside the method, too: to see that all fits
                method.state.counters["teacher_queries"] = meter.asked
            yield metrics
    except BudgetSpent:
        assert meter is not None
        method.state.counters["teacher_queries"] = meter.asked
    except NonFiniteLoss as error:
        raise NonFiniteLoss(f"iteration {method.state.step}: {error}; no step was taken on it") from error


def _tell_terms(method: Method) -> None:
    """Tell the terms of the student's loss which share of the iterations is done."""
    for term in method.terms:
        term.begin(method.state.step / method.config.iterations)


def require_affordable(method: Method, config: Settings) -> None:
    """Raise `UserError` if a budget of queries will be spent before the student learns, as far as the method can tell.

    Args:
        config: the method's settings.
    """
    meter = method.state.parts.get(METER)
    if not isinstance(meter, QueryMeter) or not meter.limit:
        return
    needed = meter.asked + method.queries_before_learning
    if needed <= meter.limit:
        return
    shorter = [f", or a smaller {name}" for name in WARMUPS if getattr(config, name, 0)]
    remedy = "".join(["give more", *shorter])
    raise UserError(f"queries is {meter.limit}, but the student's first step comes after {needed}: {remedy}")


def require_a_step(method: Method) -> None:
    """Raise `UserError` if a run has ended before its first step: its student would be the untrained one."""
    if method.state.student_steps:
        return
    meter = method.state.parts.get(METER)
    if isinstance(meter, QueryMeter) and meter.ended:
        raise UserError(f"queries is {meter.limit}: spent before the student's first step; give more")
    raise UserError(f"the student took no step in {method.state.step} iterations; give more iterations")
