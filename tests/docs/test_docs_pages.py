"""What the documentation shows is so: commands exist, code runs, plug-ins obey the laws, the site builds."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import yaml
from cli_tools import in_process
from conftest import ROOT

from analysis import definitions as tables
from analysis import read_results
from bench.config import load_spec, preset_names
from bench.config.slurm import load_slurm
from bench.grid.cost import rates
from bench.plugins import REGISTRIES
from bench.store import Store
from bench.testing.everything import parts_named
from imbal_bench.workflows.check import check
from imbal_bench.workflows.grids import add_plugins
from reports import read_report

PAGES = {
    path.relative_to(ROOT / "docs/pages").as_posix(): path.read_text("utf-8")
    for path in (ROOT / "docs/pages").rglob("*.md")
} | {"README.md": (ROOT / "README.md").read_text("utf-8")}
GROUPS = {"baseline", "data", "store"}


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGES[page], re.DOTALL)


COMMANDS = [
    (page, line.removeprefix("$ ").split("  #")[0])
    for page in PAGES
    for block in blocks(page, "console")
    for line in block.splitlines()
    if line.startswith("$ imbal-bench")
]
PLUGINS = {
    code.splitlines()[0].removeprefix("# "): code
    for page in PAGES
    for code in blocks(page, "python")
    if re.match(r"# \w+\.py\n", code)
}
SESSIONS = [(page, code) for page in PAGES for code in blocks(page, "python") if code not in PLUGINS.values()]
NOTEBOOKS = sorted((ROOT / "docs/notebooks").glob("*.ipynb"))
OWN = ("near", "spread", "nearest", "capped_log_loss")
"""Parts that pages show, by name."""
SMALL = {
    '"pydocs/pandas"': '"toy/law"',
    "ratios=[20]": "ratios=[10]",
    "seeds=10": "seeds=3",
    'learner="probe"': 'learner="tfidf"',
    'model="offline"': "loop_rounds=2",
    "badge+invprop": "entropy+invprop",
    "pool_limit=1200": "loop_batch=6",
}
"""What is put in the place of what a page shows where it would take seconds."""


@pytest.fixture(autouse=True)
def _here(monkeypatch, tmp_path, toy_mirror):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMBAL_BENCH_DATA", str(toy_mirror))
    monkeypatch.setenv("IMBAL_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(tables, "_plugged", {})
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_found", dict(registry.items()))


@pytest.fixture
def plugins(tmp_path):
    for name, code in PLUGINS.items():
        (tmp_path / name).write_text(code, "utf-8")
    return {name: tmp_path / name for name in PLUGINS}


def test_every_command_and_option_shown_exists(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "250")
    assert len(COMMANDS) >= 20
    helps: dict[tuple[str, ...], str] = {}
    run = in_process(monkeypatch, capsys)
    for page, line in COMMANDS:
        words = shlex.split(line)[1:]
        command = tuple(words[:2] if words[0] in GROUPS else words[:1])
        if command not in helps:
            code, helps[command], err = run(*command, "--help")
            assert code == 0, f"{page}: {line}: {err}"
        for option in (word for word in words if word.startswith("--")):
            assert option in helps[command], f"{page}: {line} has no option {option}"


@pytest.mark.parametrize(("page", "code"), SESSIONS, ids=[page for page, _ in SESSIONS])
@pytest.mark.usefixtures("no_figures")
def test_every_session_shown_runs(page, code, capsys, monkeypatch):
    for there, here in SMALL.items() if "ib.run(" in code else ():
        assert there in code
        code = code.replace(there, here)
    exec(code, {})  # noqa: S102 - ours


def test_every_plugin_shown_loads_and_the_commands_name_them(plugins):
    assert {"near.py", "spread.py", "nearest.py", "log_loss.py", "gain.py"} <= plugins.keys()
    shown = {word for _, line in COMMANDS for word in shlex.split(line) if word.endswith(".py")}
    assert shown <= plugins.keys() | {"mine.py"}  # the gate's candidate is the reader's own
    add_plugins(plugins.values())
    assert {part.name for part in parts_named(OWN)} == set(OWN)
    assert "gain" in tables.definitions()


@pytest.mark.slow
def test_every_plugin_shown_obeys_the_laws(plugins):
    add_plugins(plugins.values())
    for checked in check(OWN):
        assert not checked.broken, [verdict for verdict in checked.verdicts if verdict.outcome == "broken"]


def test_the_strategy_shown_runs_beside_the_others(plugins, monkeypatch, capsys):
    (line,) = {line for _, line in COMMANDS if "--algorithms random,near" in line}
    tiny = ["--tasks", "toy/law", "--ratios", "10", "--seeds", "1", "--learner", "tfidf", "--store", "s", "--no-report"]
    code, out, err = in_process(monkeypatch, capsys)(*shlex.split(line)[1:], *tiny)
    assert code == 0, out + err
    assert len(list(plugins["near.py"].parent.glob("s/runs/*/*.json"))) == 6


def test_every_preset_is_in_the_table_and_the_counts_told_are_so():
    page = PAGES["how/grids.md"]
    (table,) = re.findall(r"\| preset \|.*?\n\n", page, re.DOTALL)
    assert set(re.findall(r"`([\w-]+)`", table)) >= set(preset_names())
    paper, extreme = load_spec("paper"), load_spec("extreme")
    strategies = len(paper.algorithms) * len(paper.weightings)
    runs = [14 * len(spec.ratios) * strategies * len(spec.seeds) for spec in (paper, extreme)]
    assert f"{runs[0]:,} runs" in page
    assert f"{sum(runs):,} runs" in page


def test_the_shares_of_positives_that_the_readme_quotes_are_those_of_the_runs_it_names():
    frame = read_results(Store(ROOT / "reports" / "fine-tune")).runs
    means = frame.groupby(["dataset", "algorithm", "weighting"])["positives_ratio"].mean()
    quoted = [
        means[dataset, algorithm, weighting]
        for algorithm in ("random", "badge")
        for weighting in ("uniform", "invprop")
        for dataset in ("sst2", "pubmed_20k_rct", "ag_news")
    ]
    (sentence,) = re.findall(r"the share of positives among the texts(.*?)An example", PAGES["README.md"], re.DOTALL)
    assert [float(number) for number in re.findall(r"\.\d{3}", sentence)] == [round(value, 3) for value in quoted]


def test_what_the_readme_says_of_the_field_is_what_its_runs_say():
    (section,) = read_report(ROOT / "reports" / "field").sections
    (standing,) = section.standings
    board, runs = standing.board, section.condition.runs
    text = " ".join(PAGES["README.md"].split())
    assert f"([{len(runs):,} runs](reports/field/README.md))" in text
    assert board.lead.partition(", ")[2] in text
    last = board.baseline
    auc = runs.groupby(["algorithm", "weighting"])["auc"].mean()
    assert f"comes {board.table['rank'].iloc[last]:.0f}th ({auc['random', 'uniform']:.3f})".replace("0.", ".") in text
    share = runs.groupby(["algorithm", "weighting"])["positives_ratio"].mean()
    said = [f"from {share[one, 'uniform']:.3f} to {share[one, 'invprop']:.3f}" for one in ("random", "badge", "dal")]
    assert all(one.replace("0.", ".") in text for one in said), said
    gains = [auc[one, "invprop"] - auc[one, "uniform"] for one in ("random", "dal", "cal", "core_set")]
    assert f"by {min(gains):.3f} to {max(gains):.3f}".replace("0.", ".") in text
    for one in ("entropy", "margin", "galaxy", "bmp", "direct"):
        assert auc[one, "invprop"] <= auc[one, "uniform"]
        assert share[one, "invprop"] > share[one, "uniform"]


def test_the_cell_that_is_explained_is_there(monkeypatch, capsys):
    lines = {line for _, line in COMMANDS if line.startswith("imbal-bench explain")}
    assert lines
    for line in lines:
        _, command, _, *address = shlex.split(line)
        code, out, err = in_process(monkeypatch, capsys)(command, ROOT / "reports/example/store", *address)
        assert code == 0, f"{line}: {err}"
        assert "runs behind it" in out


def test_the_rates_that_were_measured_serve_the_paper_s_grid():
    (line,) = {line for _, line in COMMANDS if "--calibration" in line}
    kept = rates.read(ROOT / shlex.split(line)[-1], load_spec("paper").model)
    assert kept.device == "NVIDIA H200"


def test_the_files_of_clusters_shown_are_read(tmp_path):
    slurm, job = blocks("how/machines.md", "yml")
    (tmp_path / "slurm.yaml").write_text(slurm)
    assert load_slurm(tmp_path / "slurm.yaml").directives == ("--gres=gpu:1",)
    pod = yaml.safe_load(job)["spec"]["template"]["spec"]["containers"][0]
    assert "--shard $((JOB_COMPLETION_INDEX + 1))/8" in pod["command"][-1]


def test_the_grid_file_and_dataset_file_shown_are_read(tmp_path):
    from bench.data.loading import load_user

    (text,) = blocks("how/data.md", "yaml")
    fields = yaml.safe_load(text)
    rows = "".join(f"mail {i},{'spam' if i % 4 == 0 else 'inbox'}\n" for i in range(80))
    (tmp_path / fields["train"]).write_text(f"{fields['text']},{fields['label']}\n{rows}")
    (tmp_path / "mine.yaml").write_text(text)
    assert set(load_user(tmp_path / "mine.yaml").label_names) == {"inbox", "spam"}


def test_pages_name_files_of_the_navigation_and_all_of_them_are_in_it():

    listed = set(re.findall(r":\s*([\w/-]+\.md)$", (ROOT / "docs/mkdocs.yml").read_text("utf-8"), re.MULTILINE))
    made = {"strategies.md", "reference/command-line.md", "reference/grid-files.md"}
    made |= {f"notebooks/{path.stem}.md" for path in NOTEBOOKS}
    assert listed == (PAGES.keys() | made) - {"README.md"}


class TestMadePages:
    """Pages that are made from the code."""

    @pytest.fixture(autouse=True)
    def _importable(self, monkeypatch):
        monkeypatch.syspath_prepend(str(ROOT / "docs"))

    def test_the_grid_file_on_the_page_is_a_grid_and_every_field_is_told(self, tmp_path):
        import grid_files

        page = grid_files.page()
        (tmp_path / "mine.yaml").write_text(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)[0])
        assert load_spec(str(tmp_path / "mine.yaml")).learners == ("probe",)
        rows = re.findall(r"^\| `([\w.]+)` \| .*? \| (.*) \|$", page, re.MULTILINE)
        assert {"tasks", "loop.rounds", "train.epochs", "model.name"} <= {name for name, _ in rows}
        assert [name for name, about in rows if not about] == []

    def test_every_command_is_on_its_page(self):
        import command_line

        page = command_line.page()
        for words in (shlex.split(line)[1:] for _, line in COMMANDS):
            name = " ".join(words[:2] if words[0] in GROUPS else words[:1])
            assert f"## `{name}`" in page

    def test_a_picture_shows_a_batch_of_distinct_rows_and_invprop_finds_more_at_random(self):
        import gallery

        from bench.strategies.base import ALGORITHMS

        random = ALGORITHMS.get("random")()
        uniform, invprop = (gallery.picks(random, weighting) for weighting in gallery.SHOWN)
        assert len(set(uniform.tolist())) == len(set(invprop.tolist())) == gallery.BATCH
        positive = gallery.cloud().pool.hidden
        assert positive[invprop].sum() > positive[uniform].sum()
        assert np.array_equal(invprop, gallery.picks(random, "invprop"))


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "-q", "-f", ROOT / "docs/mkdocs.yml", "-d", tmp_path / "site"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = [
        path.relative_to(tmp_path / "site").with_suffix(".md").as_posix()
        for path in (tmp_path / "site").rglob("*.html")
    ]
    assert PAGES.keys() - {"README.md"} <= set(pages)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(path, tmp_path):
    client = pytest.importorskip("nbclient")
    notebook = pytest.importorskip("nbformat").read(path, 4)
    shown = [bool(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"]
    client.NotebookClient(notebook, timeout=280, kernel_name="python3").execute(cwd=str(tmp_path))
    assert [bool(cell.outputs) for cell in notebook.cells if cell.cell_type == "code"] == shown
