"""Mode ``paper``: every run behind the paper's tables, one after the other, in pieces that go on where they stopped."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zskt.errors import UserError
from zskt.experiments import launch as jobs
from zskt.experiments.config import Config
from zskt.experiments.few_shot_presets import few_shot
from zskt.experiments.presets import PRESETS
from zskt.experiments.runner import Options
from zskt.files import read_json
from zskt.losses import NonFiniteLoss
from zskt.results.published import CURVES, FEW_SHOT_CURVES, IMAGES_PER_CLASS, PAIRS, Pair
from zskt.results.transition import transition_runs

SEEDS = (0, 1, 2)
DATA = tuple(dict.fromkeys(pair.data for pair in PAIRS))
"""Data sets that the tables are about."""
LONGEST = 100_000
"""Minutes."""
ALL_IMAGES: dict[str, dict[str, float]] = {"labels": {"alpha": 0.0, "beta": 0.0}, "kd": {"beta": 0.0}, "kd-at": {}}
"""Yardsticks that see every image: of labels alone, KD, KD+AT."""


@dataclass(frozen=True)
class Run:
    """One of them."""

    name: str
    """Of its folder."""
    config: Config
    start: str | None = None
    """Name of the run that it begins from."""
    walks: bool = False
    """Whether its transition curves are taken."""


def campaign(data: str, seeds: Sequence[int] = SEEDS) -> Iterator[Run]:
    """All runs on a data set: its teachers first, then seed by seed; what others need comes before them.

    Raises:
        UserError: if the paper's tables have no such data.
    """
    pairs = [pair for pair in PAIRS if pair.data == data]
    if not pairs:
        raise UserError(f"--only {data}: no table is about it; choose one of {', '.join(DATA)}")
    # The pair that the paper looks at closest comes first: time may run out.
    pairs.sort(key=lambda pair: pair.preset not in CURVES)
    for teacher in dict.fromkeys(f"{pair.data}-{pair.teacher}" for pair in pairs):
        yield Run(f"teacher-{teacher}-seed0", PRESETS[teacher])
    for seed in seeds:
        for pair in pairs:
            yield from _of_pair(pair, seed)


def _of_pair(pair: Pair, seed: int) -> Iterator[Run]:
    walks = pair.preset in CURVES
    for preset in (f"{pair.preset}-paper", pair.preset):
        yield Run(f"zero-shot-{preset}-seed{seed}", PRESETS[preset].with_(seed=seed), walks=walks)
    begun, pair_of = f"zero-shot-{pair.preset}-seed{seed}", PRESETS[pair.preset]
    for name, settings in ALL_IMAGES.items():
        learns = few_shot(pair_of).with_(seed=seed, **settings)
        yield Run(f"few-shot-{pair.preset}-all-{name}-seed{seed}", learns)
    for m in IMAGES_PER_CLASS if pair.preset in FEW_SHOT_CURVES else (200,):
        name, learns = f"few-shot-{pair.preset}-{m}", few_shot(pair_of, images_per_class=m).with_(seed=seed)
        yield Run(f"{name}-kd-at-seed{seed}", learns, walks=walks and m == 200)
        if pair.preset in FEW_SHOT_CURVES:
            yield Run(f"{name}-labels-seed{seed}", learns.with_(alpha=0.0, beta=0.0))
            tuned = few_shot(pair_of, f"zero-shot {pair.preset}", m).with_(seed=seed)
            yield Run(f"{name}-tuned-seed{seed}", tuned, begun)


class _Deadline:
    """As if the user had pressed Ctrl-C after so many minutes; None never does."""

    def __init__(self, minutes: float | None) -> None:
        self.passed = False
        self.timer = threading.Timer((minutes or 0) * 60, self._pass)
        self.timer.daemon = True
        if minutes is not None:
            self.timer.start()

    def _pass(self) -> None:
        self.passed = True
        signal.raise_signal(signal.SIGINT)


def play(runs: Sequence[Run], place: Path, options: Options, minutes: float | None) -> list[Run]:
    """Play what is not finished yet, as far as the time goes; what is left.

    A run that cannot be played is told of on standard error, and the next one is begun.

    Args:
        place: folder of all runs.
        options: machine and data; folders are set here.
        minutes: until a checkpoint is written and the rest is left; None goes on to the end.

    Raises:
        UserError: if a folder there holds another recipe's run.
    """
    for run in runs:
        _require_its_own(run, place)
    deadline = _Deadline(minutes)
    try:
        for run in runs:
            try:
                _play(run, place, options)
            except (UserError, NonFiniteLoss) as error:
                print(f"train.py: {run.name}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        if not deadline.passed:
            raise
    finally:
        deadline.timer.cancel()
    return [run for run in runs if not _finished(run, place)]


def _require_its_own(run: Run, place: Path) -> None:
    """What a folder was begun with is what it shall hold."""
    path = place / run.name / "config.json"
    if not path.is_file():
        return
    recorded, asked = read_json(path), run.config.to_dict()
    # These are noted differently by the modes that have no use for them.
    other = [name for name in asked if name not in ("generator", "mode") and recorded.get(name) != asked[name]]
    if other:
        raise UserError(f"{path.parent}: was begun with another {other[0]}; name another --out, or remove the folder")


def _finished(run: Run, place: Path) -> bool:
    walked = not run.walks or any((place / run.name).glob("transition-*.json"))
    return (place / run.name / "result.json").is_file() and walked


def _play(run: Run, place: Path, options: Options) -> None:
    folder = place / run.name
    if not (folder / "result.json").is_file():
        teacher = None
        if run.config.mode != "teacher":
            found = place / f"teacher-{run.config.teacher}-seed0" / "student.safetensors"
            teacher = found if found.is_file() else None
        begun = (folder / "checkpoint.pt").is_file()
        if not begun:
            for name in ("config.json", "environment.json"):  # stopped before its first checkpoint: nothing is lost
                (folder / name).unlink(missing_ok=True)
        asked = replace(
            options,
            out=folder,
            resume=begun,
            teacher_path=teacher,
            start=None if run.start is None else place / run.start,
        )
        job = {"teacher": jobs.train_teacher, "few-shot": jobs.few_shot, "zero-shot": jobs.distil}[run.config.mode]
        job(run.config, asked)
    if not _finished(run, place):
        transition_runs([folder], options.data, None, options.device, progress=options.progress)
