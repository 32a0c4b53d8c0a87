"""Build the network of a file that holds parameters alone, from an architecture that the user names.

The architecture is code, and it is run because the user names it: a class of an installed package
(``weaver.nn.model.ParticleTransformer``, ``package.module:Class``), or a file of the user's (``network.py``) with
weaver's ``get_model(data_config, **options)``, or a class or function in it (``network.py:Net``).
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from torch import Tensor, nn

from teachers.forward_arguments import Called, match_arguments
from teachers.weaver_options import read_options
from zskt.errors import UserError
from zskt.jets.preprocess import Preprocess

WRAPPERS = ("mod", "module", "_orig_mod", "model", "net", "network")
"""Names that training scripts put before those of all parameters."""
UNUSED = ("_counter", "num_batches_tracked")
"""Last words of buffers that change no answer."""
WEAVER = "get_model"
"""Function of weaver's network configurations."""
OPTIONS_WORDS = "give --architecture-options '{...}' as the network was trained with"


def build_network(
    architecture: str, options: Mapping[str, Any], preprocess: Preprocess, state: Mapping[str, Tensor]
) -> Called:
    """Build an untrained network that is called with the inputs of a description, in their order.

    Args:
        architecture: a dotted path of a module, or ``module:Class``, or a file, or ``file.py:name``.
        options: arguments of its constructor; sizes that they leave out are read off ``state`` and ``preprocess``.
        preprocess: the inputs and outputs.
        state: the parameters that it is to hold.

    Raises:
        UserError: if there is no such code, it does not run, or takes other inputs.
    """
    module, name, where = _import(architecture)
    if name is None and hasattr(module, WEAVER):
        name = WEAVER
    if name == WEAVER:
        network = _call(getattr(module, WEAVER), (weaver_configuration(preprocess),), options, where)
        network = network[0] if isinstance(network, tuple) else network
        return Called(_require_module(network, where), tuple(range(len(preprocess.groups))))
    builders = _classes(module, where) if name is None else [_named(module, name, where)]
    network = _first_that_fits(builders, options, preprocess, state, where)
    return match_arguments(network, preprocess.groups, where)


def build_plain(architecture: str, options: Mapping[str, Any], state: Mapping[str, Tensor]) -> Called:
    """Build an untrained network of one input, images or vectors, that is called with it.

    Args:
        architecture: as `build_network` has it; where it names no class, the network with most of ``state``'s names.
        options: arguments of its constructor.
        state: the parameters that it is to hold.

    Raises:
        UserError: if there is no such code, or it does not run.
    """
    module, name, where = _import(architecture)
    builders = _networks(module) if name is None else [_named(module, name, where)]
    if not builders:
        raise UserError(f"{where}: defines no torch.nn.Module; name what builds the network, as file.py:function")
    return Called(_first_that_fits(builders, options, None, state, where), (0,))


def load_state(network: Called, state: Mapping[str, Tensor], path: Path) -> None:
    """Load parameters into a network, whatever a training script put before their names.

    Raises:
        UserError: if they are another network's: the message names the first difference.
    """
    inner = network.network
    renamed = _renamed(inner, state)
    try:
        result = inner.load_state_dict(renamed, strict=False)
    except RuntimeError as error:
        lines = str(error).splitlines()
        first = " ".join((lines[1] if len(lines) > 1 else lines[0]).split())[:200]
        raise UserError(f"{path}: is not of the named architecture ({first}); {OPTIONS_WORDS}") from error
    missing = [name for name in result.missing_keys if not name.endswith(UNUSED)]
    unexpected = [name for name in result.unexpected_keys if not name.endswith(UNUSED)]
    if missing or unexpected:
        which = f"it lacks {missing[0]}" if missing else f"it has {unexpected[0]} beyond it"
        raise UserError(
            f"{path}: is not of the named architecture ({which}, {len(missing) + len(unexpected)} names differ); "
            f"{OPTIONS_WORDS}"
        )


def _prefix(names: Sequence[str]) -> str:
    """Return the wrappers' names that all parameters have in front: "module.mod."."""
    prefix = ""
    while names:
        first = names[0].removeprefix(prefix).partition(".")[0]
        longer = f"{prefix}{first}."
        if first not in WRAPPERS or not all(name.startswith(longer) for name in names):
            break
        prefix = longer
    return prefix


def plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return parameters without the wrappers' names that all of them have in front."""
    prefix = _prefix(list(state))
    return {name.removeprefix(prefix): value for name, value in state.items()}


def _renamed(network: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return parameters under the names that a network has for them."""
    prefix = _prefix(list(network.state_dict()))
    return {prefix + name: value for name, value in plain_names(state).items()}


def _import(architecture: str) -> tuple[ModuleType, str | None, str]:
    """Import the code that the user named: the module, the name in it if one is given, and what to call it."""
    place, _, name = architecture.partition(":")
    where = f"--architecture {architecture}"
    if place.endswith(".py"):
        return _import_file(Path(place), where), name or None, where
    try:
        return importlib.import_module(place), name or None, where
    except ModuleNotFoundError as error:
        parent, _, last = place.rpartition(".")
        if parent and error.name == place:  # package.module.Class
            module = _import(parent)[0]
            if hasattr(module, last):
                return module, name or last, where
        root = str(error.name).split(".")[0]
        package = "weaver-core" if root == "weaver" else root
        remedy = f"pip install {package}" if error.name == root else "give package.module:Class or a .py file"
        raise UserError(f"{where}: no module {error.name}; {remedy}") from error
    except Exception as error:  # the code of a package raises whatever it does
        raise UserError(f"{where}: cannot be imported ({_short(error)}); mend it, or give a .py file") from error


def _import_file(path: Path, where: str) -> ModuleType:
    if not path.is_file():
        raise UserError(f"{where}: no such file; give the .py that builds the network")
    name = f"_zskt_architecture_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up there
    sys.path.insert(0, str(path.resolve().parent))  # it may import its neighbours
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # code of the user's raises whatever it does
        raise UserError(f"{where}: cannot be imported ({_short(error)}); run it in Python by itself first") from error
    finally:
        sys.path.pop(0)
    return module


def _named(module: ModuleType, name: str, where: str) -> Callable[..., Any]:
    builder = getattr(module, name, None)
    if not callable(builder):
        known = ", ".join(kind.__name__ for kind in _networks(module))
        raise UserError(f"{where}: has no class or function {name}; it has {known or 'none'}")
    return builder  # type: ignore[no-any-return]


def _networks(module: ModuleType) -> list[type[nn.Module]]:
    """Return the networks that a module defines, or that its package imports, those of its own name first."""
    found = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, nn.Module) and kind.__module__.startswith(module.__name__)
    ]
    last = module.__name__.rpartition(".")[2]
    return sorted(found, key=lambda kind: kind.__name__ != last)


def _classes(module: ModuleType, where: str) -> list[Callable[..., Any]]:
    """Return the classes of a module that say how many classes of jets they tell apart, else all of its networks."""
    found = _networks(module)
    taggers = [kind for kind in found if "num_classes" in inspect.signature(kind).parameters]
    if not taggers and len(found) != 1:
        known = ", ".join(kind.__name__ for kind in found)
        remedy = f"say which: {known}" if found else "give a file with get_model, or name a class"
        raise UserError(f"{where}: does not say which network; {remedy} (as file.py:Class or package.module:Class)")
    return list(taggers or found)


def _first_that_fits(
    builders: Sequence[Callable[..., Any]],
    options: Mapping[str, Any],
    preprocess: Preprocess | None,
    state: Mapping[str, Tensor],
    where: str,
) -> nn.Module:
    """Build the first network whose parameters have the names in ``state``, else the one that has most of them.

    Args:
        preprocess: from which missing sizes are read; None of a network of one input, whose sizes are its own.
    """
    wanted, refusal = set(plain_names(state)), None
    built: list[tuple[int, nn.Module]] = []
    for builder in builders:
        signature = inspect.signature(builder).parameters
        anything = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.values())
        unknown = [name for name in options if name not in signature and not anything]
        read = {} if preprocess is None else read_options(set(signature), plain_names(state), preprocess)
        try:
            if unknown:
                raise UserError(f"{where}: takes no {unknown[0]}; it takes {', '.join(signature)}")
            network = _require_module(_call(builder, (), read | dict(options), where), where)
        except UserError as error:
            refusal = refusal or error
            continue
        names = {n for n in plain_names(network.state_dict()) if not n.endswith(UNUSED)}
        built.append((len(names ^ {n for n in wanted if not n.endswith(UNUSED)}), network))
        if built[-1][0] == 0:
            break
    if not built:
        assert refusal is not None
        raise refusal
    return min(built, key=lambda pair: pair[0])[1]


def _call(builder: Callable[..., Any], arguments: Sequence[Any], options: Mapping[str, Any], where: str) -> Any:
    try:
        return builder(*arguments, **options)
    except Exception as error:  # code of the user's raises whatever it does
        raise UserError(f"{where}: cannot be built ({_short(error)}); {OPTIONS_WORDS}") from error


def _require_module(network: Any, where: str) -> nn.Module:
    if not isinstance(network, nn.Module):
        raise UserError(f"{where}: gives {type(network).__name__}, no torch.nn.Module; name what builds the network")
    return network


def weaver_configuration(preprocess: Preprocess) -> SimpleNamespace:
    """Return what weaver's ``get_model`` asks its data configuration: inputs, their variables and shapes, labels."""
    return SimpleNamespace(
        input_names=tuple(group.name for group in preprocess.groups),
        input_dicts={group.name: list(group.names) for group in preprocess.groups},
        input_shapes={group.name: (-1, len(group.variables), group.max_length) for group in preprocess.groups},
        label_names=("_label_",),
        label_value=list(preprocess.outputs),
        label_type="simple",
        observer_names=(),
        monitor_variables=(),
    )


def _short(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:160]
