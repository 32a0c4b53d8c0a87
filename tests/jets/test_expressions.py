"""Expressions of weaver's configurations: the values of numpy, finite gradients, and no code."""

from __future__ import annotations

import awkward as ak
import numpy as np
import pytest
import torch

from zskt.jets.expressions import Expression

COLUMNS = {
    "a": np.array([[0.5, 1.5, 3.0], [2.0, 0.25, 7.0]]),
    "b": np.array([[-1.0, 0.5, 2.0], [0.0, -3.0, 4.0]]),
    "one": np.array([[2.0], [5.0]]),
}


@pytest.mark.parametrize(
    "text",
    [
        "np.log(a/one)", "np.log10(a)", "np.log1p(a)", "np.exp(-a)", "np.sqrt(a)", "np.tanh(b)", "np.sign(b)*abs(b)",
        "np.hypot(a, b)", "np.arctan2(b, a)", "np.clip(b, -1, 1)", "np.clip(b, a_min=-1, a_max=1)", "a**2 - b**3",
        "ak.where((b > 0) & ~(a > 2), a, -b)", "np.where((b < 0) | (a == 3), 1, 0)", "np.maximum(a, b)",
        "np.minimum(a, 1)", "ak.ones_like(a)", "ak.zeros_like(a)", "a % 2", "a // one", "-a + +b", "(a > 1) * b",
        "np.logical_not(b > 0)", "np.pi * a", "(0.2 < a) & (a < 2)", "numpy.abs(b)", "np.power(a, 0.5)",
        "np.arcsinh(b)",
        "(1 * ak.where(a > 1, 1, 0) +\n   2 * ak.where(b > 1, 1, 0))",
    ],
)  # fmt: skip
def test_values_are_numpys(text: str) -> None:
    names = {"np": np, "numpy": np, "ak": ak, "abs": np.abs}
    wanted = np.asarray(eval(" ".join(text.split()), names, COLUMNS), dtype=np.float64)
    columns = {name: torch.tensor(value) for name, value in COLUMNS.items()}
    expression = Expression(text)
    value = expression({name: columns[name] for name in expression.names}).double().expand(2, 3)
    assert np.allclose(value.numpy(), np.broadcast_to(wanted, (2, 3)), rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("open('x')", "the function open"), ("__import__('os').system('ls')", "function"), ("a.b", "a.b"),
        ("np.load(a)", "the function load"), ("a[0]", r"a\[0\]"), ("(lambda: a)()", "function"), ("a +", "expression"),
        ("np.log(a, 3)", r"np.log\(a, 3\)"), ("np.clip(a, a_max=1, a_min=0)", "a_max"), ("a & 4", "the bits of 4"),
        ("~a", "the bits of a"), ("os.remove(a)", "os.remove"), ("'text'", "text"), ("np.linalg.norm(a)", "norm"),
        ("ak.sum(a, axis=1)", "sum"), ("[x for x in a]", "for"), ("a if (yield) else b", "expression|yield"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_named_and_never_run(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Expression(text)


def test_names_are_columns_alone() -> None:
    assert Expression("np.log(part_pt/jet_pt) + np.pi * part_pt").names == ("part_pt", "jet_pt")
    assert Expression("awkward.JaggedArray.ones_like(Part_E)").names == ("Part_E",)


@pytest.mark.parametrize("text", ["np.log(x)", "np.sqrt(x)", "1 / x", "np.hypot(x, x)", "np.arctan2(x, x)", "x**0.5"])
def test_gradients_are_finite_where_values_or_slopes_are_not(text: str) -> None:
    x = torch.tensor([0.0, 1.0, 4.0], requires_grad=True)
    value = Expression(text)({"x": x})
    torch.where(torch.isfinite(value), value, 0.0).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None and bool(torch.isfinite(x.grad).all()) and x.grad[0] == 0
    if text == "np.log(x)":
        assert torch.allclose(x.grad, torch.tensor([0.0, 1.0, 0.25]))
