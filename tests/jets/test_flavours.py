"""The finest class of flavour that a jet belongs to."""

from __future__ import annotations

import pytest

from zskt.jets.flavours import is_flavour, light_classes, parton_classes


@pytest.mark.parametrize(
    ("classes", "expected"),  # of gluon, down, up, strange, no parton
    [
        ("b c uds g", ("g", "uds", "uds", "uds", None)),
        ("b c uds g undef", ("g", "uds", "uds", "uds", "undef")),
        ("b c light", ("light",) * 5),
        ("b c udsg", ("udsg",) * 5),
        ("b c sudg", ("sudg",) * 5),
        ("b c l", ("l",) * 5),
        ("b c u", ("u",) * 5),
        ("quark gluon", ("gluon", "quark", "quark", "quark", None)),
        ("b c s u d g", ("g", "d", "u", "s", None)),
        ("b c s ud g", ("g", "ud", "ud", "s", None)),
        ("b ud light", ("light", "ud", "ud", "light", "light")),
        ("b ud", (None, "ud", "ud", "ud", None)),
        ("b uds light", ("light", "uds", "uds", "uds", "light")),
        ("b g light", ("g", "light", "light", "light", "light")),
        ("b c", (None,) * 5),
    ],
)
def test_a_jet_belongs_to_the_finest_class_that_there_is(classes: str, expected: tuple[str | None, ...]) -> None:
    plain = classes.split()
    found = tuple(
        next((name for name in parton_classes(parton, plain) if name in plain), None) for parton in (21, 1, -2, 3, 0)
    )
    assert found == expected


def test_heavy_partons_of_jets_without_heavy_hadrons_are_light() -> None:
    assert parton_classes(5, ("uds", "g"))[0] == "uds"


def test_atlas_calls_light_jets_u_unless_it_is_one_quark_of_several() -> None:
    assert "u" in light_classes(("b", "c", "u")) and "u" not in light_classes(("u", "d", "s"))


def test_names_of_flavour_are_known() -> None:
    assert all(map(is_flavour, ("b", "sudg", "leptonicb", "u", "tauh", "gluon", "undef")))
    assert not any(map(is_flavour, ("qcd", "hbb", "bqq", "background")))
