"""Systems on the jets that ship: every figure of their records is measured."""

from __future__ import annotations

import pytest
import torch

from zskt.__main__ import catalog
from zskt.contracts import Card
from zskt.dataset import Labelled
from zskt.jets.sample import SAMPLE
from zskt.systems import attention_on_jets, highways, jets_response
from zskt.systems.attention_on_jets import ATTENTION_ON_JETS
from zskt.systems.highways import HIGHWAY, highway
from zskt.systems.jets_response import LEARNED, RESPONSE, halves, jet_student, response


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    def few(card: Card) -> tuple[Labelled, Labelled]:
        sample: Labelled = card.inputs.read(SAMPLE, card.classes)
        return sample[torch.arange(40)], sample[torch.arange(40, 70)]

    for module in (jets_response, highways):
        monkeypatch.setattr(module, "halves", few)
    monkeypatch.setattr(jets_response, "ITERATIONS", 1)
    monkeypatch.setattr(jets_response, "STEPS", 1)


def test_no_jet_is_learned_from_and_judged_on() -> None:
    card = catalog().teachers["zskt-particlenet"]
    learned, test = halves(card)
    assert len(learned) == LEARNED and len(learned) + len(test) == 2000
    assert not torch.equal(learned.samples[:1].px, test.samples[:1].px)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("short")
def test_response_and_robustness_measure_every_figure() -> None:
    figures = response(0, catalog())
    assert list(figures) == list(RESPONSE.published)
    assert figures["teacher: scale, rms"] > 0 and -1 <= figures["zero-shot: scale, correlation"] <= 1


@pytest.mark.usefixtures("short")
def test_highways_measure_every_figure_and_are_about_as_large() -> None:
    figures = highway(0, catalog())
    assert list(figures) == list(HIGHWAY.published)
    sizes = [figures[f"{name}: parameters"] for name in ("pfn", "pfn-highway")]
    assert abs(sizes[0] - sizes[1]) < 0.1 * sizes[0]


@pytest.mark.usefixtures("short")
def test_the_attention_match_is_measured_with_each_weight_on_each_choice_of_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attention_on_jets, "WEIGHTS", (0, 2500))
    short = {"iterations": 1, "student_steps": 1, "batch_size": 32}
    monkeypatch.setattr(
        attention_on_jets, "jet_student", lambda *args, **kwargs: jet_student(*args[:-1], args[-1] | short, **kwargs)
    )
    figures = attention_on_jets.attention_on_jets(0, catalog())
    assert set(ATTENTION_ON_JETS.published) - set(figures) == {
        f"{layer} layer, weight {weight}: {figure}"
        for layer in ("first", "last")
        for weight in (1, 30, 300)
        for figure in ("agreement", "accuracy", "KL (nats)")
    }
    without, *others = (
        figures[f"{row}: KL (nats)"]
        for row in ("without", *(f"{at} layer, weight {w}" for w in (0, 2500) for at in ("first", "last")))
    )
    # No weight is no match, and what is matched depends on the weight and on the layer.
    assert others[:2] == [without, without]
    assert len({without, *others[2:]}) == 3
