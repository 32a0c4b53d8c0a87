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

__version__ = "0.20.0"

_API = {
    "Run": "zskt.api",
    "distill": "zskt.api",
    "evaluate": "zskt.api",
    "load_run": "zskt.api",
    "Generator": "zskt.generator",
    "METHODS": "zskt.methods",
    "Method": "zskt.methods",
    "Output": "zskt.forward",
    "Pair": "zskt.forward",
    "PseudoBatch": "zskt.contracts",
    "ReplayBuffer": "zskt.replay",
    "Setup": "zskt.methods",
    "TERMS": "zskt.losses",
    "Term": "zskt.losses",
    "UserError": "zskt.errors",
    "NonFiniteLoss": "zskt.errors",
    "catalog": "zskt.__main__",
}
"""Public name -> the module that defines it."""
_MODULES = {"generators": "generators", "teachers": "teachers", "losses": "zskt.losses", "methods": "zskt.methods"}
"""Public name of a package or module -> where it is: the shelves stand beside the library."""

__all__ = ["__version__", *_API, *_MODULES]

if TYPE_CHECKING:
    import generators as generators
    import teachers as teachers
    from zskt.__main__ import catalog as catalog
    from zskt.api import Run as Run
    from zskt.api import distill as distill
    from zskt.api import evaluate as evaluate
    from zskt.api import load_run as load_run


def __getattr__(name: str) -> Any:
    if name in _API:
        return getattr(importlib.import_module(_API[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'zskt' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
