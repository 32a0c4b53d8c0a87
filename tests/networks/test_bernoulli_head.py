"""Networks of independent labels."""

from __future__ import annotations

import torch
from torch import nn

from zskt.export.dense import SoftmaxHead, to_export_form
from zskt.forward import forward, split_heads
from zskt.networks.bernoulli_head import BernoulliHead
from zskt.networks.regression_head import RegressionHead


def test_outputs_become_the_logits_of_yes_and_no() -> None:
    network = BernoulliHead(nn.Identity())
    output = forward(network, (torch.tensor([[2.0, -1.0]]),))
    assert output.logits.tolist() == [[[2.0, 0.0], [-1.0, 0.0]]]


def test_values_stand_behind_labels() -> None:
    network = RegressionHead(BernoulliHead(nn.Identity()), 1)
    x = torch.tensor([[2.0, -1.0, 7.0]])
    logits, values = split_heads(network, network(x))
    assert logits.shape == (1, 2, 2) and values is not None and values.tolist() == [[7.0]]
    exported = SoftmaxHead(to_export_form(network), 1, [2, 0, 1])
    assert torch.allclose(exported(x), torch.tensor([[7.0, 0.8808, 0.2689]]), atol=1e-4)


def test_labels_leave_as_sigmoids() -> None:
    x = torch.tensor([[2.0, -1.0]])
    exported = SoftmaxHead(to_export_form(BernoulliHead(nn.Identity())), 0, [0, 1])
    assert torch.equal(exported(x), x.sigmoid())


def test_attention_layers_are_those_of_the_network_inside() -> None:
    network = nn.Module()
    network.attention_layers = ("map",)  # type: ignore[assignment]
    assert BernoulliHead(network).attention_layers == ("network.map",)
