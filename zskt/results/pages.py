"""Mode ``tables --out``: the pages of ``docs/results``, made of recorded results and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

from zskt.errors import UserError
from zskt.experiments.catalog import Catalog
from zskt.experiments.presets import TAGGER
from zskt.methods import METHODS
from zskt.results import ablation, paper_tables
from zskt.results.answers_picture import answers_picture
from zskt.results.compare.markdown import comparison_page, picture_of
from zskt.results.compare.recorded import read_comparisons, uncompared
from zskt.results.figures import pictures
from zskt.results.learning_curves import learning_picture, picture_name
from zskt.results.missing import MissingRuns
from zskt.results.published_methods import published_figures
from zskt.results.published_table import published_tables, sources
from zskt.results.records import Record, any_of_images, one_record_per_run, read_records
from zskt.results.rows import Row
from zskt.results.system_records import systems_tables
from zskt.results.tables import NO_TABLES, latency_table, preset_rows, preset_tables, toy_line, unjudged_line
from zskt.storage.files import write_text

MARK = "<!-- Made by `python train.py --mode tables --out FOLDER`; edits are lost. -->"
"""First line of a page, by which it is known to be ours."""
COLUMNS = (
    "A row is one recipe: mean ± standard deviation over its seeds. *Agreement* is the share of test samples on which "
    "the student has the teacher's top class; *teacher queries* counts the samples that the teacher was asked about; "
    "`data (kd)` and the other rows from data are the baseline."
)
JPEG_NOTE = (
    "Rows marked *(JPEG copy)* were made with a lossy copy of CIFAR-10. zskt reads the lossless images now, and new "
    "runs will replace these."
)
TITLES = {
    "jets": "Jets of the JetClass kind",
    "cms": "Taggers of CMS",
    "images": "Images",
    "vectors": "Tables of numbers",
    "paper": "The paper's tables",
    "ablations": "Ablations",
    "comparison-published": "Published figures beside ours",
    "systems": "Systems of the literature, repeated",
}
INTRODUCTIONS = {
    "jets": "These tables show how well a small student follows a jet tagger that it was distilled from without a "
    "single simulated jet. Students that learned from simulated jets stand beside it, and so do simpler generators.",
    "cms": "These tables show students of three taggers of CMS, distilled without jets, on simulated jets and on the "
    "few jets of CMS that are public. The last table says how much faster the exported students are in onnxruntime.",
    "images": "These tables show students of image classifiers that were distilled without a single real image. "
    "Students that learned from the real training images stand beside them, and the pictures below show what the "
    "students saw instead.",
    "vectors": "These tables show students of models of scikit-learn and LightGBM that were distilled from their ONNX "
    "files and the bounds of their features, beside students that learned from the models' own training samples. "
    "[This script](../how-to/scikit-learn.md#the-figures) makes the models and the tables of numbers.",
    "paper": "These tables set our runs beside the figures that Micaelli and Storkey published (arXiv:1905.09768). A "
    "cell without a run of ours says so, and its number leads to the command that makes the run.",
    "ablations": "This table shows what each ingredient of our recipe for MNIST is worth. Every row takes as many "
    "teacher queries and student steps as the first, to rounding, and leaves one ingredient out.",
    "systems": "These tables set published experiments of distillation beside ours, repeated in minutes by "
    "`python train.py --mode paper --only seeds`. What each system is for, and when not to use it, is said in "
    "[Systems](../explanation/systems.md).",
    "comparison-published": "These tables set our runs of other authors' methods, with the settings of paper or "
    "code as far as a recipe's remark says, and the student of the last step, beside what was published, in most "
    "cases of the best epoch on the test set. A cell without a run of ours says so, and its number leads to the "
    "command that makes the run, which wants a GPU.",
}
PICTURES = {
    "jets": ("answers",),
    "cms": ("answers",),
    "images": ("pseudo-images", "learning"),
    "paper": ("pairs", "few-shot", "transition", "toy"),
}
"""Page -> names of its pictures."""
CAPTIONS = {
    "answers": "Agreement and KL against answers of the teacher, with and without data",
    "pseudo-images": "Pseudo-images of generators that are not trained",
    "learning": "Agreement with the teacher on test images during the runs",
    "pairs": "Zero-shot accuracy, published and ours",
    "few-shot": "Accuracy against labelled images per class",
    "transition": "Transition curves between classes",
    "toy": "Decision boundaries of teacher and student in the plane",
}


def write_pages(folder: Path, out: Path, catalog: Catalog) -> None:
    """Write the pages and pictures of the runs in a folder; pages of an earlier call are renewed.

    Raises:
        UserError: if there is no run, none has a table, or ``out`` holds something else: nothing is overwritten.
    """
    _require_own(out)
    records, comparisons = read_records(folder), read_comparisons(folder)
    others = uncompared(records, comparisons)
    pages = render_pages(others, catalog, records)
    systems = systems_tables(folder)
    if systems:
        pages["systems"] = "\n\n".join([MARK, f"# {TITLES['systems']}", INTRODUCTIONS["systems"], *systems])
    figures = pictures(others, catalog)
    answers = answers_picture(preset_rows(others, catalog))
    figures |= {} if answers is None else {"answers": answers}
    for name, comparison in comparisons.items():
        groups = comparison.groups(records)
        if groups:
            picture = picture_of(groups)
            figures |= {} if picture is None else {name: picture}
            text = comparison_page(name, comparison, groups, with_picture=picture is not None)
            pages[name] = f"{MARK}\n\n{text}"
    for method in METHODS:
        picture = learning_picture(method, one_record_per_run(records))
        figures |= {} if picture is None else {picture_name(method).removesuffix(".png"): picture}
    if not pages and not figures:
        raise UserError(f"--run {folder}: {unjudged_line(records) or NO_TABLES}; nothing was written")
    out.mkdir(parents=True, exist_ok=True)
    for name, figure in figures.items():
        figure.savefig(out / f"{name}.png", dpi=100)
    toy = next((r.folder / "toy.png" for r in records if (r.folder / "toy.png").is_file()), None)
    if toy is not None:
        shutil.copy(toy, out / "toy.png")
    for page, text in pages.items():
        names = [name for name in PICTURES.get(page, ()) if name in figures or (name == "toy" and toy is not None)]
        images = [f"![{CAPTIONS[name]}]({name}.png)" for name in names]
        write_text(out / f"{page}.md", "\n\n".join([text, *images]) + "\n")


def _require_own(out: Path) -> None:
    """Raise `UserError` if a folder holds anything but pages of ours."""
    if not out.exists():
        return
    pages = [path for path in out.glob("*.md") if path.stem in TITLES]
    foreign = [path for path in pages if not path.read_text().startswith(MARK)]
    if not out.is_dir() or foreign or (any(out.iterdir()) and not pages):
        raise UserError(f"--out {out}: is not a folder of tables; name another, nothing is overwritten")


def render_pages(records: list[Record], catalog: Catalog, every: list[Record] | None = None) -> dict[str, str]:
    """Return the text of each page by name, pictures left out; a page without a table is not there.

    The experiments that publications are repeated in are of images: who has run none of images gets none of these.

    Args:
        records: runs that are in no comparison.
        every: all runs, for figures beside those of publications; ``records`` if it is None.
    """
    missing, published_missing = MissingRuns(), MissingRuns()
    every = records if every is None else every
    rows, of_images = preset_rows(records, catalog), any_of_images(every)
    published = [
        *published_tables(every, published_missing, catalog),
        f"Published figures were read in:\n\n{sources(list(published_figures()))}",
        published_missing.folded(),
    ]
    tables = {
        "jets": preset_tables(row for row in rows if _page(row) == "jets"),
        "cms": [*preset_tables(row for row in rows if _page(row) == "cms"), latency_table(records)],
        "images": preset_tables(row for row in rows if _page(row) == "images"),
        "vectors": preset_tables(row for row in rows if _page(row) == "vectors"),
        "paper": [
            *(paper_tables.tables(records, missing, catalog) if of_images else []),
            toy_line(records),
            missing.folded(),
        ],
        "ablations": _ablations(records, catalog) if of_images else [],
        "comparison-published": published if of_images else [],
    }
    pages = {}
    for page, parts in tables.items():
        parts = [part for part in parts if part]
        notes = [COLUMNS] if page in ("jets", "cms", "images", "vectors") else []
        notes += [JPEG_NOTE] if any("(JPEG copy)" in part for part in parts) else []
        if parts:
            pages[page] = "\n\n".join([MARK, f"# {TITLES[page]}", INTRODUCTIONS[page], *notes, *parts])
    return pages


def _page(row: Row) -> str:
    """Return the page of a preset's table."""
    if row.data.unit in ("image", "vector"):
        return f"{row.data.unit}s"
    return "cms" if row.recipe.preset == TAGGER.preset else "jets"


def _ablations(records: list[Record], catalog: Catalog) -> list[str]:
    """Return the table of ablations, and the commands of its missing rows."""
    missing = MissingRuns()
    return [ablation.ablation_table(records, missing, catalog), missing.folded()]
