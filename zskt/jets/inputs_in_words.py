"""What a tagger is fed, in words: what `--mode inspect` prints, and a run at its start."""

from __future__ import annotations

from zskt.jets.preprocess import in_words
from zskt.jets.tagger_inputs import TaggerInputs


def describe(inputs: TaggerInputs) -> str:
    """Say what becomes of each variable in pseudo-jets, a line each, for the start of a run."""
    selection = inputs.selection
    lines = [
        f"pseudo-jets: radius {selection.radius:g}, {selection.pt_low:g} to {selection.pt_high:g} GeV, "
        f"|eta| < {selection.eta_max:g} (--set radius, pt_low, pt_high)"
    ]
    if inputs.selection_reason:
        lines.append(inputs.selection_reason)
    for role in inputs.roles:
        group = role.group
        kind = role.kind.replace("_", " ") + (f" with {' or '.join(role.only)}" if role.only else "")
        shape = f", {in_words(group.layout)}" if group.layout else ""
        shape += ", one jet a call" if group.layout and "B" not in group.layout else ""
        lines.append(f"{group.name}: {kind}, {group.min_length} to {group.max_length}{shape}")
        if role.is_plain_mask:
            lines[-1] += ", 1 = padding" if role.is_one_for_padding else ", 1 = real"
            continue
        reasons = role.reasons or ("",) * len(group.names)
        for variable, definition, reason in zip(group.variables, role.definitions, reasons, strict=True):
            because = f"not known: {reason}, " if reason else "not known: "
            words = f"{because}drawn from a learned bounded distribution"
            if definition is not None:
                words = definition.words + (", a whole number" if definition.is_integer else "")
            prepared = variable.in_words
            lines.append(f"  {variable.name:<32} {words}" + (f"; {prepared}" if prepared else ""))
    return "\n".join(lines)
