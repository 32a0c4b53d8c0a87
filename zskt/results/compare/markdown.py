"""Pages of recorded comparisons for ``docs/results``."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from zskt.markdown import integer, table
from zskt.results.compare.curves import curves_picture
from zskt.results.compare.group import Group
from zskt.results.compare.page import CURVES_NOTE, limits_in_words, sentences
from zskt.results.compare.recorded import RecordedComparison
from zskt.results.compare.table import AHEAD_NOTE, figures_of, head_and_rows, ranked, verdict_rows, verdicts_of
from zskt.results.compare.verdict import RULE


def budget_words(comparison: RecordedComparison) -> str:
    """Say what each run of a comparison had."""
    return " and ".join(limits_in_words(comparison.budget)) or "the length of its recipe"


def comparison_page(name: str, comparison: RecordedComparison, groups: Sequence[Group], *, with_picture: bool) -> str:
    """Return the text of a comparison's page, without the line by which it is known to be ours.

    Args:
        with_picture: whether ``NAME.png`` with its learning curves lies beside it.
    """
    result = groups[0].results[0]
    data = result.data
    assert data is not None
    parts = [
        f"# {result.teacher.name} to {result.student.name}: methods compared",
        f"Preset `{result.preset}`; each run had {budget_words(comparison)}. Figures are of the last step's student on "
        f"{integer(data.count)} {data.unit}s of {data.name}, mean ± standard deviation over seeds. Minutes are of the "
        "method alone: wall-clock or processor time, whichever is shorter. "
        "[Compare methods](../how-to/compare-methods.md) says how such a page is made.",
        *sentences(groups),
        table(*head_and_rows(groups)),
    ]
    if with_picture:
        parts += [f"![Learning curves of {name}]({name}.png)", CURVES_NOTE]
    if verdicts_of(groups):
        parts += ["## Who is ahead", AHEAD_NOTE + RULE, table(*verdict_rows(groups))]
    if comparison.failures:
        rows = [[n, "cannot play" if f["refused"] else "failed", f["reason"]] for n, f in comparison.failures.items()]
        parts += ["## Without a result", table(["", "", "reason"], rows)]
    if comparison.command:
        parts += ["## The command", f"```\n{comparison.command}\n```"]
    return "\n\n".join(parts)


def picture_of(groups: Sequence[Group]) -> Figure | None:
    """Draw the learning curves of a comparison; None where none were logged."""
    teacher = groups[0].results[0].teacher
    return curves_picture(ranked(groups), figures_of(groups), {"accuracy": teacher.accuracy, "auc": teacher.auc})
