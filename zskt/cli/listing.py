"""``--mode list``: everything that can be chosen, by domain, and what the words of tables mean; torch is not needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zskt.errors import UserError
from zskt.markdown import integer

if TYPE_CHECKING:
    from zskt.experiments.catalog import Catalog

KINDS = ("teachers", "students", "views", "variations", "generators", "presets", "methods", "recipes")
FLAGS = {"views": "--view: what a student sees of a sample", "variations": "--vary: how samples change"}
"""Kind -> the flag that takes its entries, where that is not called as they are."""
SHIPS, FETCHED, TRAINED, GIVEN = "ships", "fetched", "trained by you", "from a path"
"""Where a teacher's file is."""
FIGURES = {
    "accuracy": "share of samples whose label, the truth, is the network's top class; of labels, of decisions",
    "AUC": "area under the ROC curve against the truth, one class against the rest, averaged over classes",
    "agreement": "share of samples with the same top class of both networks, right or wrong; of labels, of decisions",
    "KL": "mean KL(teacher || student) of the class probabilities, in nats per sample: 0 where both are alike",
    "ECE": "expected calibration error: how far the probability of the top class is from how often it is right",
    "ms": "milliseconds per sample of the network in PyTorch on this machine, 256 samples at a time",
    "parameters": "numbers that the network consists of, as published",
    "queries": "samples that the method asked the teacher about; those of evaluations are not counted",
    "steps": "steps of the student's optimizer",
    "loss": "what the student minimises, on pseudo-samples or training samples",
    "iteration": "one round of the method: a generator step, then the student's steps on its pseudo-samples",
    "pseudo-samples": "samples that a generator makes; nobody simulated or measured them",
}
"""Word of a table or of a run's progress -> what it means."""


def facts(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """Collect what the list says of entries beside their summaries: domain, parameters, licence, where the file is."""
    from zskt.domains import DOMAINS
    from zskt.errors import UserError
    from zskt.networks.students import count_parameters
    from zskt.viewed import described

    def parameters(card: Any) -> int | None:
        try:
            return count_parameters(card.build())
        except UserError:  # known when its file is there
            return None

    cards = {card.domain: card for card in [*catalog.teachers.values()][::-1]}
    return {
        "teachers": {
            name: {
                "domain": card.domain,
                "parameters": parameters(card),
                "licence": card.licence.partition(":")[0],
                "file": _place(card),
            }
            for name, card in catalog.teachers.items()
        },
        "students": {
            name: {"domain": entry.domain}
            | (
                {"parameters": count_parameters(entry.build(card.inputs, len(card.classes))), "beside": card.name}
                if (card := cards.get(entry.domain)) is not None
                else {}
            )
            for name, entry in catalog.students.items()
        },
        "views": {
            described(kind)[0]: {"domain": name} for name, domain in DOMAINS.items() for kind in domain.views.values()
        },
        "variations": {of: {"domain": name} for name, domain in DOMAINS.items() for of in domain.variations},
        "generators": {name: {"domain": entry.domain} for name, entry in catalog.generators.items()},
        "presets": {
            name: {"domain": catalog.teachers[config.teacher].domain}
            if config.teacher
            else {"domain": catalog.generators[config.generator].domain if config.generator else ""}
            for name, config in catalog.presets.items()
        },
    }


def _place(card: Any) -> str:
    if getattr(card, "bundled_file", None) is not None:
        return SHIPS
    if getattr(card, "url", None) is not None:
        return FETCHED
    return TRAINED if card.training_preset is not None else GIVEN


def list_names(names: Mapping[str, Mapping[str, Any]], words: Sequence[str] = ()) -> str:
    """Return what ``--mode list`` prints.

    Args:
        words: all of them are in each entry that is listed: in its name, kind, domain, licence or summary.

    Raises:
        UserError: if nothing is left.
    """
    lines: list[str] = []
    for domain in (*names["domains"], ""):  # empty: of no domain
        for kind in KINDS:
            lines += _section(names, kind, domain, words)
    width = max(map(len, FIGURES))
    meant = [f"  {w:<{width}}  {m}" for w, m in FIGURES.items() if _has(f"figures {w} {m}", words)]
    lines += ["figures:", *meant] if meant else []
    if not lines:
        raise UserError(f"--mode list {' '.join(words)}: nothing has these words; --mode list alone shows everything")
    return "\n".join(lines)


def _section(names: Mapping[str, Any], kind: str, domain: str, words: Sequence[str]) -> Iterator[str]:
    """Yield the entries of a kind and a domain below their head, in columns; nothing if there are none."""
    about: Mapping[str, Any] = names["about"].get(kind, {})
    rows = []
    for name, summary in names[kind].items():
        fact = about.get(name, {})
        if fact.get("domain", "") != domain:
            continue
        cells = [name]
        if kind in ("teachers", "students"):
            count = fact.get("parameters")
            cells.append(integer(count) if count is not None else "?")
        if kind == "teachers":
            cells += [fact.get("licence", ""), fact.get("file", "")]
        if _has(f"{kind} {domain} {' '.join(map(str, fact.values()))} {name} {summary}", words):
            rows.append([*cells, summary])
    if not rows:
        return
    yield f"{domain}{domain and ': '}{kind}{_columns(kind, [about.get(row[0], {}) for row in rows])}:"
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for *cells, summary in rows:
        padded = [c.rjust(w) if i == 1 else c.ljust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        yield "  " + "  ".join([*padded, summary])


def _columns(kind: str, facts: Sequence[Mapping[str, Any]]) -> str:
    """Say what the columns of a kind are."""
    if kind == "teachers":
        return " (parameters, ? until its file is here; licence; file; any other from a path: --teacher-path)"
    if kind in FLAGS:
        return f" ({FLAGS[kind]})"
    beside = sorted({str(fact["beside"]) for fact in facts if "beside" in fact})
    return f" (parameters beside {', '.join(beside)})" if beside else ""


def _has(text: str, words: Sequence[str]) -> bool:
    text = text.casefold()
    return all(word.casefold() in text for word in words)
