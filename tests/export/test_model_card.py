"""The card of an exported student."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from zskt.export.model_card import model_card

MEASURED: dict[str, Any] = {
    "difference": 2.34e-7,
    "count": 40,
    "of": 40,
    "unit": "jet",
    "data": "b.root",
    "onnx": {"bytes": 123456, "agreement_with_teacher": 0.75},
    "int8": {"bytes": 45678, "agreement_with_student": 0.875},
}


def card_of(mode: str, members: int = 1, terms: dict[str, float] = {}, **more: Any) -> str:  # noqa: B006
    """The card of a student of a made-up run."""
    data = {"name": "a.root", "count": 40, "unit": "jet"}
    teacher = {"name": "big", "parameters": 366160, "accuracy": 0.9, "agreement": None, "kl": None}
    student = {"name": "small", "parameters": 9500, "accuracy": 0.8, "agreement": 0.75, "kl": 0.125}
    run: Any = SimpleNamespace(
        card=SimpleNamespace(summary="a big network", source="a paper", licence="GPL-3.0", caveats="", bernoulli=False),
        config=SimpleNamespace(mode=mode, seed=4, view="", members=members, settings=SimpleNamespace(terms=terms)),
        result={"data": data, "student": student, "teacher": teacher},
    )
    spec: Any = SimpleNamespace(preprocess_note="what it is fed", latency_note="Long jets. ")
    return model_card(run, spec, MEASURED | more)


def test_a_card_says_of_whom_and_how_a_student_learned_and_what_it_must_not_be_used_for() -> None:
    card = card_of("zero-shot")
    assert card.startswith("# small, distilled from big\n\nA student of: a big network. It learned without any data")
    assert "It needs its own calibration." in card and "Licence of the teacher: GPL-3.0." in card
    assert "It learned from data (zskt, mode kd, seed 4)." in card_of("kd")


def test_a_card_says_that_the_teacher_is_several_networks_and_what_of_their_doubt_is_left() -> None:
    assert "together" not in card_of("zero-shot") and "Dirichlet" not in card_of("zero-shot", terms={"gram": 1.0})
    card = card_of("zero-shot", members=3, terms={"kl": 0.0, "dirichlet": 0.1})
    assert (
        "Teacher: 3 networks together, which are asked for the mean of their probabilities; of each: a paper." in card
    )
    assert "The files give its mean, `softmax`, alone" in card


def test_a_card_has_the_figures_of_both_networks_and_all_files() -> None:
    card = card_of("zero-shot")
    assert "| teacher | big | 366 160 | 0.9000 | – | – |" in card
    assert "| student | small | 9 500 | 0.8000 | 0.7500 | 0.1250 |" in card
    assert "at most 2.3e-07 on the inputs that were tried." in card
    assert "45 678 bytes instead of 123 456; on 40 jets of b.root, same top class as the student on 0.8750" in card
    assert "agreement with the teacher – instead of 0.7500" in card


def test_a_card_says_of_how_many_samples_those_were_drawn_that_the_files_were_compared_on() -> None:
    drawn = "on 40 jets drawn at random from 28000 of b.root, same top class as the student"
    assert drawn in card_of("zero-shot", of=28000)


def test_ties_and_emulation_and_times_are_told_where_they_were_measured() -> None:
    plain = card_of("zero-shot", hls4ml=None, latency=[])
    assert "tie" not in plain.split("## Files")[1] and "hls4ml" not in plain and "onnxruntime" not in plain
    row = {"teacher": "ours", "threads": 1, "batch": 128, "teacher_ms": 1.0, "student_ms": 0.25, "ratio": 4.0}
    emulated = {"precision": "16 bits", "agreement_with_student": 0.99, "jets": 50}
    full = card_of("zero-shot", ties=2, compared=64, hls4ml=emulated, latency=[row])
    assert "but for 2 of 64 jets in which neighbours tie." in full
    assert "project in 16 bits; emulated, its top class is the student's on 0.9900 of 50 jets." in full
    assert "Long jets. Teacher: ours." in full and "| 1 | 128 | 1.0000 | 0.2500 | 4.0 |" in full
