"""Methods of distillation, a file each: its loop and its settings. A new method is one file and one line here."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn

from zskt.errors import NonFiniteLoss
from zskt.methods.adadfkd import AdaDFKD
from zskt.methods.cmi import CMI
from zskt.methods.dafl import DAFL
from zskt.methods.deepinversion import DeepInversion
from zskt.methods.dfad import DFAD
from zskt.methods.dfq import DFQ
from zskt.methods.fast import Fast
from zskt.methods.kd import KD
from zskt.methods.method import Method, Metrics, Setup
from zskt.methods.nayer import NAYER
from zskt.methods.pre_dfkd import PREDFKD
from zskt.methods.supervised import Supervised
from zskt.methods.zskt import ZSKT
from zskt.parallel.collectives import make_same, part_streams

__all__ = ["METHODS", "Method", "Metrics", "Setup", "iterate"]

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
    "kd": KD,
    "supervised": Supervised,
}
"""Methods by name."""


def iterate(method: Method) -> Iterator[Metrics]:
    """Run a method, on all ranks from the same networks; an error names the iteration.

    Raises:
        NonFiniteLoss: naming iteration and term; no parameter was changed by it.
    """
    make_same(*(part for part in method.state.parts.values() if isinstance(part, nn.Module)))
    if not method.state.step:
        part_streams()
    try:
        yield from method.run()
    except NonFiniteLoss as error:
        raise NonFiniteLoss(f"iteration {method.state.step}: {error}") from error
