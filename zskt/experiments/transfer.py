"""The student of an earlier run as the start for another teacher: answers that are paid once serve twice.

C. Tan et al., "A survey on deep transfer learning", arXiv:1808.01974, call this network-based transfer: the layers that
fit both tasks are taken over, the others begin anew.
"""

from __future__ import annotations

from pathlib import Path

from torch import nn

from zskt.errors import UserError
from zskt.experiments.build import load_student
from zskt.experiments.catalog import Catalog
from zskt.experiments.finished import read_config
from zskt.markdown import integer
from zskt.methods.student import copy_layers
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.regression_head import RegressionHead
from zskt.terminal import say
from zskt.viewed import Viewed


def start_from_run(student: nn.Module, name: str, run: Path, catalog: Catalog) -> None:
    """Copy the layers of an earlier run's student that fit, whatever its teacher was.

    Those that read the teacher's variables and those that write its classes rarely do.

    Args:
        student: what learns now; a view, or a head of regressed values, is not looked at.
        name: of its architecture.

    Raises:
        UserError: if less than half of the student is in layers that both have.
    """
    begun, _ = read_config(run)
    earlier = load_student(run, begun, catalog.with_run(run))
    copied, total = copy_layers(_core(earlier), _core(student)), sum(p.numel() for p in student.parameters())
    if 2 * copied < total:
        raise UserError(
            f"--run {run}: of the {integer(total)} parameters of student {name} {integer(copied)} are in layers that "
            f"its {begun.student} has too, less than half; take a --student of the same architecture and widths"
        )
    if copied == total:
        say(f"{run}: all {integer(total)} parameters begin as there")
    else:
        say(f"{run}: {integer(copied)} of {integer(total)} parameters begin as there, the others anew")


def _core(student: nn.Module) -> nn.Module:
    """Return the network behind a view, and within the heads that answer values or independent labels."""
    while isinstance(student, Viewed | RegressionHead | BernoulliHead):
        student = student.network
    return student
