"""The modes of the command line, and which flags each reads.

Nothing here imports torch: ``--help``, ``--mode list`` and a user's mistake answer at once.
"""

from __future__ import annotations

from dataclasses import dataclass

RECIPE = (
    "preset",
    "teacher",
    "student",
    "view",
    "generator",
    "method",
    "seed",
    "iterations",
    "batch_size",
    "student_steps",
    "teacher_access",
    "queries",
    "set",
)
TEACHER_FILES = (
    *("teacher_path", "preprocess", "layout", "architecture", "architecture_options"),
    *("input_shape", "mean", "std", "classes", "inputs", "trust_teacher"),
)
RUN = ("device", "out", "resume", "data", *TEACHER_FILES)
WATCHED = ("without_evaluation", "logger")
CLUSTER = ("cluster", "site", "workers")
FINISHED = ("run", "data", "teacher_path", "preprocess", "trust_teacher", "device")


@dataclass(frozen=True)
class Mode:
    """A mode of the command line."""

    summary: str
    flags: tuple[str, ...]
    """Flags that the mode reads; any other is an error."""
    required: tuple[str, ...] = ()
    """Flags that it cannot do without."""


TAKES_ENSEMBLES = ("zero-shot", "kd", "few-shot", "sweep", "compare")
"""Modes whose teacher may be several networks."""
REMEDIES = {
    "run": "say which run: --run runs/NAME",
    "only": "say for which data: --only mnist",
    "out": "say where to write: --out PATH",
    "presets": "say which recipes: --presets NAME NAME",
}
"""What to say where a required flag is missing."""


def _without(flags: tuple[str, ...], *left_out: str) -> tuple[str, ...]:
    return tuple(flag for flag in flags if flag not in left_out)


MODES: dict[str, Mode] = {
    "zero-shot": Mode("distil a teacher into a student with no data", (*RECIPE, *RUN, "run", *WATCHED)),
    "kd": Mode("distil with data: the baseline",
               (*_without(RECIPE + RUN, "generator", "method"), "run", *WATCHED)),
    "few-shot": Mode(
        "distil with labelled samples, all or M of each class, or fine-tune a zero-shot student on them",
        (*_without(RECIPE + RUN, "generator", "method"), "samples_per_class", "without_teacher", "run", "logger"),
    ),
    "compress": Mode(
        "make the student of a finished run smaller, and let the same game heal it, with no data",
        ("run", "channels", "rank", "bits", "sparsity",
         *_without(RECIPE + RUN, "preset", "teacher", "student", "view", "generator", "method", "teacher_access"),
         *WATCHED),
        ("run",),
    ),
    "teacher": Mode(
        "train a teacher that nobody publishes",
        _without(
            (*RECIPE, *RUN, "logger"), "student", "view", "generator", "method", "student_steps", "teacher_access",
            "queries",
            *TEACHER_FILES,
        ),
    ),
    "inspect": Mode(
        "say what is understood of a teacher: inputs, layouts, classes, gradients",
        ("teacher", *TEACHER_FILES, "set"),
    ),
    "fetch": Mode("fetch what a teacher or a preset needs, for machines without a network", ("teacher", "preset")),
    "evaluate": Mode("metrics of finished runs on other data", (*FINISHED, "format", "vary"), ("run",)),
    "report": Mode("one HTML page on a finished run, or on several side by side",
                   (*FINISHED, "out", "experiment_label"), ("run",)),
    "explain": Mode(
        "what a teacher looks at: the functions of additive students, on one page", (*FINISHED, "out"), ("run",)
    ),
    "view": Mode("pages of all runs in a folder, for a browser of this machine: view runs/", ("port",)),
    "export": Mode(
        "a finished run's student as ONNX and int8",
        ("run", "out", "data", "teacher_path", "preprocess", "trust_teacher"),
        ("run", "out"),
    ),
    "transition": Mode(
        "transition curves of image networks between classes",
        ("run", "against", "data", "teacher_path", "trust_teacher", "device", "images"),
        ("run",),
    ),
    "simulate": Mode("make jets with Pythia 8 and FastJet", ("out", "per_class", "seed"), ("out",)),
    "paper": Mode("all runs behind the paper's tables, in pieces",
                  ("only", "minutes", "data", "device", "out", "seed", "iterations"), ("only",)),
    "answers": Mode(
        "ask a teacher about samples of a prior, in shards that mode kd learns from",
        ("preset", "teacher", "generator", "seed", "set", *TEACHER_FILES, "device", "out",
         "samples", "shard_size", "shard", *CLUSTER),
        ("out",),
    ),
    "sweep": Mode(
        "many runs on one machine or on a cluster, by Dask: presets, methods and seeds",
        ("presets", "methods", "seeds", *_without(RECIPE + RUN, "preset", "method", "seed", "resume"), "logger",
         *CLUSTER),
        ("presets", "out"),
    ),
    "compare": Mode(
        "methods on one teacher and student at equal cost, or finished runs, on one page",
        tuple(dict.fromkeys((
            "methods", "seeds", "budget_minutes", "queries", "training_data", "run", "experiment_label", "logger",
            *_without(RECIPE + RUN, "method", "seed", "iterations", "resume"),
        ))),
    ),
    "toy": Mode("the algorithm in the plane, with pictures of decision boundaries", ("seed", "iterations", "out")),
    "record": Mode("add finished runs to the recorded results, small", ("run", "out"), ("run",)),
    "tables": Mode("tables and result pages from recorded results", ("run", "out")),
    "list": Mode("everything that can be chosen, and what figures mean; with words, what has them: list cms", ()),
}  # fmt: skip


WORDS = ("list", "view")
"""Modes that take words without a flag."""
