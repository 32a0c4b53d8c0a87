"""Settings: bounds beside their fields, and words of the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from zskt.errors import UserError
from zskt.methods import METHODS
from zskt.settings import Settings, setting


@dataclass(frozen=True, kw_only=True)
class Dough(Settings):
    """Settings to test with."""

    eggs: int = setting(2, minimum=0, maximum=12)
    salt: float = setting(1.0, above=0, below=10)
    sweet: bool = setting(False)
    flour: str = setting("rye", choices=("rye", "spelt"))
    spices: Mapping[str, float] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"eggs": -1}, "eggs is -1, but must be at least 0"),
        ({"eggs": 13}, "eggs is 13, but must be at most 12"),
        ({"salt": 0.0}, "salt is 0.0, but must be above 0"),
        ({"salt": 10.0}, "salt is 10.0, but must be below 10"),
        ({"salt": math.nan}, "salt is nan, but must be a finite number"),
        ({"salt": math.inf}, "salt is inf, but must be a finite number"),
        ({"flour": "barley"}, "unknown flour 'barley': choose one of rye, spelt"),
        ({"flour": "spelled"}, "unknown flour 'spelled': did you mean spelt?"),
    ],
)
def test_values_outside_their_bounds_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError) as error:
        Dough(**values)
    assert str(error.value) == message
    with pytest.raises(UserError):
        Dough().with_(**values)


def test_bounds_themselves_are_inside() -> None:
    assert (Dough(eggs=0).eggs, Dough(eggs=12).eggs, Dough(flour="spelt").flour) == (0, 12, "spelt")


def test_copies_change_what_is_not_none() -> None:
    dough = Dough(eggs=3)
    assert dough.with_(eggs=None, salt=2.0) == Dough(eggs=3, salt=2.0) and dough == Dough(eggs=3)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("eggs", "4", 4), ("salt", "1e-1", 0.1), ("salt", "3", 3.0), ("sweet", "True", True), ("sweet", "false", False),
     ("flour", "spelt", "spelt")],
)  # fmt: skip
def test_words_of_the_command_line_become_values_of_their_kind(name: str, text: str, value: object) -> None:
    changed = getattr(Dough().assigned(name, text), name)
    assert changed == value and type(changed) is type(value)


def test_an_entry_of_a_mapping_is_set_by_its_key() -> None:
    dough = Dough().assigned("spices.cumin", "0.5").assigned("spices.pepper", "2")
    assert dough.spices == {"cumin": 0.5, "pepper": 2.0} and not Dough().spices


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("egg", "1", "unknown setting 'egg': did you mean eggs?"),
        ("eggs", "1.5", "--set eggs=1.5: eggs is of kind int, like 2"),
        ("sweet", "maybe", "--set sweet=maybe: sweet is of kind bool, like False"),
        ("eggs", "99", "eggs is 99, but must be at most 12"),
        ("spices", "1", "--set spices: write it as spices.KEY=NUMBER"),
        ("spices.salt", "", "--set spices.salt=: spices.salt is of kind float, like 1.0"),
        ("eggs.big", "1", "--set eggs: write it as eggs=VALUE"),
    ],
)
def test_words_that_cannot_be(name: str, text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        Dough().assigned(name, text)
    assert str(error.value) == message


@pytest.mark.parametrize("spices", ["salt", ["salt"], None])
def test_a_mapping_is_no_word(spices: Any) -> None:
    with pytest.raises(UserError) as error:
        Dough(spices=spices)
    assert str(error.value) == f"spices is {spices!r}, but must hold numbers by name, like {{'NAME': 1.0}}"


def test_other_names_are_left_out_of_a_mapping() -> None:
    assert Dough.from_dict({"eggs": 5, "milk": 1}) == Dough(eggs=5)
    assert Dough.from_dict(Dough(eggs=5).to_dict()) == Dough(eggs=5)
    assert Dough.names() == ("eggs", "salt", "sweet", "flour", "spices")


@pytest.mark.parametrize(
    ("method", "name", "value", "message"),
    [
        ("zskt", "iterations", 0, "at least 1"),
        ("zskt", "batch_size", 1, "at least 2"),
        ("zskt", "replay_fraction", 1.0, "below 1"),
        ("zskt", "replay_balance", 2.5, "at most 2"),
        ("zskt", "temperature", 0.0, "above 0"),
        ("zskt", "warmup", 1.5, "at most 1"),
        ("zskt", "hint_weight", -1.0, "at least 0"),
        ("zskt", "cutmix", 1.5, "at most 1"),
        ("kd", "cutmix", -0.1, "at least 0"),
        ("supervised", "kd_fraction", 2.0, "at most 1"),
        ("supervised", "epochs", 0, "at least 1"),
        ("supervised", "optimizer", "adam", "did you mean adamw"),
        ("supervised", "augment", "rotate", "choose one of none, shift, shift-mirror"),
    ],
)
def test_settings_of_methods_have_bounds(method: str, name: str, value: object, message: str) -> None:
    with pytest.raises(UserError, match=f"{name}.* {message}"):
        METHODS[method].Config(**{name: value})
