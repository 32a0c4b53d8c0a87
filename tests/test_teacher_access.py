"""What is seen of a teacher: log-probabilities or a class, and never a gradient."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zskt.errors import UserError
from zskt.methods import METHODS
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.regression_head import RegressionHead
from zskt.teacher_access import AnswersOnly, granted, refusal

LOGITS = torch.tensor([[1.0, 3.0, 0.0], [5.0, 2.0, 2.0]])


def test_no_method_can_get_a_gradient_a_layer_or_a_parameter() -> None:
    teacher = nn.Sequential(nn.Linear(2, 8), nn.Linear(8, 3))
    teacher.attention_layers = ("0",)  # type: ignore[assignment]
    for access in ("probabilities", "top-class"):
        seen = AnswersOnly(teacher, access)
        with torch.enable_grad():
            answer = seen(torch.ones(4, 2, requires_grad=True))
        assert not answer.requires_grad and answer.grad_fn is None
        assert list(seen.parameters()) == [] and list(seen.children()) == []
        assert not seen.differentiable and not hasattr(seen, "attention_layers")
        with pytest.raises(AttributeError):
            seen.get_submodule("0")

    @torch.enable_grad()
    def stubborn(x: Tensor) -> Tensor:
        return x.clone().requires_grad_() * 2

    assert not AnswersOnly(stubborn, "probabilities")(torch.ones(2, 3)).requires_grad


def test_probabilities_are_all_that_is_left_of_logits() -> None:
    one, other = (AnswersOnly(lambda x, c=c: LOGITS + c, "probabilities")(LOGITS) for c in (0.0, 7.0))
    assert torch.allclose(one, LOGITS - LOGITS.logsumexp(1, keepdim=True)) and torch.allclose(one, other, atol=1e-6)
    of_service = AnswersOnly(lambda x: x.softmax(1), "probabilities", may_be_probabilities=True)
    assert torch.allclose(of_service(LOGITS), one, atol=1e-6) and of_service.are_probabilities
    plain = AnswersOnly(lambda x: x, "probabilities", may_be_probabilities=True)
    assert torch.allclose(plain(LOGITS), one) and not plain.are_probabilities


def test_the_top_class_is_one_hot_and_says_nothing_else() -> None:
    seen = AnswersOnly(lambda x: x, "top-class")
    assert seen(LOGITS).softmax(1).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert torch.equal(seen(LOGITS), seen(3 * LOGITS))
    assert (seen(LOGITS) / 20).softmax(1).tolist() == [[0, 1, 0], [1, 0, 0]]
    assert torch.equal(seen(LOGITS).half().float(), seen(LOGITS))  # as replay keeps it
    classes = AnswersOnly(lambda x: torch.tensor([1, 0]), "top-class", classes=3)
    assert torch.equal(classes(LOGITS), seen(LOGITS))
    with pytest.raises(UserError, match="say teacher_access='top-class'"):
        AnswersOnly(lambda x: torch.tensor([1, 0]), "probabilities")(LOGITS)
    with pytest.raises(UserError, match="answers class 1, but the student has 1"):
        AnswersOnly(lambda x: torch.tensor([1, 0]), "top-class", classes=1)(LOGITS)


def test_labels_and_values_are_answers_too() -> None:
    labels = BernoulliHead(nn.Identity())
    z = torch.tensor([[2.0, -1.0]])
    assert torch.equal(AnswersOnly(labels, "probabilities")(z), labels(z))
    hard = AnswersOnly(labels, "top-class")(z)
    assert hard.sigmoid().tolist() == [[1, 0]] and AnswersOnly(labels, "top-class").bernoulli
    values = RegressionHead(nn.Linear(2, 4), 1)
    x = torch.randn(5, 2)
    seen = AnswersOnly(values, "probabilities")
    assert seen.regressions == 1
    assert torch.allclose(seen(x)[:, :3].exp().sum(1), torch.ones(5))
    assert torch.equal(seen(x)[:, 3:], values(x)[:, 3:].detach())
    with pytest.raises(UserError, match="regresses 1 values"):
        AnswersOnly(values, "top-class")


@pytest.mark.parametrize(
    ("requested", "has_gradient", "method", "access"),
    [
        ("", True, "zskt", "gradient"),
        ("", False, "zskt", None),
        ("probabilities", True, "zskt", None),
        ("probabilities", True, "dafl", None),
        ("", True, "dfme", "probabilities"),
        ("gradient", True, "dfme", "probabilities"),
        ("top-class", True, "dfme", None),
        ("top-class", True, "maze", None),
        ("", True, "hard-label", "top-class"),
        ("probabilities", False, "hard-label", "top-class"),
        ("top-class", False, "disguide", "top-class"),
        ("", False, "prior-only", "probabilities"),
        ("", True, "kd", "gradient"),
        ("", False, "kd", "probabilities"),
        ("top-class", True, "kd", "top-class"),
    ],
)
def test_what_a_method_gets_to_see(requested: str, has_gradient: bool, method: str, access: str | None) -> None:
    assert granted(requested, has_gradient, METHODS[method].accesses) == access


def test_refusals_name_the_methods_that_can() -> None:
    text = refusal("zskt", "probabilities", METHODS)
    assert "\n" not in text and "dfme, maze, disguide, prior-only" in text and "kd" not in text
    assert "disguide, hard-label, prior-only" in refusal("dfme", "top-class", METHODS)
    with pytest.raises(UserError, match="has no gradient"):
        granted("gradient", False, METHODS["dfme"].accesses)
