"""Say what is understood of a teacher, without starting a run."""

from __future__ import annotations

from typing import Any

from zskt.contracts import Card
from zskt.experiments.summary import figure, written
from zskt.storage.files import sha256


def inspection(card: Card) -> str:
    """Describe a teacher: its file, how it is run, its gradients, classes, values, and what each input is taken for.

    Raises:
        UserError: if its file cannot be had, or cannot be used.
    """
    file = card.files()["teacher"]
    network: Any = card.load()
    lines = [
        ("teacher", f"{card.name}, {card.summary}"),
        ("file", f"{file}, {written(figure({'parameters': card.parameters()}, 'parameters'))} parameters"),
        ("sha256", sha256(file)),
        ("licence", card.licence),
        ("domain", card.domain),
        ("run as", getattr(network, "origin", "") or "our own network, with the parameters of the file"),
        ("gradients", getattr(network, "gradient", "yes")),
        ("answers", getattr(network, "taken_for", "") or getattr(network, "answers", "logits")),
        ("classes", _listed(card.classes)),
        ("values", _listed(card.values)),
    ]
    text = "\n".join(f"{name:<10} {words}" for name, words in lines)
    described = card.describe() or _card_inputs(card)
    return f"{text}\n{described}" if described else text


def _listed(names: tuple[str, ...]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else "none"


def _card_inputs(card: Card) -> str:
    """Return what the card itself says of its inputs, a line a field."""
    fields = {name: value for name, value in vars(card.inputs).items() if name != "domain"}
    return "\n".join(f"{name:<10} {value}" for name, value in fields.items())
