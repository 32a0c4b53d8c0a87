"""One forward pass, and what is captured of it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zskt.checkpoint import TrainState
from zskt.forward import CountedTeacher, Output, Pair, capture, evaluating, forward, split_heads
from zskt.losses import attention_map
from zskt.terms import Attention
from zskt.terms.hint import Hint


def test_capture_collects_named_outputs_and_leaves_no_hook() -> None:
    network = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    x = torch.randn(5, 2)
    with capture(network, ["1"]) as outputs:
        network(x)
    assert torch.equal(outputs[0], network[1](network[0](x)))
    network(x)
    assert len(outputs) == 1
    with pytest.raises(AttributeError), capture(network, ["absent"]):
        pass


def test_evaluating_gives_each_module_its_own_mode_back_after_an_error_too() -> None:
    network = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 3)).train()
    network[0].eval()  # frozen by its owner
    modes = [True, False, True]
    with evaluating(network, None):
        assert not any(module.training for module in network.modules())
    assert [module.training for module in network.modules()] == modes
    with pytest.raises(RuntimeError, match="shapes"), evaluating(network):
        nn.Linear(2, 3)(torch.zeros(1, 5))
    assert [module.training for module in network.modules()] == modes


def test_terms_see_the_layers_and_an_output_keeps_rows_of_all_its_parts() -> None:
    network, x = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(32, 3)), torch.randn(5, 1, 4, 4)
    assert not forward(network, (x,), layers=["0"]).extras
    output = forward(network, (x,), [Attention(), Hint()], ["0"])
    assert set(output.extras) == {"attention.0", "activation.0"}
    assert torch.equal(output.extras["activation.0"], network[0](x)) and output.extras["activation.0"].requires_grad
    assert torch.equal(output.extras["attention.0"], attention_map(network[0](x)))
    rows = output.detach().rows(torch.tensor([3, 1]))
    assert torch.equal(rows.extras["activation.0"], network[0](x)[[3, 1]])
    assert not rows.extras["activation.0"].requires_grad
    assert torch.equal(rows.logits, output.logits[[3, 1]])
    assert torch.equal(rows.extras["attention.0"], output.extras["attention.0"][[3, 1]])


def test_numbered_extras_come_in_the_order_of_their_numbers() -> None:
    extras = {f"attention.{i}": torch.tensor([float(i)]) for i in (10, 2, 0)} | {"values": torch.zeros(1)}
    assert [float(t) for t in Output(torch.zeros(1, 1), extras).numbered("attention")] == [0, 2, 10]


def test_regressed_values_stand_behind_the_logits() -> None:
    network = nn.Identity()
    answer = torch.tensor([[1.0, 2.0, 90.0]])
    assert split_heads(network, answer)[1] is None
    network.regressions = 1  # type: ignore[assignment]
    output = forward(network, (answer,))
    assert output.logits.tolist() == [[1, 2]] and output.extras["values"].tolist() == [[90]]
    network.regressions = 3  # type: ignore[assignment]
    assert forward(network, (answer,)).logits.shape == (1, 0)


class Blocks(nn.Module):
    """A few layers, of which so many are compared."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Linear(2, 2) for _ in range(count))
        self.attention_layers = tuple(f"blocks.{i}" for i in range(count))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return x


def test_the_last_layers_that_both_have_are_compared() -> None:
    pair = Pair(Blocks(3), Blocks(2))
    assert pair.teacher is not None
    assert pair.layers(pair.teacher) == ("blocks.1", "blocks.2") and pair.layers(pair.student) == (
        "blocks.0",
        "blocks.1",
    )
    assert pair.layers(Blocks(1)) == ("blocks.0",)
    assert Pair(None, Blocks(2)).layers(Blocks(2)) == ()
    first = Pair(Blocks(3), Blocks(2), attention_layers="first")
    assert first.layers(first.student) == ("blocks.0", "blocks.1") == first.layers(Blocks(3))
    output = pair.ask_student((torch.ones(1, 2, 2),), [Attention()])
    assert set(output.extras) == {"attention.0", "attention.1"}


def test_every_answer_of_the_teacher_is_counted_and_a_query_has_no_graph() -> None:
    state = TrainState(parts={}, streams={})
    teacher = CountedTeacher(Pair(nn.Linear(2, 3), nn.Linear(2, 3)), state)
    x = torch.randn(5, 2)
    assert teacher((x,)).logits.requires_grad and not teacher.query((x[:2],)).logits.requires_grad
    assert state.counters == {"teacher_queries": 7}


def test_the_logits_of_labels_are_paired_with_zeros_at_the_gate() -> None:
    network = nn.Identity()
    network.bernoulli, network.regressions = True, 1
    answer = torch.tensor([[2.0, -1.0, 80.0]])
    logits, values = split_heads(network, answer)
    assert logits.tolist() == [[[2.0, 0.0], [-1.0, 0.0]]] and values is not None and values.tolist() == [[80.0]]
    output = forward(network, (answer,))
    assert output.rows(torch.tensor([0, 0])).logits.shape == (2, 2, 2)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float64])
def test_answers_in_half_precision_become_single_with_their_gradient(kind: torch.dtype) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Flatten(), nn.Linear(32, 3)).to(kind)
    x = torch.randn(5, 1, 4, 4, requires_grad=True)
    output = forward(network, (x.to(kind),), [Hint()], ["0"])
    expected = kind if kind == torch.float64 else torch.float32
    assert output.logits.dtype == output.extras["activation.0"].dtype == expected
    assert torch.equal(output.logits, network(x.to(kind)).to(expected))
    assert torch.autograd.grad(output.logits.sum(), x)[0].any()
