"""All runs of a comparison: what is missing is run, what is half done goes on, what cannot be says why."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from zskt.cluster.compare.budget import Budget, Trial, length_of, longest_trial, measure
from zskt.cluster.compare.entrants import KD, Entrant
from zskt.cluster.compare.processes import Failure, run
from zskt.cluster.jobs import Job
from zskt.errors import UserError
from zskt.experiments.config import RunConfig
from zskt.experiments.finished import require_same_config
from zskt.experiments.result import Result
from zskt.experiments.runner import require_same_files
from zskt.markdown import in_minutes
from zskt.storage.documents import checked
from zskt.storage.files import read_json, write_json
from zskt.storage.run_files import RESULT
from zskt.terminal import note

PLAN, TRIALS = "plan.json", "trials"
"""File of a comparison's folder that says what was decided, and the folder of the short runs behind it."""
POINTS = 12
"""Evaluations of a run on the test samples: points of its curves."""
TRIAL_SEED = 0
MOST_CORRECTIONS, TOLERANCE = 2, 1.25
"""How often a method's first run is made anew with another length, as it cost other than its trials said, and by which
factor the lengths must differ for that."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One run, as the command line has to be told of it."""

    entrant: Entrant
    seed: int
    iterations: int | None
    """None is as many as the method's recipe has."""
    evaluate_every: int | None
    """None is the recipe's."""
    judged: bool = True
    """Whether the student is scored; a trial's is not."""


@dataclass(kw_only=True)
class Plan:
    """What a comparison has decided, kept in its folder: a second call takes the same lengths."""

    preset: str
    budget: Budget
    iterations: dict[str, int | None] = field(default_factory=dict)
    """Entrant -> length of its runs; None is its recipe's."""
    trials: dict[str, list[Trial]] = field(default_factory=dict)
    corrections: dict[str, int] = field(default_factory=dict)
    """Entrant -> how many of its trials were first runs whose length was wrong."""

    @classmethod
    def open(cls, path: Path, preset: str, budget: Budget) -> Plan:
        """Read the plan of a folder, or begin one.

        Raises:
            UserError: if the folder holds a comparison of another preset or budget.
        """
        if not path.is_file():
            return cls(preset=preset, budget=budget)
        kept = checked(read_json(path), cls, path)
        before_it = kept.budget.to_dict()
        for name, before, now in (
            ("preset", kept.preset, preset),
            *((name, before_it[name], value) for name, value in budget.to_dict().items()),
        ):
            if before != now:
                words = (f"{value:g}" if isinstance(value, float) else repr(value) for value in (before, now))
                raise UserError(f"{path}: was begun with {name} {', not '.join(words)}; name another --out")
        return kept

    def write(self, path: Path) -> None:
        """Keep the plan."""
        write_json(path, asdict(self))


@dataclass(kw_only=True)
class Outcome:
    """What a comparison has come to."""

    runs: dict[str, list[Path]]
    """Entrant -> folders of its finished runs."""
    failures: dict[str, Failure]
    """Entrant, with the seed where others went well -> why there is no result."""


@dataclass(kw_only=True)
class Campaign:
    """All runs of a comparison in a folder.

    Args:
        arguments: of the command line of a run, without its folder.
        config: what a run will record.
        files: what it is given, of `zskt.experiments.runner.given_files`.
        job: name of the folder, arguments -> the process that does it.
    """

    out: Path
    entrants: Sequence[Entrant]
    seeds: Sequence[int]
    plan: Plan
    arguments: Callable[[Request], Sequence[str]]
    config: Callable[[Request], RunConfig]
    job: Callable[[str, Sequence[str]], Job]
    files: Callable[[Request], Mapping[str, str | None]] = lambda _: {}
    failures: dict[str, Failure] = field(default_factory=dict)

    def work(self) -> None:
        """Find how long each may run, then run seed by seed: an early end leaves the first seed of all.

        Raises:
            UserError: if a folder holds a run of another recipe, or of other files.
            KeyboardInterrupt: after the run at work has saved.
        """
        self.plan.write(self.out / PLAN)
        for entrant in self.entrants:
            if entrant.name not in self.failures:
                self._choose_length(entrant)
        playing = [entrant for entrant in self.entrants if entrant.name not in self.failures]
        for seed, entrant in itertools.product(self.seeds, playing):
            request = self._request(entrant, seed)
            require_same_config(self._folder(request), self.config(request))
            require_same_files(self._folder(request), self.files(request))
        for seed, entrant in itertools.product(self.seeds, playing):
            while entrant.name not in self.failures and self._run(entrant, seed):
                pass

    def outcome(self) -> Outcome:
        """Say what there is."""
        runs: dict[str, list[Path]] = {}
        for entrant in self.entrants:
            folders = [self.out / entrant.folder(self.out.name, seed) for seed in self.seeds]
            runs[entrant.name] = [folder for folder in folders if (folder / RESULT).is_file()]
        return Outcome(runs={name: folders for name, folders in runs.items() if folders}, failures=self.failures)

    def _choose_length(self, entrant: Entrant) -> None:
        """Set the length of an entrant's runs, unless that is done; one that cannot play fails here."""
        budget = self._budget(entrant)
        if entrant.name in self.plan.iterations or budget.limits_nothing:
            return

        def trial(iterations: int) -> Trial:
            name = f"{TRIALS}/{entrant.folder('trial', TRIAL_SEED)}-{iterations}"
            request = Request(entrant=entrant, seed=TRIAL_SEED, iterations=iterations, evaluate_every=0, judged=False)
            failure = run(self.job(name, self.arguments(request)), longest_trial(budget))
            if failure is not None:
                raise _TrialFailed(failure)
            result = Result.read(self.out / name / RESULT)
            seconds = result.training_seconds or 0.0
            return Trial(iterations=iterations, seconds=seconds, queries=result.teacher_queries)

        try:
            trials = measure(trial, budget, self._recipe(entrant).iterations_before_learning)
        except _TrialFailed as error:
            self._fail(entrant.name, error.failure)
            return
        self.plan.trials[entrant.name] = trials
        self.plan.iterations[entrant.name] = length_of(trials, budget)
        self.plan.write(self.out / PLAN)
        length = self.plan.iterations[entrant.name]
        _tell(f"{entrant.name}: {'the recipe as it is' if length is None else f'{length} iterations'} in the budget")

    def _request(self, entrant: Entrant, seed: int) -> Request:
        iterations = self.plan.iterations.get(entrant.name)
        length = self._recipe(entrant).iterations if iterations is None else iterations
        every = max(length // POINTS, 1)
        return Request(entrant=entrant, seed=seed, iterations=iterations, evaluate_every=every)

    def _recipe(self, entrant: Entrant) -> Any:
        """Return the settings of a method as its recipe has them."""
        return self.config(Request(entrant=entrant, seed=TRIAL_SEED, iterations=None, evaluate_every=None)).settings

    def _folder(self, request: Request) -> Path:
        return self.out / request.entrant.folder(self.out.name, request.seed)

    def _run(self, entrant: Entrant, seed: int) -> bool:
        """Run one seed of an entrant, unless that is done; return whether it is to be run again with another length."""
        request = self._request(entrant, seed)
        folder = self._folder(request)
        if (folder / RESULT).is_file():
            return False
        label = f"{entrant.name}, seed {seed}"
        _tell(f"{label}: runs")
        failure = run(self.job(folder.name, self.arguments(request)))
        if failure is not None:
            self._fail(entrant.name if failure.refused else label, failure)
            return False
        result = Result.read(folder / RESULT)
        score = "–" if result.student.agreement is None else f"{result.student.agreement:.4f}"
        _tell(f"{label}: agreement {score} in {in_minutes(result.training_seconds or 0)} minutes")
        return self._corrects(request, result)

    def _corrects(self, request: Request, result: Result) -> bool:
        """Choose another length where the first run of an entrant cost other than trials said, and put it with these.

        Only its cost is looked at. Where there are other seeds of that length it stays.
        """
        name, plan = request.entrant.name, self.plan
        length, done = plan.iterations.get(name), plan.corrections.get(name, 0)
        others = [seed for seed in self.seeds if seed != request.seed]
        if length is None or done == MOST_CORRECTIONS:
            return False
        if any(self._folder(replace(request, seed=seed)).exists() for seed in others):
            return False
        cost = Trial(iterations=length, seconds=result.training_seconds or 0.0, queries=result.teacher_queries)
        trials = [*plan.trials.get(name, []), cost]
        better = length_of(trials, self._budget(request.entrant))
        if better is None or length / TOLERANCE < better < length * TOLERANCE:
            return False
        folder = self._folder(request)
        kept = self.out / TRIALS / f"{folder.name}-{length}"
        shutil.rmtree(kept, ignore_errors=True)
        folder.rename(kept)
        plan.trials[name], plan.iterations[name], plan.corrections[name] = trials, better, done + 1
        plan.write(self.out / PLAN)
        _tell(f"{name}: {better} iterations fill the budget better than {length}; it runs anew")
        return True

    def _budget(self, entrant: Entrant) -> Budget:
        """Return what limits an entrant: KD asks about each of its samples once, however long it runs."""
        budget = self.plan.budget
        return replace(budget, queries=None) if entrant.method == KD else budget

    def _fail(self, label: str, failure: Failure) -> None:
        self.failures[label] = failure
        _tell(f"{label}: {'cannot play' if failure.refused else 'failed'}: {failure.reason}")


class _TrialFailed(Exception):
    """Ends the trials of an entrant that cannot be run."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


def _tell(text: str) -> None:
    note(f"compare: {text}")


def as_json(failures: dict[str, Failure]) -> dict[str, Any]:
    """Return failures as JSON holds them."""
    return {name: asdict(failure) for name, failure in failures.items()}
