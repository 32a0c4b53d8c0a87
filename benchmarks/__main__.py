"""Runs the benchmarks and prints ratios: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import report, table
from benchmarks.runner import Outcome, Runner
from benchmarks.table import BENCHMARKS
from zskt.errors import UserError, lookup


def parser() -> argparse.ArgumentParser:
    """Make the parser of the flags."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto takes CUDA where there is one")
    add("--minutes", type=float, metavar="M", help="a deadline for all of them; what does not fit is not run")
    add("--json", type=Path, metavar="DIR", help="write a JSON file for each, such as to runs/reference/benchmarks")
    add("--out", type=Path, metavar="DIR", help="the same as --json")
    add("--only", nargs="+", metavar="NAME", help="run these alone")
    add("--threads", type=int, help="threads of an operator on the CPU; by default what torch takes")
    add("--size", nargs="+", default=[], metavar="NAME=VALUE", help="sizes, such as batch=8 student_steps=2")
    add("--list", action="store_true", help="list the benchmarks")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0, or 1 if a benchmark failed, or 2 if the user made a mistake."""
    args = parser().parse_args(arguments)
    try:
        if args.list:
            print(listing())
            return 0
        return _run(args)
    except UserError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2


def listing() -> str:
    """Write the table of benchmarks."""
    rows = [
        [name, f"{b.seconds:.0f} s", b.summary + ("" if b.by_default else " (only by name)")]
        for name, b in BENCHMARKS.items()
    ]
    return table(["benchmark", "takes", "what it measures"], rows)


def _run(args: argparse.Namespace) -> int:
    begun = time.monotonic()
    names = args.only or [name for name, benchmark in BENCHMARKS.items() if benchmark.by_default]
    chosen = {name: lookup(BENCHMARKS, name, "benchmark") for name in names}
    for entry in args.size:
        if "=" not in entry:
            raise UserError(f"--size {entry}: is not NAME=VALUE; write --size batch=8")
    runner = Runner(
        device=_device(args.device),
        deadline=None if args.minutes is None else begun + 60 * args.minutes,
        threads=args.threads,
        sizes=args.size,
    )
    outcomes = runner.run(chosen)
    for folder in {args.json, args.out} - {None}:
        write(outcomes, folder)
    print(report(outcomes))
    return int(any(outcome.state == "failed" for outcome in outcomes))


def _device(name: str) -> str:
    """Return the device of a name, without importing torch where that is not needed.

    Raises:
        UserError: if CUDA is asked for and not there.
    """
    if name == "cpu":
        return name
    from zskt.experiments.build import choose_device

    return str(choose_device(name))


def write(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Write a JSON file for each benchmark that was done."""
    folder.mkdir(parents=True, exist_ok=True)
    for outcome in outcomes:
        if outcome.state == "done":
            (folder / f"{outcome.name}.json").write_text(json.dumps(outcome.report, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
