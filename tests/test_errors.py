"""Look-ups in a registry."""

from __future__ import annotations

from pathlib import Path

import pytest

from zskt.errors import SETTINGS_PAGE, UserError, _slips, closest, listed, lookup, quoted

TREES = {"oak": 1, "maple": 2, "willow": 3}


def test_a_name_is_found() -> None:
    assert lookup(TREES, "oak", "tree") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mapel", "unknown tree 'mapel': did you mean maple?"),
        ("xyz", "unknown tree 'xyz': choose one of maple, oak, willow"),
    ],
)
def test_an_unknown_name_gets_the_closest_ones_or_all(name: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        lookup(TREES, name, "tree")
    assert str(error.value) == message


def test_the_closest_names_differ_by_few_letters() -> None:
    assert closest("zksd", ["dafl", "zskt", "maze"]) == ["zskt"]  # two letters in another order, and one exchanged
    assert closest("tset", ["test", "best"], 1) == ["test"] and closest("Tset", ["TEST"]) == ["TEST"]
    assert closest("xyz", ["abc"]) == closest("x", ["y"]) == closest("", ["a"]) == closest("a", []) == []


@pytest.mark.parametrize(
    ("a", "b", "count"),
    [("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "bc", 1), ("kitten", "sitting", 3)],
)
def test_slips_are_counted(a: str, b: str, count: int) -> None:
    assert _slips(a, b) == _slips(b, a) == count


def test_a_long_list_is_cut() -> None:
    with pytest.raises(UserError, match=r"choose one of n00, .*, n05, and 24 more \(see --mode list\)$"):
        lookup({f"n{i:02}": i for i in range(30)}, "?", "number")


def test_a_long_list_is_looked_up_where_it_is_or_shown_whole() -> None:
    names = {f"n{i:02}": i for i in range(30)}
    with pytest.raises(UserError, match=r"choose one of n00, .*, n05, and 24 more \(see the page\)$"):
        lookup(names, "?", "number", "the page")
    with pytest.raises(UserError, match=r"choose one of n00, .*, n28, n29$"):
        lookup(names, "?", "number", see="")


def test_settings_are_listed_where_an_error_says() -> None:
    """``--mode list`` has no settings: the error named it, and nobody found them there."""
    from zskt.methods import METHODS

    page = Path(__file__).parent.parent.joinpath(SETTINGS_PAGE).read_text()
    assert all(f"| `{name}` |" in page for kind in METHODS.values() for name in kind.Config.names())


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("one line\n  of words", "one line"),
        ("", "no reason given"),
        ("a" * 10 + " " + "b" * 10, "aaaaaaaaaa ..."),
        ("FAIL : Non-zero status code. Name:'/e' Status Message: /src/a.h:5 void A::B(int) const ten by 4", "ten by 4"),
        ('The following operation failed:\n  File "code"\nRuntimeError: expected 3\n', "RuntimeError: expected 3"),
    ],
)
def test_an_error_is_quoted_in_whole_words(error: str, words: str) -> None:
    assert quoted(RuntimeError(error), 18 if error.startswith("aaa") else 160) == words


def test_names_in_a_row_are_cut() -> None:
    assert listed(["a", "b"], 2) == "a, b" and listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert listed([], 3) == ""
