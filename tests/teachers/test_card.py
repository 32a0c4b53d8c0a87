"""Cards of architectures and their files of parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from teachers import TEACHERS, ParameterCard
from teachers.images import IMAGES
from teachers.jetclass import JETCLASS
from zskt.errors import UserError
from zskt.images.inputs import ImageInputs
from zskt.jets.features import KIN, JetInputs
from zskt.networks.lenet_vgg import LeNet5
from zskt.storage.files import read_json, sha256

SMALL = ParameterCard(
    name="small",
    summary="a LeNet",
    source="a test",
    licence="MIT",
    architecture=lambda: LeNet5(10),
    inputs=ImageInputs(mean=(0.5,), std=(0.5,), side=28),
    classes=tuple("0123456789"),
    prefix="net.",
)


def test_a_card_loads_what_the_user_gives(tmp_path: Path) -> None:
    network, path = LeNet5(10).eval(), tmp_path / "a.safetensors"
    save_file({f"net.{key}": value for key, value in network.state_dict().items()}, path)
    card = SMALL.with_files(path)
    loaded, x = card.load(), torch.randn(2, 1, 32, 32)
    assert card.files() == {"teacher": path} and SMALL.local_file is None
    assert torch.equal(loaded(x), network(x))
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    assert card.parameters() == 61_706 and card.outputs == card.classes
    assert (card.describe(), card.record(), card.as_onnx(loaded, tmp_path)) == ("", None, None)


def test_files_that_do_not_fit_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(UserError, match=r"--teacher-path .*a\.safetensors: no such file; give the file of small"):
        SMALL.with_files(path)
    with pytest.raises(UserError, match=r"--teacher-path .*: is a folder; give the file of small"):
        SMALL.with_files(tmp_path)
    state = LeNet5(10).state_dict()
    save_file(state | {"more": torch.zeros(1)}, path)
    with pytest.raises(UserError, match="does not hold the network of small"):
        SMALL.with_files(path).load()
    save_file({key: torch.full_like(value, torch.nan) for key, value in state.items()}, path)
    with pytest.raises(UserError, match="parameters that are not finite"):
        SMALL.with_files(path).load()
    card = SMALL.with_files(path)
    path.unlink()
    with pytest.raises(UserError, match="say where the file of small is now: --teacher-path"):
        card.files()
    with pytest.raises(UserError, match=r"--preprocess a\.json: small is fed as its card says"):
        SMALL.with_files(None, Path("a.json"))


def test_jets_are_selected_and_images_are_not() -> None:
    card = JETCLASS["zskt-particlenet"]
    inputs = card.with_selection(pt_low=600.0).inputs
    assert isinstance(inputs, JetInputs) and inputs.selection.pt_low == 600 and inputs.features == KIN.features
    assert card.with_selection() is card
    with pytest.raises(UserError, match="pt_low is of jets, but the teacher small takes images"):
        SMALL.with_selection(pt_low=600.0)
    with pytest.raises(UserError, match=r"at most 0\.8"):
        card.with_selection(radius=1.0)


@pytest.mark.parametrize(
    "name",
    [
        "zskt-particlenet",
        "mnist-lenet5",
        "fashion-mnist-lenet5",
        "cifar10-wrn-16-2",
        "cifar10-wrn-40-1",
        "cifar10-wrn-40-2",
    ],
)
def test_bundled_networks_are_whole_and_documented(name: str) -> None:
    card = TEACHERS[name]
    assert isinstance(card, ParameterCard) and "ships with zskt" in card.summary
    file = card.files()["teacher"]
    assert file.parent.name == "embedded" and sha256(file) == card.sha256
    about = read_json(file.with_suffix(".json"))
    assert (about["name"], about["sha256"], about["licence"]) == (name, card.sha256, card.licence)
    reference = Path(__file__).parent.parent.parent / about["result"]
    assert reference.is_file()
    assert not any(p.requires_grad for p in card.load().parameters())


def test_damaged_bundled_networks_are_told(tmp_path: Path) -> None:
    missing = replace(IMAGES["mnist-lenet5"], bundled_file=tmp_path / "a.safetensors")
    with pytest.raises(UserError, match="the teacher that ships with zskt is missing"):
        missing.files()
    (tmp_path / "a.safetensors").write_bytes(b"other")
    with pytest.raises(UserError, match="is not the teacher that ships with zskt"):
        missing.files()


def test_a_published_file_without_a_hash_is_not_fetched() -> None:
    card = replace(SMALL, url="https://example.org/a.th")
    with pytest.raises(UserError, match=r"no verified SHA-256 .* download https://example\.org/a\.th yourself"):
        card.files()


def test_a_network_that_the_user_trained_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    card = IMAGES["cifar100-wrn-40-2"]
    with pytest.raises(UserError, match="nobody publishes it; train it with --mode teacher --preset cifar100-wrn-40-2"):
        card.files()
    file = Path("runs/teacher-cifar100-wrn-40-2-seed0/student.safetensors")
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    assert card.files() == {"teacher": file}
