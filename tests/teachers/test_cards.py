"""The cards of published and bundled networks."""

from __future__ import annotations

import re

import pytest
import torch

from teachers.card import ParameterCard
from teachers.cms import CMS
from teachers.images import DATA, IMAGES
from teachers.jetclass import JETCLASS
from zskt.files import sha256

PARAMETER_CARDS = IMAGES | JETCLASS
BUNDLED = {name: card for name, card in PARAMETER_CARDS.items() if card.bundled_file is not None}


def test_every_card_has_licence_and_source_and_what_is_fetched_can_be_verified() -> None:
    for name, card in (PARAMETER_CARDS | CMS).items():
        assert card.name == name and card.licence and card.source and card.summary
        assert card.sha256 is None or re.fullmatch("[0-9a-f]{64}", card.sha256)
        assert card.url is None or card.url.startswith("https://")
    for cms in CMS.values():
        assert cms.url and cms.sha256 and cms.preprocess_url and cms.preprocess_sha256 and cms.selection
    assert len({card.sha256 for card in CMS.values()}) == len(CMS)


@pytest.mark.parametrize("name", [name for name in PARAMETER_CARDS if "resnet34" not in name and "wrn-40" not in name])
def test_an_architecture_has_an_output_for_each_class(name: str) -> None:
    card = PARAMETER_CARDS[name]
    sizes = [module.out_features for module in card.build().modules() if isinstance(module, torch.nn.Linear)]
    assert sizes[-1] == len(card.classes) == len(set(card.classes))


def test_tasks_have_as_many_classes_and_channels_as_their_data() -> None:
    assert {name: len(task.classes) for name, task in DATA.items()} == {
        "mnist": 10, "fashion-mnist": 10, "cifar10": 10, "cifar100": 100, "svhn": 10
    }  # fmt: skip
    assert {name: task.inputs.channels for name, task in DATA.items()} == {
        "mnist": 1, "fashion-mnist": 1, "cifar10": 3, "cifar100": 3, "svhn": 3
    }  # fmt: skip
    assert list(DATA["cifar100"].classes) == sorted(set(DATA["cifar100"].classes))


@pytest.mark.parametrize("card", BUNDLED.values(), ids=list(BUNDLED))
def test_bundled_files_are_those_that_their_cards_say(card: ParameterCard) -> None:
    assert card.bundled_file is not None and sha256(card.bundled_file) == card.sha256
    assert card.url is None and card.licence == "MIT"
