"""The argument parser: flags, grouped by what they are for.

Nothing here imports torch: ``--help``, ``--mode list`` and a user's mistake answer at once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, NoReturn

from zskt.cli.modes import MODES, REMEDIES, TAKES_ENSEMBLES, WORDS
from zskt.errors import closest
from zskt.terminal import printable

LOGGERS = ("tensorboard", "csv", "wandb", "mlflow")
"""Names of `zskt.experiments.loggers.LOGGERS`, which are known here without torch."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        print(printable(f"zskt: {message}; see --help"), file=sys.stderr)
        raise SystemExit(2)


class _FirstAndOthers(argparse.Action):
    """Keep the first file of a teacher as ``teacher_path``, others that are the teacher with it as ``members``."""

    def __call__(self, _parser: object, flags: argparse.Namespace, values: Any, _option: object = None) -> None:
        flags.teacher_path, flags.members = values[0], tuple(values[1:]) or None


def build_parser() -> Parser:
    """Build the parser: every flag once, in groups."""
    modes = "\n".join(f"  {name:<11} {mode.summary}" for name, mode in MODES.items())
    used = "\n".join(
        f"  {name:<11} " + " ".join(f"--{flag.replace('_', '-')}" for flag in mode.flags)
        for name, mode in MODES.items()
    )
    parser = Parser(
        prog="zskt",
        description="Distil a trained network into a small, fast one, with no data.",
        epilog=f"modes:\n{modes}\n\nflags by mode:\n{used}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(members=None)
    parser.add_argument("--mode", required=True, help="what to do; see below", metavar="MODE")
    _training_flags(parser)
    _file_flags(parser)
    _finished_run_flags(parser)
    _many_run_flags(parser)
    _single_mode_flags(parser)
    return parser


def _training_flags(parser: Parser) -> None:
    """Add what to train: a recipe, and changes of it."""
    add = parser.add_argument_group("what to train (zero-shot, kd, few-shot, teacher)").add_argument
    add("--preset", help="a named recipe; see --mode list")
    add("--teacher", help="a teacher by name")
    add("--student", help="a student by name; or module:function or file.py:function, code of yours, which is run")
    add(
        "--view",
        metavar="VIEW",
        help="what the student sees: features:kin, leading:16, observables, downscale:7, until:4, flow",
    )
    add("--generator", help="a generator by name")
    add("--method", help="a data-free method by name; the preset's without it")
    add("--seed", type=int, help="seed of every random stream")
    add(
        "--iterations",
        "--pseudo-batches",
        type=int,
        metavar="N",
        help="iterations of the method; epochs where labels teach",
    )
    add("--batch-size", type=int, metavar="B", help="samples an iteration and a student step")
    add("--student-steps", type=int, metavar="N", help="student steps an iteration")
    add(
        "--teacher-access",
        choices=["gradient", "probabilities", "top-class"],
        help="what the method sees of the teacher; without it what the teacher gives and the method asks for",
    )
    add("--queries", type=int, metavar="N", help="samples that the teacher may be asked about, never one more")
    add("--set", action="append", metavar="NAME=VALUE", help="any other setting of the method; repeatable")
    add(
        "--samples-per-class",
        "--images-per-class",
        type=int,
        metavar="M",
        help="few-shot: labelled samples a class; all without it",
    )
    add("--without-evaluation", action="store_true", help="do not score the student: for trials of what a run costs")
    add("--without-teacher", action="store_true", help="few-shot: learn from labels alone")


def _file_flags(parser: Parser) -> None:
    """Add the files that a run reads and writes, and the machine."""
    add = parser.add_argument_group("files and machine").add_argument
    add(
        "--teacher-path",
        type=Path,
        nargs="+",
        action=_FirstAndOthers,
        metavar="FILE",
        help="the teacher's file, instead of fetching it; several are an ensemble, which answers the mean",
    )
    add("--trust-teacher", action="store_true", help="run the code in a TorchScript file: you know who wrote it")
    add(
        "--preprocess",
        type=Path,
        metavar="FILE",
        help="how a tagger from a file is fed: preprocess.json or weaver's YAML",
    )
    add(
        "--layout",
        action="append",
        metavar="INPUT=AXES",
        help="layout of an input of a tagger: B jets, C variables, P entries, as pf_features=BPC; repeatable",
    )
    add(
        "--architecture",
        metavar="CODE",
        help="code that builds the network of a file of parameters: package.module:Class or network.py; it is run",
    )
    add("--architecture-options", metavar="JSON", help="arguments of that code: '{\"num_layers\": 8}'")
    add(
        "--input-shape",
        type=int,
        nargs="+",
        metavar="N",
        help="images that a network from a file takes: channels, height, width, as 3 32 32",
    )
    add("--mean", type=float, nargs="+", metavar="X", help="mean intensity of each channel, in [0, 1] (0)")
    add("--std", type=float, nargs="+", metavar="X", help="standard deviation of the intensity of each channel (1)")
    add("--classes", type=Path, metavar="FILE", help="names of the classes, a line each; numbered without it")
    add(
        "--inputs",
        type=Path,
        metavar="FILE",
        help="features of a network of vectors from a file, YAML or JSON: names, bounds, kinds",
    )
    add(
        "--data",
        type=Path,
        metavar="PATH",
        help="jets: a ROOT or parquet file; images: a folder; vectors: CSV or parquet; kd: a folder of --mode answers",
    )
    add("--out", type=Path, metavar="PATH", help="run folder; the file or folder that other modes write")
    add(
        "--resume",
        nargs="?",
        const="run",
        default=False,
        choices=["run", "auto"],
        metavar="auto",
        help="continue the run in --out from its checkpoint; auto begins it where there is none",
    )
    add(
        "--logger",
        action="append",
        choices=LOGGERS,
        help="who is told of the run, repeatable: TensorBoard without it; wandb and mlflow need their package",
    )
    add("--device", choices=["auto", "cpu", "cuda"], help="auto takes CUDA where there is one")


def _finished_run_flags(parser: Parser) -> None:
    """Add what is done with finished runs."""
    add = parser.add_argument_group(
        "finished runs (evaluate, report, explain, compare, compress, export, transition, tables, record)"
    ).add_argument
    add(
        "--run",
        type=Path,
        nargs="+",
        metavar="RUN",
        help="finished runs; one to begin from, for zero-shot, kd, few-shot; a folder of runs, for tables",
    )
    add("--channels", type=float, metavar="X", help="compress: share of the channels of each hidden layer that stay")
    add("--rank", type=float, metavar="X", help="compress: rank of each product, a share of the largest")
    add("--bits", type=int, metavar="N", help="compress: bits of weights and of the numbers that they multiply")
    add("--sparsity", type=float, metavar="X", help="compress: share of the weights of each product that are zero")
    add("--format", choices=["text", "csv", "latex", "json"], help="evaluate: the table on the screen (text)")
    add(
        "--vary",
        nargs="*",
        metavar="NAME:SIZES",
        help="evaluate: on jets that are rotated, boosted, smeared; all without a NAME, else as boost:0.2,0.4",
    )
    add(
        "--experiment-label",
        metavar="TEXT",
        help="report, compare: label on every plot, as 'CMS Simulation': the experiment, and what it is of",
    )
    add("--against", type=Path, metavar="RUN", help="transition: another finished run")
    add("--port", type=int, metavar="N", help="view: where the browser finds it (8017); 0 for any that is free")
    add("--images", type=int, metavar="N", help="transition: how many images to walk from (1000)")


def _many_run_flags(parser: Parser) -> None:
    """Add many runs and many answers."""
    add = parser.add_argument_group("sweep, compare and answers").add_argument
    add("--presets", nargs="+", metavar="NAME", help="sweep: recipes, as --preset")
    add(
        "--methods",
        nargs="+",
        metavar="NAME",
        help="methods, as --method; sweep: kd and supervised learn from --data; compare: all is every data-free one, "
        "METHOD@GENERATOR takes another generator",
    )
    add("--seeds", type=int, nargs="+", metavar="N", help="seeds (0)")
    add("--budget-minutes", type=float, metavar="X", help="compare: time in the method that each run gets")
    add(
        "--training-data",
        type=Path,
        metavar="FILE",
        help="compare: what the reference kd learns from, where --data has no training samples",
    )
    add("--samples", "--jets", type=int, metavar="N", help="answers: samples to ask about")
    add("--shard-size", type=int, metavar="N", help="answers: samples of a file (10000)")
    add("--shard", type=int, nargs="+", metavar="I", help="answers: make these shards alone, or make them again")
    add("--cluster", metavar="KIND", help="local, slurm, htcondor, pbs, sge, or tcp://HOST:PORT of a Dask scheduler")
    add("--site", type=Path, metavar="FILE", help="TOML file of the cluster's settings: GPU, memory, time, queue")
    add("--workers", type=int, metavar="N", help="runs at a time (2)")


def _single_mode_flags(parser: Parser) -> None:
    """Add what one mode alone reads."""
    add = parser.add_argument_group("simulate and paper").add_argument
    add("--per-class", type=int, metavar="N", help="simulate: jets of each class (1000)")
    add("--only", metavar="NAME", help="paper: a data set (mnist), one system (highway), or seeds: all quick systems")
    add("--minutes", type=float, help="paper: stop after so long, to go on another time")


def _require_once(parser: Parser, arguments: list[str]) -> None:
    """Refuse a flag that is given again, whose earlier values would be lost; some may be repeated."""
    seen: set[str] = set()
    for argument in arguments:
        action = parser._option_string_actions.get(argument.partition("=")[0])
        if action is None or action.nargs == 0 or isinstance(action, argparse._AppendAction):
            continue
        if action.dest in seen:
            whole = ", with all its values" if action.nargs in ("+", "*") else ""
            parser.error(f"{'/'.join(action.option_strings)}: given twice; give it once{whole}")
        seen.add(action.dest)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the command line; flags that were not given are None or False.

    Raises:
        SystemExit: with code 2 and one line, if a flag is unknown, unreadable, or of no use to the mode.
    """
    parser = build_parser()
    if arguments and arguments[0] in MODES:  # as in: zskt list cms
        arguments = ["--mode", *arguments]
    _require_once(parser, arguments)
    flags, unknown = parser.parse_known_args(arguments)
    words: list[str] = []
    if flags.mode in WORDS:
        words = [word for word in unknown if not word.startswith("-")]
        unknown = [word for word in unknown if word.startswith("-")]
    if unknown:
        if flags.data is not None and flags.data.suffix and Path(unknown[0]).suffix == flags.data.suffix:
            parser.error(f"--data takes one file, not {unknown[0]} too: merge several, those of ROOT with hadd")
        names = [option for action in parser._actions for option in action.option_strings]
        close = closest(unknown[0].partition("=")[0], names, 1)
        parser.error(f"unknown argument {unknown[0]}" + (f": did you mean {close[0]}?" if close else ""))
    if flags.mode not in MODES:
        close = closest(flags.mode, MODES, 1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(MODES)}"
        parser.error(f"unknown --mode {flags.mode!r}: {hint}")
    mode = MODES[flags.mode]
    flags_used = {
        name
        for name, value in vars(flags).items()
        if name not in ("mode", "members") and value is not None and value is not False  # 0 is a value
    }
    ignored = sorted(f"--{name.replace('_', '-')}" for name in flags_used - set(mode.flags))
    if ignored:
        parser.error(f"--mode {flags.mode} does not use {', '.join(ignored)}")
    if flags.members and flags.mode not in TAKES_ENSEMBLES:
        parser.error(f"--mode {flags.mode}: takes one --teacher-path, not {1 + len(flags.members)}")
    for name in mode.required:
        if getattr(flags, name) is None:
            parser.error(f"--mode {flags.mode}: {REMEDIES[name]}")
    flags.device, flags.words = flags.device or "auto", words
    return flags
