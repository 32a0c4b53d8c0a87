#!/usr/bin/env python3
"""The command line of zskt: ``--mode`` picks a job, nothing else happens here."""

import argparse
import sys
from pathlib import Path
from typing import NoReturn

MODES = {
    "zero-shot": "distil a teacher into a student with no data",
    "kd": "distil it with data: the yardstick",
    "few-shot": "distil it with labelled samples, all or M of each class, or fine-tune a zero-shot student on them",
    "transition": "how alike student and teacher are on the way from one class to another",
    "paper": "all runs behind the paper's tables, in pieces",
    "evaluate": "figures of a finished run on other data",
    "report": "one HTML page on a finished run: figures, plots, pseudo-jets",
    "export": "a finished run's student for use elsewhere: ONNX, int8, FPGA",
    "teacher": "train a teacher that nobody publishes",
    "simulate": "make jets with Pythia 8 and FastJet",
    "toy": "the game in the plane, with pictures of the decision boundaries",
    "tables": "the tables of the README from recorded results",
    "list": "teachers, students, generators and presets",
}


RECIPE = {"preset", "teacher", "student", "generator", "seed", "pseudo_batches", "batch_size", "student_steps", "set"}
RUN = {"device", "out", "resume", "data", "teacher_path", "preprocess"}
FLAGS = {
    "zero-shot": RECIPE | RUN,
    "kd": (RECIPE | RUN) - {"generator"},
    "few-shot": ((RECIPE | RUN) - {"generator"}) | {"images_per_class", "without_teacher", "run"},
    "transition": {"run", "against", "data", "teacher_path", "device", "images"},
    "paper": {"only", "minutes", "data", "device", "out", "seed", "pseudo_batches"},
    "evaluate": {"run", "data", "teacher_path", "preprocess", "device"},
    "report": {"run", "data", "teacher_path", "preprocess", "device"},
    "export": {"run", "out", "data", "teacher_path", "preprocess"},
    "teacher": (RECIPE | RUN) - {"student", "generator", "student_steps", "teacher_path", "preprocess"},
    "simulate": {"out", "per_class", "seed"},
    "toy": {"seed", "pseudo_batches", "out"},
    "tables": {"run", "out"},
    "list": set(),
}
"""Which flags each mode reads: one that it does not is a mistake, not a silent wish."""


class Parser(argparse.ArgumentParser):
    """Mistakes in one line, like all others."""

    def error(self, message: str) -> NoReturn:
        print(f"train.py: {message}; see --help", file=sys.stderr)
        raise SystemExit(2)


def build_parser() -> Parser:
    """Build the parser of the command line, with the flags of all modes."""
    lines = "\n".join(f"  {mode:<11} {line}" for mode, line in MODES.items())
    parser = Parser(
        description="Distil a trained network into a small, fast one, with no data.",
        epilog=f"modes:\n{lines}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--mode", required=True, choices=list(MODES), help="see below", metavar="MODE")
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--preset", help="a named recipe; see --mode list")
    recipe.add_argument("--teacher", help="a teacher by name")
    recipe.add_argument("--student", help="a student by name")
    recipe.add_argument("--generator", help="a generator by name")
    recipe.add_argument("--seed", type=int, help="of every random stream")
    recipe.add_argument(
        "--iterations",
        "--pseudo-batches",
        dest="pseudo_batches",
        type=int,
        help="iterations; in mode teacher, epochs",
    )
    recipe.add_argument("--batch-size", type=int, help="samples a turn")
    recipe.add_argument("--student-steps", type=int, help="student steps a turn")
    recipe.add_argument("--set", action="append", metavar="NAME=VALUE", help="a field of zskt/config.py; repeatable")
    recipe.add_argument("--images-per-class", type=int, metavar="M", help="labelled samples a class; all without it")
    recipe.add_argument("--without-teacher", action="store_true", help="few-shot from labels alone")
    place = parser.add_argument_group("files and machine")
    place.add_argument("--teacher-path", type=Path, help="the teacher's file, instead of fetching it")
    place.add_argument(
        "--preprocess", type=Path, help="how a tagger from a file is fed: preprocess.json or weaver's YAML"
    )
    place.add_argument("--data", type=Path, help="jets: JetClass ROOT or JetClass-II parquet; images: a folder")
    place.add_argument("--out", type=Path, help="run folder, or the file that simulate writes")
    place.add_argument("--resume", action="store_true", help="continue the run in --out from its checkpoint")
    place.add_argument(
        "--run",
        type=Path,
        nargs="+",
        help="finished runs, for evaluate; one, to begin from, for few-shot; a folder of runs, for tables",
    )
    place.add_argument("--against", type=Path, help="another finished run, for transition")
    place.add_argument("--only", metavar="DATA", help="data set of mode paper, such as mnist")
    place.add_argument("--minutes", type=float, help="mode paper stops after so long, to go on another time")
    place.add_argument("--images", type=int, help="how many, for transition: 1000")
    place.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    place.add_argument("--per-class", type=int, default=1000, help="jets of each class, for simulate")
    return parser


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line; flags that were not given are None.

    Raises:
        SystemExit: with code 2 and one line, if a flag is unknown, unreadable, or of no use to the mode.
    """
    parser = build_parser()
    given = parser.parse_args(arguments)
    ignored = [
        f"--{name.replace('_', '-')}"
        for name, value in vars(given).items()
        if name != "mode" and value != parser.get_default(name) and name not in FLAGS[given.mode]
    ]
    if ignored:
        parser.error(f"--mode {given.mode} does not use {', '.join(ignored)}")
    return given


def main(arguments: list[str]) -> int:
    """Exit code: 0, 1 for a run that diverged, 2 for a user's mistake, 130 for an interruption."""
    given = parse(arguments)
    # After parsing: --help need not wait for torch.
    from zskt.cli.commands import COMMANDS
    from zskt.errors import UserError
    from zskt.losses import NonFiniteLoss

    try:
        COMMANDS[given.mode](given)
    except UserError as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    except NonFiniteLoss as error:
        print(f"train.py: stopped at {error}; no step was taken on it", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"train.py: {error.filename}: {error.strerror}; mend that, or choose another --out", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("train.py: interrupted; continue with the same command and --resume --out RUN_FOLDER", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
