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
    add("--out", type=Path, metavar="DIR", help="tests, benchmarks and runs, all that a card is good for, into DIR")
    add("--work", type=Path, metavar="DIR", help="with --out: where runs lie and go on (runs/cuda)")
    add("--data", type=Path, metavar="DIR", help="with --out: CIFAR-10; without it teachers are not trained")
    add("--resnet20", type=Path, metavar="FILE", help="with --out: the published ResNet-20, for comparing methods")
    add("--iterations", type=int, metavar="N", help="with --out: of the paper's rows (2000)")
    add("--parts", nargs="+", choices=["tests", "benchmarks", "runs"], help="with --out: these alone")
    add("--jobs", type=int, metavar="N", help="with --out: runs side by side (4 on a GPU)")
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
    if args.out is not None:
        return _plan(args, begun)
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
    if args.json is not None:
        write(outcomes, args.json)
    print(report(outcomes))
    return int(any(outcome.state == "failed" for outcome in outcomes))


def _plan(args: argparse.Namespace, begun: float) -> int:
    """Carry out the plan for a GPU, or its short form on the CPU."""
    from benchmarks.cuda_plan import PARTS, Plan, carry_out

    device = _device(args.device)
    on_card = device == "cuda"
    plan = Plan(
        device=device,
        out=args.out,
        deadline=begun + 60 * (args.minutes or 9.0),
        work=args.work or Path("runs") / device,
        data=args.data,
        resnet20=args.resnet20,
        iterations=args.iterations or (2000 if on_card else 2),
        parts=args.parts or PARTS,
        jobs=args.jobs or (4 if on_card else 1),
    )
    return carry_out(plan)


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
