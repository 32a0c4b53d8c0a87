"""Zero-shot knowledge transfer: distil a trained network into a small, fast one, with no data.

    import zskt

    generator = zskt.generators.tabular(low, high)
    run = zskt.distill(teacher, student, generator=generator, iterations=500)
    zskt.evaluate(run.student, teacher, loader)

Everything is imported when it is first used, so that ``import zskt`` takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.36.0"

_API = {
    "Run": "zskt.api",
    "distill": "zskt.api",
    "evaluate": "zskt.api",
    "Generator": "zskt.generator",
    "METHODS": "zskt.methods",
    "Method": "zskt.methods",
    "Output": "zskt.forward",
    "Pair": "zskt.forward",
    "PseudoBatch": "zskt.contracts",
    "ReplayBuffer": "zskt.replay",
    "Setup": "zskt.methods",
    "TERMS": "zskt.terms",
    "Term": "zskt.terms.term",
    "UserError": "zskt.errors",
    "NonFiniteLoss": "zskt.errors",
    "catalog": "zskt.__main__",
}
"""Public name -> the module that defines it."""
_MODULES = {"generators": "generators", "teachers": "teachers", "losses": "zskt.losses", "methods": "zskt.methods"}
"""Public name of a package or module -> where it is: the shelves stand beside the library."""

__all__ = ["__version__", "load_run", *_API, *_MODULES]

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    import generators as generators
    import teachers as teachers
    from zskt.__main__ import catalog as catalog
    from zskt.api import Run as Run
    from zskt.api import distill as distill
    from zskt.api import evaluate as evaluate


def load_run(folder: str | Path, student: nn.Module | None = None) -> Run:
    """Read a run that `Run.save` or the command line wrote.

    Args:
        student: an untrained network of the same architecture, into which the saved parameters are read. Without it, a
            student of the catalogue is built anew, and another one is read as the exported program that `Run.save`
            left.

    Raises:
        UserError: if there is no such run, or its student needs ``student``.
    """
    from pathlib import Path

    from zskt.__main__ import catalog
    from zskt.saved import read_run

    return read_run(Path(folder), student, catalog)


def __getattr__(name: str) -> Any:
    if name in _API:
        return getattr(importlib.import_module(_API[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'zskt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
