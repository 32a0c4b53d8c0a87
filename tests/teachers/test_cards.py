"""The cards of published and bundled networks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from teachers.card import ParameterCard
from teachers.cms import CMS
from teachers.images import DATA, IMAGES
from teachers.jetclass import JETCLASS
from zskt.storage.files import sha256

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


PUBLISHED = {
    "jetclass-particlenet-kin": "73aff244c657db0f7b62abe9ad13ec007c17cf10057ff1ad54c320f3bd4a4f26",
    "jetclass-particlenet-kinpid": "f56876afb26a7f0782407fc4fde2502ac23656b47a970ad912e58502a0b8839b",
    "jetclass-particlenet-full": "375b81543769f4a0bd2de9818c5885a04c735b5462a64dcadc2a088edaf3d1d2",
    "cifar10-resnet20": "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8",
    "cifar10-resnet32": "d509ac1820d7f25398913559d7e81a13229b1e7adc5648e3bfa5e22dc137f850",
    "cifar10-resnet44": "014dd6541728a1c700b1642ab640e211dc6eb8ed507d70697458dc8f8a0ae2e4",
    "cifar10-resnet56": "4bfd97631478d6b638d2764fd2baff3edb1d7d82252d54439343b6596b9b5367",
}
"""SHA-256 of the files that publishers offer, as they were seen."""


def test_published_parameters_are_fetched_and_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, tuple[str, str]] = {}

    def fetch(name: str, url: str, known_hash: str, remedy: str) -> Path:
        asked[name] = (url, known_hash.removeprefix("sha256:"))
        return Path(remedy.removeprefix("give it as "))

    monkeypatch.setattr("teachers.files.fetch", fetch)
    published = {name: card for name, card in PARAMETER_CARDS.items() if card.url is not None}
    assert all(card.files() == {"teacher": Path("--teacher-path")} for card in published.values())
    assert {name: sha for name, (_, sha) in asked.items()} == PUBLISHED
    for depth in (20, 32, 44, 56):  # their publisher names a file after its hash
        url, sha = asked[f"cifar10-resnet{depth}"]
        assert url.endswith(f"/pretrained_models/resnet{depth}-{sha[:8]}.th")
    assert "sensitive to how their errors are simulated" in JETCLASS["jetclass-particlenet-full"].caveats


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
