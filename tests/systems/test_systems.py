"""Published systems: what can be checked in seconds, and how their records are kept."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest
import torch
from torch.distributions import Dirichlet

from tests.conftest import Call
from zskt.errors import UserError
from zskt.results.system_records import FOLDER, read_record, read_systems, system_table
from zskt.storage.files import read_json, write_json
from zskt.systems import SYSTEMS, campaign
from zskt.systems.privileged import SYNTHETIC, Softened, synthetic
from zskt.systems.system import Figures, System
from zskt.systems.uncertainty import dirichlet_information


def test_privileged_teachers_help_as_published_and_clean_features_do_not() -> None:
    seeds = []
    for seed in range(4):
        torch.manual_seed(seed)
        seeds.append(synthetic(seed))
    for figure, published in SYNTHETIC.published.items():
        centre = float(published.split(" ")[0])
        assert mean(figures[figure] for figures in seeds) == pytest.approx(centre, abs=3.0), figure
    gains = [
        mean(
            s[f"experiment {name}: distilled, accuracy %"] - s[f"experiment {name}: regular, accuracy %"] for s in seeds
        )
        for name in ("1, clean labels", "2, clean features", "3, relevant features")
    ]
    assert gains[0] > 4 and gains[2] > 6 and abs(gains[1]) < 2


def test_information_of_a_dirichlet_distribution_against_draws_from_it() -> None:
    alpha = torch.tensor([2.0, 0.5, 5.0], dtype=torch.float64)
    p = Dirichlet(alpha).sample((200_000,))
    entropies = -(p * p.clamp(min=1e-300).log()).sum(1)
    centre = alpha / alpha.sum()
    expected = -(centre * centre.log()).sum() - entropies.mean()
    assert float(dirichlet_information(alpha.log().unsqueeze(0))) == pytest.approx(float(expected), abs=2e-3)


def test_softened_teacher_answers_a_temperature_that_the_student_does_not_have() -> None:
    teacher = torch.nn.Linear(3, 2)
    x = torch.randn(4, 3)
    assert torch.equal(Softened(teacher, 20.0)(x), teacher(x) / 20)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A system of which each seed is noted when it runs."""
    ran: list[int] = []

    def run(seed: int, _: Path | None) -> Figures:
        ran.append(seed)
        return {"accuracy": 0.5 + seed / 10}

    system = System(title="T", source="S", published={"accuracy": "0.55", "error": ""}, run=run, seeds=3, remark="R.")
    monkeypatch.setitem(SYSTEMS, "counted", system)
    return ran


def test_repetitions_go_on_where_they_stopped_and_a_table_shows_their_spread(
    tmp_path: Path, counted: list[int]
) -> None:
    assert campaign.repeat(["counted"], tmp_path, None, (1,), None) and counted == [1]
    assert campaign.repeat(["counted"], tmp_path, None, None, None) and counted == [1, 0, 2]
    assert campaign.repeat(["counted"], tmp_path, None, None, None) and counted == [1, 0, 2]
    record = read_systems(tmp_path)["counted"]
    assert record.ours == {"1": {"accuracy": 0.6}, "0": {"accuracy": 0.5}, "2": {"accuracy": 0.7}}
    table = system_table(record)
    assert "| accuracy | 0.55 | 0.600 ± 0.100 | 3 |" in table and "| error | – | – | 0 |" in table


def test_time_that_is_over_leaves_the_rest(tmp_path: Path, counted: list[int]) -> None:
    assert not campaign.repeat(["counted"], tmp_path, None, None, 0.0)
    assert not counted


def test_record_of_another_experiment_is_not_overwritten(tmp_path: Path, counted: list[int]) -> None:
    campaign.repeat(["counted"], tmp_path, None, (0,), None)
    path = tmp_path / FOLDER / "counted.json"
    values = read_json(path)
    write_json(path, values | {"published": {"other": ""}})
    with pytest.raises(UserError, match="has other figures"):
        campaign.repeat(["counted"], tmp_path, None, None, None)
    write_json(path, values | {"remark": "On other images."})
    with pytest.raises(UserError, match=r"counted\.json: says otherwise than this version what was done; move it away"):
        campaign.repeat(["counted"], tmp_path, None, None, None)
    path.write_text('{"title": 3}')
    with pytest.raises(UserError, match=r"counted\.json"):
        read_record(path)
    assert counted == [0]


def test_committed_records_are_of_the_systems_as_they_are_now() -> None:
    records = read_systems(Path(__file__).parent.parent.parent / "runs" / "reference")
    assert set(records) <= set(SYSTEMS)
    for name, record in records.items():
        system = SYSTEMS[name]
        assert (record.title, record.source, record.remark) == (system.title, system.source, system.remark), name
        assert all(set(figures) == set(system.published) for figures in record.ours.values()), name


def test_command_names_systems_and_refuses_a_length(tmp_path: Path, counted: list[int], call: Call) -> None:
    del counted
    code, out, _ = call("--mode", "paper", "--only", "counted", "--seed", "2", "--out", str(tmp_path))
    assert code == 0 and "| accuracy | 0.55 | 0.700 | 1 |" in out
    code, _, err = call("--mode", "paper", "--only", "counted", "--iterations", "3", "--out", str(tmp_path))
    assert code == 2 and "has lengths of its own" in err and err.count("\n") == 1
