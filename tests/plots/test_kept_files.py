"""Files beside a page: pictures, numbers, labels of experiments."""

from __future__ import annotations

import base64
from pathlib import Path

from matplotlib.figure import Figure

from zskt.plots.kept_files import Keeper, numbers, slug
from zskt.plots.plot import Panel, Plot, panel_axes


def plot(photograph: bool = False) -> Plot:
    axes = panel_axes()
    axes.plot([0, 1], [0, 1])
    figure = axes.figure
    assert isinstance(figure, Figure)
    return Plot("A |η| plot", (Panel("Hbb", figure, [{"x": 0.5, "y": float("nan")}]),), is_photograph=photograph)


def test_each_panel_has_vectors_and_numbers_and_the_page_the_picture(tmp_path: Path) -> None:
    (kept,) = Keeper(tmp_path / "report").keep([plot()])
    assert kept.anchor == "a-eta-plot" and kept.panels[0].name == "Hbb"
    assert [name for name, _ in kept.panels[0].links] == ["SVG", "PDF", "CSV"]
    contents = [(tmp_path / address).read_bytes() for _, address in kept.panels[0].links]
    assert b"<svg" in contents[0] and contents[1].startswith(b"%PDF") and contents[2] == b"x,y\n0.5,\n"
    kind, _, code = kept.panels[0].source.partition(",")
    assert kind == "data:image/svg+xml;base64" and base64.b64decode(code) == contents[0]


def test_the_same_plot_gives_the_same_files_and_old_ones_go(tmp_path: Path) -> None:
    Keeper(tmp_path / "report").keep([plot()])
    (tmp_path / "report" / "of-an-older-page.svg").write_text("")
    (tmp_path / "report" / "notes.txt").write_text("a user's own")
    before = {path.name: path.read_bytes() for path in (tmp_path / "report").glob("a-*")}
    Keeper(tmp_path / "report").keep([plot()])
    assert {path.name for path in (tmp_path / "report").iterdir()} == {*before, "notes.txt"}
    assert {name: (tmp_path / "report" / name).read_bytes() for name in before} == before


def test_labels_stand_on_plots_and_not_on_photographs(tmp_path: Path) -> None:
    for label, words in (("CMS Simulation", {"CMS", "Simulation"}), ("ATLAS Internal", {"ATLAS", "Internal"}),
                         ("Belle Simulation", {"Belle", "Simulation"})):  # fmt: skip
        shown = plot()
        Keeper(tmp_path / "report", label).keep([shown])
        texts = {text.get_text() for text in shown.panels[0].figure.axes[0].texts}
        assert words <= texts, texts
    shown = plot(photograph=True)
    Keeper(tmp_path / "report", "CMS Simulation").keep([shown])
    assert not shown.panels[0].figure.axes[0].texts


def test_photographs_are_pixels(tmp_path: Path) -> None:
    (kept,) = Keeper(tmp_path / "report").keep([plot(photograph=True)])
    assert kept.panels[0].source.startswith("data:image/png;base64,")


def test_numbers_and_names() -> None:
    assert numbers([{"a": 1, "b": 0.123456789}, {"a": 2, "c": None}]) == "a,b,c\n1,0.123457,\n2,,\n"
    assert slug("Student's scores against the teacher's, 1/ε_B") == "student-s-scores-against-the-teacher-s-1-b"


def test_tables_are_kept_as_csv(tmp_path: Path) -> None:
    address = Keeper(tmp_path / "report").table("Class by class", ["class", "AUC"], [["a, b", "0.5"]])
    assert (tmp_path / address).read_text() == 'class,AUC\n"a, b",0.5\n'
