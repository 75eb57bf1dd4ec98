"""Drawn figures: the same bytes, the right marks, every name as text, and readable where there are many."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas

from analysis import read_results, sections
from analysis.figures import score_figure
from analysis.figures.model import Drawing, Figure
from analysis.nights.drift import SERIES
from bench.records import METRICS, Informativeness
from bench.store import Store
from reports.figures import draw, style
from reports.figures.effects import forest
from reports.figures.leaders import effect_map
from reports.figures.rounds import learning_curves, positives_found
from reports.figures.style import NARROW, SMALLEST, WIDE, looks, several_looks
from reports.figures.svg import slim
from reports.figures.tallies import win_tie_loss

HOSTILE = '<script>alert(1)</script> & $x_{1}$ 50% #~^\\ [red]"|` _'


def measured(run, base):
    found = Informativeness(pairwise=(None, base), to_start=(base, base / 2))
    return run.model_copy(update={"informativeness": found})


def with_scores(run):
    p = np.linspace(0, 1, 200) ** 2
    rows = tuple(np.histogram(p, 60, (0, 1))[0].tolist())
    first = run.rounds[1].model_copy(
        update={"pool_p": rows, "pool_w": tuple(np.array(rows) / 200), "selected_p": (0.1, 0.9)}
    )
    return run.model_copy(update={"rounds": (run.rounds[0], first, *run.rounds[2:])})


@pytest.fixture(scope="module")
def figures(tmp_path_factory, factory):
    """All kinds of figure, of two ratios, two tasks, three seeds, two algorithms, three weightings; by drawing."""
    store = Store(tmp_path_factory.mktemp("figures") / "s", create=True)
    for number, weighting in enumerate(("uniform", "posprob", "invprop")):
        for ratio, seed, positive in ((r, s, p) for r in (10, 50) for s in range(3) for p in ("Sports", "World")):
            for algorithm in ("random", "badge"):
                value = 0.6 + 0.02 * number * (seed + 1) + 0.01 * len(algorithm) + 0.001 * ratio
                where = {"seed": seed, "ratio": ratio, "positive": positive}
                run = factory.a_run(algorithm, weighting, auc=value, positives_ratio=value - 0.5, **where)
                store.write(measured(run, value))
    results = read_results(store)
    one = score_figure(with_scores(factory.a_run("random", "invprop")))
    night = Figure("nights", "nights", "Nights", "Nights.", {"points": some_nights()})
    between = Figure("margins", "margins", "Margins", "Margins.", {"metrics": some_verdicts()})
    return {figure.drawing: figure for figure in (*sections(results)[0].figures, one, night, between)}


def some_verdicts():
    """Where two metrics stand, as ``analysis.gate.margins`` hands them over: one interval is open above."""
    rows = [
        ("auc", 0.02, 0.004, -0.01, 0.018, 0.95, "equivalent"),
        ("balanced_accuracy", 0.0, -0.1, -0.2, np.nan, 0.95, "worse"),
    ]
    return pd.DataFrame(rows, columns=["metric", "margin", "mean", "low", "high", "coverage", "standing"])


def some_nights():
    """Three nights of two comparisons, as ``analysis.nights.series`` returns them."""
    rows = [
        ("gate", name, metric, f"2026-11-0{night}", 0.01 * night, 0.01 * night - 0.02, 0.01 * night + 0.02, 0.0, state)
        for name in ("badge+invprop", "random+uniform")
        for metric in METRICS
        for night, state in enumerate(("", "outside", "drift"), 1)
    ]
    return pd.DataFrame(rows, columns=SERIES)


@pytest.fixture(scope="module")
def whole() -> list[bytes]:
    """The SVGs of ``drawn`` before they were made slim, in its order."""
    return []


@pytest.fixture(scope="module")
def drawn(figures, whole):
    """The files of each figure."""

    def seen(svg: bytes) -> bytes:
        whole.append(svg)
        return slim(svg)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.figures.style.slim", seen)
        return {name: draw(figure) for name, figure in figures.items()}


def text_of(svg: bytes) -> str:
    """Return all text of an SVG, its lines joined by blanks."""
    root = ET.fromstring(svg)  # noqa: S314 - drawn here
    return " ".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


LABELS = {
    "curves": ["BADGE", "Random", "InvProp", "PosProb", "Uniform", "Positives ratio", "difference", "rows labelled"],
    "positives": ["BADGE", "uniform random draw", "ceiling", "positives found", "rows selected"],
    "ratios": ["All algorithms", "BADGE", "InvProp − Uniform", "InvProp − PosProb", "1/10", "1/50"],
    "forest": ["ag_news", "Sports", "World", "these tasks", "new tasks", "ROC-AUC", "InvProp − Uniform"],
    "wins": ["BADGE", "win", "tie", "loss", "6", "InvProp against Uniform", "pairs"],
    "standing": ["Random+InvProp  1", "mean rank", "seconds a run", "ROC-AUC"],
    "best": ["Random+InvProp", "Random+Uniform", "rows labelled", "ROC-AUC"],
    "effect-map": ["BADGE+InvProp", "Sports", "World"],
    "matrix": ["Random+InvProp  1", "BADGE+Uniform  6"],
    "informativeness": ["BADGE", "InvProp", "between two selected positives", "mean cosine distance"],
    "times": ["BADGE, InvProp", "Random, Uniform", "fit", "select", "seconds per run"],
    "nights": ["badge+invprop", "ROC-AUC", "11-02", "steady", "outside", "drift", "reference", "candidate − baseline"],
    "margins": ["ROC-AUC: equivalent", "Balanced accuracy: worse", "95.0% interval", "−0.02", "+0.02"],
    "scores": ["round 1", "rows of the pool", "share of the weight", "probability of the positive class"],
}


def test_there_is_a_test_for_every_drawing(figures):
    assert set(LABELS) == set(figures) == set(Drawing.__args__)


@pytest.mark.parametrize("drawing", ["wins", "curves", "scores"])
def test_a_figure_is_the_same_bytes_twice(figures, drawn, drawing):
    assert draw(figures[drawing]) == drawn[drawing]


@pytest.mark.parametrize("drawing", LABELS)
def test_a_figure_says_what_it_shows(drawn, drawing):
    first = drawn[drawing]
    assert first["pdf"].startswith(b"%PDF")
    assert b"CreationDate" not in first["pdf"]
    assert b"Date" not in first["svg"]
    text = text_of(first["svg"])
    assert [label for label in LABELS[drawing] if label not in text] == []
    assert "\\" not in text  # a formatter's TeX, which is not parsed


def test_each_file_takes_one_pass_over_the_figure(figures, monkeypatch):
    passes, whole = [], Canvas.draw
    monkeypatch.setattr(Canvas, "draw", lambda *given: (passes.append(1), whole(*given)))
    draw(figures["wins"])
    assert len(passes) == 2


def test_figures_of_other_names_share_no_ids(figures, drawn):
    other = draw(replace(figures["forest"], name="another"))["svg"]
    ids = [set(re.findall(rb'id="([^"]*)"', svg)) for svg in (other, drawn["forest"]["svg"])]
    assert len(ids[0]) > 5
    assert not ids[0] & ids[1]


@pytest.mark.parametrize("drawing", LABELS)
def test_an_svg_fits_a_page_and_lets_its_colours_show(drawn, drawing):
    svg = drawn[drawing]["svg"].decode()
    width, height = (float(re.search(rf'{side}="([\d.]+)pt"', svg).group(1)) / 72 for side in ("width", "height"))
    assert width == pytest.approx(WIDE)
    assert height < 9
    corners = [f"{72 * side:g}".rstrip("0").rstrip(".") for side in (width, height)]
    assert not re.search(rf'd="[^"]*L{corners[0]} {corners[1]}', svg)  # no background
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", svg)]
    assert min(sizes) >= SMALLEST  # points, at the width of a page


def leaves(svg: bytes) -> list[tuple]:
    """Return what an SVG draws, in order: kind, text, style and attributes, coordinates as an array."""
    root = ET.fromstring(svg)  # noqa: S314 - drawn here
    sheet = dict(re.findall(r"^\.(\w+)\{(.*)\}$", root.findtext(".//{*}style"), re.MULTILINE))
    found = []
    for node in root.iter():
        kind = node.tag.partition("}")[2]
        if len(node) or kind in {"style", "defs", "g"}:
            continue
        said = sheet.get(node.get("class"), node.get("style", ""))
        if said == "fill: none":
            continue  # it draws nothing
        clip = node.get("clip-path")
        said += f";clip-path:{clip}" if clip else ""
        style = {tuple(part.strip() for part in rule.split(":")) for rule in said.split(";") if rule}
        shape = "".join(re.findall(r"[A-Za-z]", node.get("d", "")))
        turned = re.sub(r"rotate\(-0 [^)]*\)", "", node.get("transform", ""))
        places = " ".join([*(node.get(name, "") for name in ("d", "x", "y", "width", "height")), turned])
        numbers = np.array(re.findall(r"-?\d*\.?\d+", places), float)
        found.append((kind, (node.text or "").strip(), style, shape, numbers))
    return found


@pytest.mark.parametrize("drawing", LABELS)
def test_a_slim_svg_draws_the_same_at_a_smaller_size(drawn, whole, drawing):
    fat, lean = whole[list(drawn).index(drawing)], drawn[drawing]["svg"]
    assert len(lean) < 0.6 * len(fat)
    for (*one, places), (*other, same) in zip(leaves(fat), leaves(lean), strict=True):
        assert one == other
        np.testing.assert_allclose(same, places, atol=0.0051)
    referred = set(re.findall(rb"#([mph][0-9a-f]{10})\b", lean))
    assert referred == set(re.findall(rb' id="([^"]*)"', lean))


def test_a_name_with_control_characters_is_still_an_svg(figures):
    data = {name: frame.replace("Random", "a\x00\x1b\ufffeb") for name, frame in figures["wins"].data.items()}
    assert "a   b" in text_of(draw(replace(figures["wins"], data=data))["svg"])


def test_curves_and_bands_are_at_the_numbers(figures):
    data = figures["curves"].data
    drawn = learning_curves(**data)
    panels = {panel.get_title(): panel for panel in drawn.axes if panel.get_title()}
    below = dict(zip(panels, drawn.axes[1::2], strict=True))
    assert list(panels) == ["BADGE", "Random"]
    for (algorithm, weighting), own in data["means"].groupby(["algorithm_label", "weighting_label"]):
        at = ["InvProp", "PosProb", "Uniform"].index(weighting)
        np.testing.assert_array_equal(panels[algorithm].lines[at].get_xydata(), own[["labelled", "mean"]])
    own = data["differences"].query("algorithm_label == 'BADGE' and larger == 'PosProb'")
    (_, band), path = below["BADGE"].collections, own[["low", "high"]].to_numpy(float)
    corners = band.get_paths()[0].vertices[:, 1].astype(float)
    assert np.isclose(corners[:, None], path[~np.isnan(path)]).any(axis=1).all()


def test_a_band_of_two_seeds_does_not_flatten_the_curves(figures):
    data = dict(figures["curves"].data)
    below = learning_curves(**data).axes[1]
    reach = data["differences"]["mean"].abs().max()
    assert below.get_ylim()[1] >= data["differences"]["high"].max()  # narrow bands are shown whole
    data["differences"] = data["differences"].assign(low=-1.0, high=1.0)
    low, high = learning_curves(**data).axes[1].get_ylim()
    assert -1 < low <= -reach < reach <= high < 1


def test_a_forest_has_each_task_in_its_own_row_under_its_dataset(figures):
    tasks = figures["forest"].data["tasks"]
    drawn = forest(tasks)
    labels = [(text.get_text(), text.get_fontweight()) for text in drawn.axes[0].get_yticklabels()]
    assert labels == [("ag_news", "bold"), ("Sports", "normal"), ("World", "normal"), ("", "normal")] + [
        (name, "bold") for name in ("these tasks", "new tasks")
    ]
    places = dict(zip([text for text, _ in labels], drawn.axes[0].get_yticks(), strict=True))
    (bars,) = [
        bars for bars in drawn.axes[1].containers if bars[0].get_marker() == looks(["Uniform"])["Uniform"].marker
    ]
    own = tasks[(tasks["metric"] == "auc") & (tasks["smaller"] == "Uniform")]
    assert bars[0].get_xdata(orig=False).tolist() == own["mean"].tolist()
    rows = [places[name] for name in ("Sports", "World", "these tasks", "new tasks")]
    np.testing.assert_allclose(bars[0].get_ydata(orig=False), rows, atol=0.4)


@pytest.mark.parametrize("drawing", LABELS)
def test_a_figure_for_a_column_has_type_as_large(figures, drawing):
    svg = draw(figures[drawing], NARROW)["svg"].decode()
    width = float(re.search(r'width="([\d.]+)pt"', svg).group(1)) / 72
    assert width == pytest.approx(NARROW)
    assert min(float(size) for size in re.findall(r"font-size:([\d.]+)px", svg)) >= SMALLEST


@pytest.mark.parametrize("drawing", LABELS)
def test_titles_and_labels_of_panels_stay_apart_and_inside_at_any_width(figures, drawing, monkeypatch):
    drawn, saved = [], style._saved
    monkeypatch.setattr(style, "_saved", lambda canvas, kind: drawn.append(canvas) or saved(canvas, kind))
    for width in (NARROW, WIDE):
        draw(figures[drawing], width, ("pdf",))
        texts = [one for panel in drawn[-1].axes for one in (panel.title, panel.xaxis.label) if one.get_text()]
        boxes = [text.get_window_extent() for text in texts]
        assert not [(one, other) for one, other in combinations(boxes, 2) if one.overlaps(other)]
        assert all(box.x0 >= 0 and box.x1 <= drawn[-1].bbox.x1 + 1 for box in boxes)


def test_the_effect_map_prints_each_difference_on_a_ground_as_dark_as_it_is_large(figures):
    effects = figures["effect-map"].data["effects"]
    panel = effect_map(effects).axes[0]
    strategies, tasks = (
        [label.get_text() for label in axis] for axis in (panel.get_yticklabels(), panel.get_xticklabels())
    )
    ground = np.asarray(panel.images[0].get_array(), float) @ (0.2126, 0.7152, 0.0722)
    shown = {}
    for text in panel.texts:
        column, row = (int(at) for at in text.get_position())
        shown[strategies[row], tasks[column]] = (text.get_text(), ground[row, column])
    assert len(shown) == len(effects)
    for it in effects.itertuples():
        assert shown[it.strategy, it.positive][0] == str(round(1000 * it.difference)).replace("-", "−")
    ordered = effects.sort_values("difference")
    light = [shown[it.strategy, it.positive][1] for it in ordered.itertuples()]
    assert (np.diff(light) <= 1e-12).all()


def test_bars_of_wins_are_as_long_as_the_counts():
    counts = pd.DataFrame(
        [("A", "InvProp", "Uniform", "auc", 5, 1, 4, 0), ("b", "InvProp", "Uniform", "auc", 0, 0, 10, 0)],
        columns=["algorithm_label", "larger", "smaller", "metric", "win", "tie", "loss", "missing"],
    )
    (panel,) = win_tie_loss(counts).axes
    assert [[bar.get_width() for bar in bars] for bars in panel.containers] == [[5, 0], [1, 0], [4, 10]]
    assert [[bar.get_x() for bar in bars] for bars in panel.containers] == [[0, 0], [5, 0], [6, 0]]
    assert sorted(text.get_text() for text in panel.texts) == ["1", "10", "4", "5"]


def test_looks_differ_in_more_than_colour():
    several = several_looks(10)
    for feature in ("colour", "line", "marker", "hatch"):
        assert len({str(getattr(look, feature)) for look in several}) == len(several)
    assert looks(["PosProb", "Uniform"])["Uniform"] == looks(["InvProp", "PosProb", "Uniform", "mine"])["Uniform"]
    assert len({look.marker for look in looks(["InvProp", "PosProb", "Uniform", "a", "b"]).values()}) == 5


def many(frame, column, names):
    return pd.concat([frame.assign(**{column: name}) for name in names], ignore_index=True)


def test_many_algorithms_and_tasks_are_all_named(figures):
    names = [f"algorithm_{number}" for number in range(22)]
    effects = figures["effect-map"].data["effects"]
    first = effects[effects["strategy"] == effects["strategy"].iloc[0]]
    shown = effect_map(many(first, "strategy", names)).axes[0].get_yticklabels()
    assert [label.get_text() for label in shown] == names
    tasks = figures["forest"].data["tasks"]
    drawn = forest(many(tasks[tasks["positive"] == "Sports"], "positive", [f"class {number}" for number in range(14)]))
    rows = np.diff([label.get_window_extent().y0 for label in drawn.axes[0].get_yticklabels()])
    assert np.abs(rows[rows != 0]).min() > SMALLEST  # points: labels do not touch


@pytest.mark.parametrize("drawing", ["forest", "wins"])  # curves: where all names of a page are hostile
def test_hostile_names_are_text(figures, drawing):
    names = {"BADGE": HOSTILE, "InvProp": f"_{HOSTILE}", "ag_news": HOSTILE, "Sports": f"_{HOSTILE}"}
    data = {name: frame.replace(names) for name, frame in figures[drawing].data.items()}
    text = text_of(draw(replace(figures[drawing], data=data))["svg"])
    assert HOSTILE.split()[0] in text
    assert "$x_{1}$" in text
    assert "BADGE" not in text


def test_one_run_is_drawn_without_intervals(tmp_path, factory):
    store = Store(tmp_path / "s", create=True)
    store.write(factory.a_run())
    (section,) = sections(read_results(store))
    curves, *_, positives, times = [figure for figure in section.figures if not figure.main]
    for figure in (curves, positives, times):
        assert not re.search(rb"\bnan\b", draw(figure)["svg"])


def test_a_ceiling_far_above_or_unknown_leaves_the_curves_visible(figures):
    found = figures["positives"].data["found"]
    top = positives_found(found.assign(ceiling=10_000.0)).axes[0].get_ylim()[1]
    assert found["found"].max() < top < 4 * found["found"].max()
    assert positives_found(found.assign(ceiling=np.nan, expected=np.nan)).axes[0].get_ylim()[1] == pytest.approx(top)
    assert positives_found(found.assign(found=0)).axes[0].get_ylim()[1] > 0


def test_drawing_leaves_matplotlib_and_the_data_as_they_were(figures):
    import matplotlib as mpl

    before, frame = dict(mpl.rcParams), figures["wins"].data["wins"].copy()
    draw(figures["wins"])
    assert dict(mpl.rcParams) == before
    pd.testing.assert_frame_equal(figures["wins"].data["wins"], frame)


@pytest.mark.parametrize("width", [style.WIDE, style.NARROW])
@pytest.mark.parametrize(
    "labels", [["a", "b", "c"], ["Entropy+PosProb", "Margin+Uniform"] * 3, ["of some length " * 3] * 4]
)
def test_a_legend_is_as_wide_as_there_is_room_for(width, labels):
    def build():
        drawn = style.canvas(2.0)
        panel = drawn.subplots()
        lines = {f"{label}{number}": panel.plot([number])[0] for number, label in enumerate(labels)}
        style.legend(drawn, lines)
        drawn.draw_without_rendering()
        extents.append(drawn.legends[0].get_window_extent().width / drawn.dpi)
        return drawn

    extents: list[float] = []
    style.rendered(build, "salt", width)
    assert extents[0] <= width
