import base64
import csv
import io
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from math import isnan
from types import SimpleNamespace

import pandas as pd
import pytest
from rich.console import Console

import reports
from analysis import Cache, overview, p_text, read_results, sections, traced
from bench.errors import StoreError, UnknownNameError
from bench.store import Store
from reports import plain
from reports.latex import escaped, to_latex
from reports.page import _ways, to_html
from reports.picture import pictures
from reports.plain import to_csv, to_markdown
from reports.terminal import to_terminal
from reports.trace import Trace, trace

HOSTILE = '<script>alert(1)</script> & $x_{1}$ 50% #~^\\ [red]"|` 中'
VOID = {"meta", "link", "br", "col", "img", "input", "hr"}


@pytest.fixture(scope="module")
def store(tmp_path_factory, factory):
    """Two ratios with a failed, a skipped and an unreadable run, three weightings."""
    path = tmp_path_factory.mktemp("reports") / "store"
    store = factory.fill(path, weightings=("uniform", "posprob", "invprop"), seeds=range(3))
    factory.fill(path, ratio=10, algorithms=("random",), seeds=range(2))
    store.file_of(factory.a_run("badge", "posprob", seed=1).key).write_text("{")
    lost = factory.a_run("badge", "uniform", seed=2, status="failed", reason="RunError: NaN loss in round 3")
    store.file_of(lost.key).unlink()
    store.write(lost)
    store.write(factory.a_run(positive="World", status="skipped", reason="leaves 3 positives"))
    return store


@pytest.fixture(scope="module")
def written(store, tmp_path_factory):
    return reports.write_report(reports.read_report(store.path), tmp_path_factory.mktemp("out"))


@pytest.fixture(scope="module")
def parts(store):
    return sections(read_results(store))


@pytest.fixture(scope="module")
def table(parts):
    return parts[0].table("T8")


@pytest.fixture(scope="module")
def everything(factory):
    """All tables of the paper, and the overview, of two seeds and six tasks; of ratio 20 one seed is missing."""
    few = factory.paper_grid(2).query("dataset in ('ag_news', 'sst2')")
    few = few[(few["ratio"] != 20) | (few["seed"] == 0)].reset_index(drop=True)
    results = factory.results(few)
    (section,) = sections(results)
    return section, overview(results)


class Page(HTMLParser):
    """Checks that elements nest, and keeps text, ids, attributes and the cells of each table."""

    def __init__(self, text):
        super().__init__()
        self.stack, self.tags, self.text, self.tables = [], [], "", {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)
        if tag == "table":
            self.rows = self.tables.setdefault(dict(attrs).get("id", "ways"), [])
        elif tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text += data
        if {"td", "th"} & set(self.stack):
            self.rows[-1][-1] += data.strip()

    def all(self, name):
        return [attrs for tag, attrs in self.tags if tag == name]


def unfolded(html):
    """Return a page with all that is folded unpacked, as its script does it."""
    folded = r'<script type="text/plain">([A-Za-z0-9+/=]+)</script>'
    return re.sub(folded, lambda found: zlib.decompress(base64.b64decode(found[1])).decode(), html)


@pytest.fixture(scope="module")
def page(written):
    return Page(unfolded(written.html.read_text()))


def test_the_page_holds_every_number_of_every_table(page, parts):
    assert page.stack == []
    for section in parts:
        for table in section.tables:
            rows = page.tables[table.name][2:]
            assert len(rows) == len(table.shown)
            for shown, row in zip(rows, table.shown, strict=True):
                marks = [cell.text + "*" * cell.bold + cell.signs for cell in row.cells]
                assert shown == [*row.labels, *marks]
            assert table.heading in page.text
            assert table.caption in page.text
            assert all(note in page.text for note in table.notes)


def test_the_page_says_what_is_missing(page, store):
    assert "1 failed: RunError: NaN loss in round 3" in page.text
    assert "1 skipped: leaves 3 positives" in page.text
    assert "unreadable, left out:" in page.text
    assert "1 of 6 runs missing, 1 of them failed: 50, BADGE, Uniform" in page.text
    assert "Table 10 (Cold against warm start, BADGE) not run" not in page.text  # nobody planned it
    assert "Against the paper's published tables: sign of the effect agrees" in page.text
    assert re.search(r"abc1234 with local changes", page.text)


def test_the_page_needs_no_network(page):
    for _, attrs in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            beside = ("figures/", "runs.csv") if name == "href" else ()  # files that the report has, by a link
            assert not attrs.get(name) or attrs[name].startswith(("#", "data:", *beside))
        assert not [name for name in attrs if name.startswith("on")]
    assert not re.search(r"url\((?!#)", page.text + str([attrs.get("style") for _, attrs in page.tags]))
    assert "@import" not in page.text


def test_the_page_is_accessible(page):
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("caption")) == len([table for table in page.all("table") if table.get("class") != "ways"])
    assert {attrs["scope"] for attrs in page.all("th")} == {"col", "colgroup", "row"}
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert all(attrs["aria-describedby"] in ids for attrs in page.all("table") if attrs.get("class") != "ways")
    assert {attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")} <= set(ids)
    used = {attrs["href"][1:] for attrs in page.all("use")}
    assert used
    assert used <= set(ids)


def test_the_same_store_gives_the_same_bytes(store, written, tmp_path):
    again = reports.write_report(reports.read_report(store.path), tmp_path)
    for one, other in zip(files(written), files(again), strict=True):
        assert one.name == other.name
        assert one.read_bytes() == other.read_bytes()


def files(report):
    return [report.html, *report.tables, *report.figures, *report.runs]


def test_the_folder_holds_what_it_says(written):
    assert all(path.stat().st_size for path in files(written))
    on_disk = {path for path in written.html.parent.rglob("*") if path.is_file()}
    assert on_disk == set(files(written))
    assert {path.suffix for path in written.tables} == {".csv", ".md", ".tex"}
    names = {path.stem for path in written.tables}
    assert {"table2", "table2-p", "table2-paper", "table8", "table8-p", "runs", "time"} <= names
    assert not {"table6", "table9", "table10", "table11", "table12", "table7-paper"} & names
    assert "Date" not in next(path for path in written.figures if path.suffix == ".svg").read_text()


def test_runs_are_written_as_they_are_read(written, store):
    runs = read_results(store).runs
    csv_file, parquet_file = written.runs
    assert (csv_file.name, parquet_file.name) == ("runs.csv", "runs.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(parquet_file), runs, check_dtype=False)
    pd.testing.assert_frame_equal(
        pd.read_csv(csv_file, dtype={"key": str, "algorithm_version": str, "weighting_version": str}),
        runs,
        check_dtype=False,
    )


def test_csv_holds_the_unrounded_numbers_and_the_tests(table):
    lines = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert len(lines) == len(table.rows) * len(table.columns) * 2
    place = 0
    for row in table.rows:
        for (metric, column), cell in zip(table.columns, row.cells, strict=True):
            for one in cell.tests:
                line = lines[place]
                place += 1
                where = (line["Ratio"], line["Algorithm"], line["metric"], line["column"])
                assert where == (*row.labels, metric, column)
                assert (line["value"], line["n"], line["bold"]) == (exact(cell.value), str(cell.n), str(cell.bold))
                assert (line["against"], line["p"]) == (one.against, exact(one.p))
                assert line["pairs"] == str(one.pairs)


def exact(value):
    return "" if isnan(value) else repr(value)


def test_markdown_keeps_zeros_and_marks(table):
    lines = [line for line in to_markdown(table).splitlines() if line.startswith("|")][2:]
    for line, row in zip(lines, table.rows, strict=True):
        shown = [part.strip() for part in line.strip("|").split("|")]
        marks = ["**" * cell.bold + cell.text + "**" * cell.bold + cell.signs for cell in row.cells]
        assert shown == [*row.labels, *marks]
    assert all(note.split(":")[0] in to_markdown(table) for note in table.notes)


@pytest.mark.parametrize("width", [80, 160])
def test_the_terminal_shows_numbers_p_and_what_is_missing(store, parts, width):
    text = printed(reports.terminal_table(reports.read_report(store.path)), width)
    assert max(map(len, text.splitlines())) <= width
    for cell in parts[0].table("T8").cells:
        assert cell.text + "*" * cell.bold in text
        assert p_text(cell.p) in text
    flat = " ".join(text.split())
    assert "1 failed: RunError: NaN loss in round 3" in flat
    assert "1 of 6 runs missing, 1 of them failed: 50, BADGE, Uniform" in flat
    assert "4 to 6 pairs in a test" in flat  # tests that were not made, for want of runs, do not count
    assert "T2, T2-p, T2-effects, T2-paper, T3" in flat
    assert "Table 6" not in flat  # nobody planned extreme ratios


def test_the_terminal_prints_the_tables_that_are_asked_for(store, parts):
    text = printed(reports.terminal_table(reports.read_report(store.path), ["t3-paper", "runs"]), 200)
    assert "T3-paper: The paper beside ours" in text
    assert "runs: What was run" in text
    assert "T8: " not in text
    with pytest.raises(UnknownNameError, match=r"unknown table 'T9'.*not run: needs ratio 1000"):
        reports.terminal_table(reports.read_report(store.path), ["T9"])


def test_a_test_that_was_not_made_is_a_dash_and_never_nan(tmp_path, factory):
    store = factory.fill(tmp_path / "s", seeds=range(1), tasks=(("sst2", "positive"),))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(reports.terminal_explanation(store.path, ["T3", "badge", "auc", "InvProp"]))
    text = console.export_text()
    assert re.search(r"against Uniform: 1 pair, difference \+0\.\d{6}, p – \(one pair, no test\)", text)
    assert re.search(
        r"seed-level: 1 seed, difference \+0\.\d{6} \[–, –\], p –, after Holm – \(one seed, no test\)", text
    )
    assert "1 run behind it" in text
    assert "nan" not in text


def test_the_terminal_lists_the_runs_behind_a_number(store):
    text = printed(reports.terminal_explanation(store.path, ["T8", "50", "badge", "auc", "uniform"]), 200)
    assert "50, BADGE, ROC-AUC, Uniform: 0." in text
    assert "† 1 of 6 runs missing, 1 of them failed" in text
    assert "5 runs behind it" in text
    assert len(re.findall(r"runs/../[0-9a-f]{32}\.json", text)) == 5
    assert "against InvProp: 5 pairs" in text


@pytest.mark.parametrize("spell", [to_csv, to_markdown, to_latex], ids=["csv", "md", "tex"])
def test_every_format_spells_every_table(everything, spell):
    section, _ = everything
    assert [one.table.address for one in section.numbered] == [f"T{number}" for number in range(2, 13)]
    for table in section.tables:
        text = spell(table)
        for cell in table.cells:
            shown = {to_latex: escaped, to_markdown: plain.escaped}.get(spell, str)(cell.text)
            assert shown in text


def test_the_page_shows_every_table_and_the_terminal_one_of_each_kind(everything):
    section, seen = everything
    behind = {cell.runs: 0 for table in section.tables for cell in table.cells}
    page = Page(unfolded(to_html([section], seen, Trace("dataset", ((0, 1),), behind), {section.suffix: ()})))
    assert page.stack == []
    for table in section.tables:
        assert len(page.tables[table.name]) == len(table.shown) + 2
    kinds = {re.sub(r"T\d+", "T", table.address): table for table in section.tables}
    assert set(kinds) >= {"T", "T-p", "T-effects", "T-paper", "runs", "time"}
    text = printed(to_terminal([section], seen, [table.address for table in kinds.values()]), 300)
    for table in kinds.values():
        assert f"{table.address}: {table.title}" in text
        assert all(cell.text in text for cell in table.cells)
    assert "not run" not in text


def printed(renderable, width=120):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory, factory):
    """A store in which every name and reason is hostile."""
    store = Store(tmp_path_factory.mktemp("hostile") / "s", create=True)
    same = {"dataset": HOSTILE, "positive": "_" + HOSTILE}
    for seed in range(2):
        for weighting in ("_" + HOSTILE, "uniform"):
            store.write(factory.a_run(HOSTILE, weighting, seed=seed, auc=0.5 + 0.1 * seed, **same))
    store.write(factory.a_run(HOSTILE, "uniform", seed=2, status="failed", reason=HOSTILE, **same))
    return store


def test_hostile_names_are_text_everywhere(hostile, tmp_path):
    results = read_results(hostile)
    parts, seen = sections(results), overview(results)
    behind = trace(traced(hostile, results), [table for section in parts for table in section.tables])
    drawn = pictures(parts[0].figures, Cache(hostile.path / "index"))
    page = Page(unfolded(to_html(parts, seen, behind, {parts[0].suffix: drawn})))
    assert [attrs.get("id") for attrs in page.all("script")] == ["run-lines", "sets", None]
    assert page.text.count("<script>alert(1)</script>") > 5
    table = parts[0].table("T8")
    board = page.tables[parts[0].standings[0].table.name]  # of own data, Table 8 is made when it is asked for
    assert [row[0] for row in board[2:] if row[0].startswith(HOSTILE)]
    assert "<script" not in re.sub(r"\\<", "", to_markdown(table))
    assert re.search(r"^\| \\<script", to_markdown(table), re.MULTILINE)
    assert "[red]" in printed(reports.terminal_table(reports.read_report(hostile.path)), 400)
    (line, *_) = csv.DictReader(io.StringIO(to_csv(table)))
    assert line["Algorithm"] == HOSTILE
    (curves,) = (picture for picture in drawn if picture.name.startswith("curves-auc"))
    figure = Page(curves.svg.decode().split("?>", 1)[1])
    assert HOSTILE in figure.text
    assert "_" + HOSTILE in figure.text


LATIN = "".join(map(chr, range(0x20, 0x180)))


needs_latex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")


def compiled(body, folder):
    """Compile a plain article with this body; return its log."""
    head = "\\documentclass{article}\n\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
    (folder / "paper.tex").write_text(head + body + "\n\\end{document}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    return done.stdout


@needs_latex
def test_latex_compiles_in_a_plain_article_and_fits_its_page(parts, tmp_path):
    log = compiled("\n".join(to_latex(table) for section in parts for table in section.tables), tmp_path)
    assert "Overfull" not in log
    if shutil.which("pdftotext"):
        command = ["pdftotext", "-layout", "paper.pdf", "-"]
        text = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode()
        assert all(cell.text in text for cell in parts[0].table("T8").cells)


@needs_latex
def test_latex_continues_a_long_table_on_further_pages(everything, tmp_path):
    table = everything[0].table("T7")
    assert len(table.rows) == 58
    source = to_latex(table)
    assert source.count(r"\begin{table*}") == source.count(r"\end{table*}") == 2
    assert source.count(r"\caption") == source.count(r"\label") == 1
    assert source.count("(continued)") == 1
    log = compiled(source, tmp_path)
    assert "Overfull" not in log
    assert "too large" not in log


@needs_latex
def test_latex_compiles_with_hostile_names(hostile, tmp_path):
    tables = [table for section in sections(read_results(hostile)) for table in section.tables]
    compiled("\n".join([*map(to_latex, tables), r"\clearpage", escaped(LATIN)]), tmp_path)


def test_latex_marks_bold_and_holes(table):
    source = to_latex(table)
    bold = [cell.text for row in table.rows for cell in row.cells if cell.bold]
    assert re.findall(r"\\textbf\{([^}]*)\}", source) == bold
    assert source.count(r"\textsuperscript{\textdagger{}}") == sum(bool(c.note) for r in table.rows for c in r.cells)


def test_an_empty_store_gives_a_page_and_a_line(tmp_path):
    Store(tmp_path / "s", create=True)
    written = reports.write_report(reports.read_report(tmp_path / "s"), tmp_path / "out")
    assert "No finished runs" in Page(written.html.read_text()).text
    assert (written.tables, written.figures) == ((), ())
    assert len(pd.read_parquet(written.runs[1])) == 0
    assert "No finished runs" in printed(reports.terminal_table(reports.read_report(tmp_path / "s")))


def test_no_store_and_no_folder_are_one_line_each(tmp_path, store):
    with pytest.raises(StoreError, match="no result store"):
        reports.write_report(reports.read_report(tmp_path / "nothing"), tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        reports.write_report(reports.read_report(store.path), tmp_path / "file" / "out")


@pytest.mark.parametrize("where", ["ratio 1/50, warm start", "natural ratio, cold start"])
def test_a_kind_of_figure_has_a_row_among_the_ways_whatever_the_ratio(where):
    panel = SimpleNamespace(name="p")
    standing = SimpleNamespace(board=SimpleNamespace(panel=panel), table=SimpleNamespace(title="T, x", name="t"))
    standing.beside = ()
    section = SimpleNamespace(standings=[standing])
    kinds = ["Ranks and cost", "Learning curves of the best"]
    drawn = [SimpleNamespace(panel="p", main=True, title=f"{kind}, {where}", name=kind) for kind in kinds]
    assert [kind for kind, _ in _ways(section, drawn)] == ["T", *kinds]
