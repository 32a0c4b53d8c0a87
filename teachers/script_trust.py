"""Decide whether a TorchScript file may be loaded: its code would run as the user.

It is loaded if it is a published file of the catalogue, known by its SHA-256, or if the user trusts its author. Even
then its code is read first: what reaches files, processes or Python is refused, as no network needs it.
"""

from __future__ import annotations

from pathlib import Path

from teachers.script_operators import Operators, read_operators
from zskt.errors import UserError, listed
from zskt.storage.files import sha256
from zskt.storage.trust import FLAG, is_trusted
from zskt.terminal import note

PINNED: frozenset[str] = frozenset(
    (
        "c78e587477119b4eaaf5af2dc97d9f95caf60cf6e7fdc9bad1c5fab9bff7758c",  # cms-particlenet-ak4
        "6f43f606579b6cf879bce1230e1c78a7629876a1617413c000011c8d7f183925",  # cms-particlenet-ak8-md
    )
)
"""SHA-256 of the TorchScript files that cards of the catalogue publish; a test compares them with the cards."""
FEW = 3
"""Names of operators that a message has at most."""


def require_trust(path: Path) -> None:
    """Read the operators of a TorchScript file, without running it, and refuse what may not be loaded.

    Raises:
        UserError: if its code reaches out of the network, cannot be read, or nobody trusts it.
    """
    if sha256(path) in PINNED:
        return
    try:
        operators = read_operators(path)
    except (ValueError, UnicodeDecodeError, OSError, NotImplementedError) as error:
        raise UserError(f"{path}: not a readable TorchScript file ({error}); fetch it again") from error
    except Exception as error:  # zipfile raises whatever the broken bytes lead to
        raise UserError(f"{path}: not a readable TorchScript file ({type(error).__name__}); fetch it again") from error
    if operators.forbidden:
        raise UserError(
            f"{path}: its code calls {listed(operators.forbidden, FEW)}, which reaches out of a network; it is not "
            "run: get the network as ONNX or as a state_dict"
        )
    if not is_trusted():
        raise UserError(
            f"{path}: TorchScript is code, and would run as you ({_seen(operators)}); "
            f"add {FLAG} if you know who wrote it, or get it as ONNX"
        )
    if operators.unknown:
        note(f"zskt: {path}: runs {listed(operators.unknown, FEW)}, of which nothing is known; you trust it")


def _seen(operators: Operators) -> str:
    if not operators.unknown:
        return "its operators are all known to be harmless"
    return f"nothing is known of its operators {listed(operators.unknown, FEW)}"
