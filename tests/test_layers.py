"""Imports run down only: the library knows no teacher and no generator by name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FLOORS = (
    {"__main__", "__init__"},
    {"cli"},
    {"cluster"},
    {"systems"},
    {"api", "saved"},
    {"judged"},
    {"call_checks"},
    {"export", "results"},
    {"experiments"},
    {"domains", "networks", "simulation"},
    {"methods"},
    {"jets", "images", "vectors", "frames"},
    {"arguments", "class_metrics", "robustness"},
    {"metrics", "iterated", "synthesis", "curriculum"},
    {"terms"},
    {"optim"},
    {"losses", "shard_stream", "shards", "replay"},
    {"forward", "generator", "bn_statistics", "onnx_runtime"},
    {"class_labels"},
    {"dataset", "padding", "ensemble", "viewed"},
    {"contracts"},
    {
        "checkpoint",
        "gaussian",
        "outputs",
        "plots",
        "probabilities",
        "query_budget",
        "settings",
        "storage",
        "teacher_access",
        "markdown",
        "number_types",
    },
    {"allocator", "cuda_graphs", "device"},
    {"parallel"},
    {"errors", "terminal"},
)
"""Rooms of ``zskt/``, from the roof to the ground; a room imports from its own floor and those below."""
ROOTS = {"zskt/__main__.py", "zskt/__init__.py"}
"""Where the shelves are joined with the library."""
SHELVES_SEE = {"contracts", "errors", "frames", "gaussian",
               "generator", "iterated", "images", "jets", "networks", "number_types", "onnx_runtime", "outputs",
               "probabilities", "storage", "terminal", "vectors"}  # fmt: skip
"""Rooms of the library that teachers and generators may use."""


def imports(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports, wherever it does; those for type checking are no dependence."""
    tree = ast.parse(path.read_text())
    hidden = {
        id(child)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.ImportFrom) and node.module == "zskt":
            yield from (f"zskt.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(module: str) -> str:
    """The room of a module of the library: "zskt.jets.axis" -> "jets"."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def files(package: str) -> list[tuple[Path, str]]:
    paths = sorted((ROOT / package).rglob("*.py"))
    return [(path, path.relative_to(ROOT).as_posix()) for path in paths]


def test_only_the_composition_root_knows_the_shelves() -> None:
    for path, name in files("zskt"):
        shelves = [m for m in imports(path) if m.split(".")[0] in ("teachers", "generators")]
        assert not shelves or name in ROOTS, f"{name} imports {shelves}"


def test_imports_of_the_library_run_down() -> None:
    floor = {name: i for i, names in enumerate(FLOORS) for name in names}
    for path, name in files("zskt"):
        mine = room(name.removesuffix(".py").replace("/", "."))
        for module in imports(path):
            if module.split(".")[0] == "zskt" and name not in ROOTS:
                assert floor[room(module)] >= floor[mine], f"{name} imports {module}, which is above it"


def test_shelves_use_the_ground_of_the_library_and_not_each_other() -> None:
    for package, other in (("teachers", "generators"), ("generators", "teachers")):
        for path, name in files(package):
            for module in imports(path):
                assert module.split(".")[0] != other, f"{name} imports {module}"
                if module.split(".")[0] == "zskt":
                    assert room(module) in SHELVES_SEE, f"{name} imports {module}"


def test_every_room_has_a_floor() -> None:
    rooms = {p.stem for p in (ROOT / "zskt").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()}
    assert rooms == set().union(*FLOORS)
