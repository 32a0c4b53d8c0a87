"""TorchScript is code: what is loaded, what is refused, and that nothing runs before."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from teachers import TEACHERS, torchscript
from teachers.script_operators import Operators, read_operators
from teachers.script_trust import PINNED
from zskt.errors import UserError
from zskt.storage.trust import VARIABLE, is_trusted, trusted


class Overwrites(nn.Module):
    """Writes a file as soon as it is called."""

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.from_file("victim.bin", shared=True, size=4).fill_(1.0)


class OverwritesWhenLoaded(nn.Module):
    """Writes a file as soon as it is loaded."""

    def __init__(self) -> None:
        super().__init__()
        self.held = torch.zeros(4)

    @torch.jit.export
    def __getstate__(self) -> tuple[int, bool]:
        return 1, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[int, bool]) -> None:
        self.training = state[1]
        self.held = torch.from_file("victim.bin", shared=True, size=4).fill_(1.0)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.held


class Odd(nn.Module):
    """Calls what networks do not."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.igamma(x, x)


def script(network: nn.Module, path: Path) -> Path:
    torch.jit.script(network).save(str(path))
    return path


def edited(path: Path, before: str, after: str) -> Path:
    """The same archive, with other code."""
    target = path.with_name("edited.pt")
    with zipfile.ZipFile(path) as read, zipfile.ZipFile(target, "w") as written:
        for entry in read.infolist():
            content = read.read(entry)
            if entry.filename.endswith(".py"):
                content = content.replace(before.encode(), after.encode())
            written.writestr(entry, content)
    return target


def test_a_network_has_harmless_operators_only(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))
    assert read_operators(script(network, tmp_path / "a.pt")) == Operators()
    lstm = script(nn.LSTM(3, 4, batch_first=True, bidirectional=True), tmp_path / "b.pt")
    attention = script(nn.TransformerEncoderLayer(8, 2, batch_first=True).eval(), tmp_path / "c.pt")
    assert read_operators(lstm) == read_operators(attention) == Operators()


def test_published_networks_have_harmless_operators_only(shared: Path) -> None:
    for name in ("ak4-ul", "ak8-md-ul"):
        assert read_operators(shared / "teachers" / "cms" / name / "model.pt") == Operators()


@pytest.mark.parametrize("network", [Overwrites(), OverwritesWhenLoaded()])
def test_what_reaches_files_is_refused_even_when_trusted_and_does_not_run(
    network: nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path, victim = script(network, tmp_path / "a.pt"), tmp_path / "victim.bin"
    victim.write_bytes(b"x" * 16)
    assert is_trusted()
    with pytest.raises(UserError, match=r"its code calls from_file.*which reaches out of a network; it is not run"):
        torchscript.open_file(path)
    assert victim.read_bytes() == b"x" * 16


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("t = torch\n    return t.from_file(x)", "from_file"),
        ("t = torch\n    return t.relu(x)", "torch"),
        ("return ops.aten.from_file(x)", "from_file"),
        ('return ("victim.bin").from_file(True, 4)', "from_file"),
        ("f = torch.from_file\n    return f(x)", "from_file"),
        ("ops.prim.PythonOp(x)\n    return x", "prim.PythonOp"),
        ("torch.save(x, 'a')\n    return x", "save"),
    ],
)
def test_no_other_spelling_is_missed(code: str, name: str, tmp_path: Path) -> None:
    class Plain(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x)

    path = edited(script(Plain(), tmp_path / "a.pt"), "return torch.relu(x)", code)
    operators = read_operators(path)
    assert any(name in found for found in operators.forbidden + operators.unknown)


def test_a_method_does_not_hide_an_operator(tmp_path: Path) -> None:
    class Plain(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return self.other(x)

        def other(self, x: Tensor) -> Tensor:
            return torch.relu(x)

    path = script(Plain(), tmp_path / "a.pt")
    assert read_operators(path) == Operators()
    assert read_operators(edited(path, "other", "igamma")).unknown == ("igamma",)


def test_without_trust_nothing_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    path = script(nn.Linear(2, 2), tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"would run as you \(its operators are all known.*add --trust-teacher"):
        torchscript.open_file(path)
    with pytest.raises(UserError, match=r"nothing is known of its operators torch.igamma"):
        torchscript.open_file(script(Odd(), tmp_path / "b.pt"))
    with trusted(True):
        assert torchscript.open_file(path).arguments[0].name == "input"
    assert not is_trusted()


def test_trust_in_what_is_unknown_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torchscript.open_file(script(Odd(), tmp_path / "a.pt"))
    err = capsys.readouterr().err
    assert "torch.igamma, of which nothing is known; you trust it" in err and err.count("\n") == 1


def test_published_files_need_no_trust(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    assert torchscript.open_file(shared / "teachers" / "cms" / "ak4-ul" / "model.pt").arguments


def test_what_is_pinned_is_what_cards_publish() -> None:
    cards = [card for card in TEACHERS.values() if str(getattr(card, "url", None)).endswith("model.pt")]
    assert {card.sha256 for card in cards} == set(PINNED)


def test_code_that_is_none_is_refused(tmp_path: Path) -> None:
    path = edited(script(nn.Linear(2, 2), tmp_path / "a.pt"), "return ", "return return ")
    with pytest.raises(UserError, match=r"\.py is no code of TorchScript"):
        torchscript.open_file(path)
