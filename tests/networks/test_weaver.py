"""ParticleNets over several collections: folding, and one cloud of all of them."""

from __future__ import annotations

import torch
from torch import nn

from zskt.networks.weaver import WeaverTagger

from .statistics import randomise

BLOCKS = ((4, (8, 8)), (3, (12,)))


def network(*, softmax: bool = False) -> WeaverTagger:
    tagger: WeaverTagger = randomise(  # type: ignore[assignment]
        WeaverTagger([("pf", 5, 6), ("sv", 3, 6)], BLOCKS, 16, 16, 3, softmax=softmax)
    ).eval()
    return tagger


def inputs() -> tuple[torch.Tensor, ...]:
    x: list[torch.Tensor] = []
    for features, slots in ((5, 9), (3, 4)):
        mask = (torch.arange(slots) < torch.tensor([[slots], [2]])).unsqueeze(1).float()
        x += [torch.randn(2, 2, slots), torch.randn(2, features, slots), mask]
    return tuple(x)


@torch.no_grad()
def test_folding_keeps_the_outputs_and_the_normalisations_of_the_inputs_alone() -> None:
    tagger, x = network(), inputs()
    folded = tagger.folded()
    assert torch.allclose(folded(*x), tagger(*x), atol=1e-4)
    left = [name for name, m in folded.named_modules() if isinstance(m, nn.BatchNorm1d)]
    assert left == ["pf_conv.conv.0", "sv_conv.conv.0"]
    assert not any(p.requires_grad for p in folded.parameters())
    assert torch.allclose(folded.folded()(*x), folded(*x))  # folding twice is folding once


@torch.no_grad()
def test_probabilities_are_the_softmax_of_the_logits() -> None:
    torch.manual_seed(1)
    logits = network()
    torch.manual_seed(1)
    probabilities, x = network(softmax=True), inputs()
    assert torch.allclose(probabilities(*x), logits(*x).softmax(1))
