"""What the README shows is so."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from bench.config import load_spec, preset_names
from bench.plugins import add_plugin
from bench.strategies.base import ALGORITHMS
from bench.testing import laws_for
from imbal_bench import cli as command_line

README = (ROOT / "README.md").read_text()
BLOCKS = {
    language: re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    for language in ("python", "console", "yaml", "text")
}
COMMANDS = [line.removeprefix("$ ").split("  #")[0] for block in BLOCKS["console"] for line in block.splitlines()]


@pytest.fixture
def shown_plugin(tmp_path):
    """The file that the README shows, as it shows it."""
    (code,) = [block for block in BLOCKS["python"] if "class Near" in block]
    path = tmp_path / "near.py"
    path.write_text(code)
    yield path
    if ALGORITHMS._found:
        ALGORITHMS._found.pop("near", None)


def test_the_strategy_of_the_guide_obeys_every_law(shown_plugin):
    assert add_plugin(shown_plugin) == ("near",)
    cls = ALGORITHMS.get("near")
    laws = laws_for(cls())
    assert len(laws) >= 8
    for law in laws:
        law(cls())


@pytest.mark.usefixtures("_unwritten")
def test_the_strategy_of_the_guide_runs_beside_the_others(shown_plugin, bench, tmp_path):
    (command,) = [line for line in COMMANDS if "--plugin near.py" in line]
    arguments = shlex.split(command)[1:]
    assert arguments[0] == "run"
    tiny = ["--tasks", "toy/law", "--ratios", "10", "--seeds", "1", "--learner", "tfidf", "--store", "s"]
    code, out, err = bench(*arguments, *tiny)
    assert code == 0, out + err
    assert "6 of 6 runs stored" in out
    assert re.search(r"near(?:\+Uniform)?\s+[\d.]+", out)
    assert (tmp_path / "s" / "report" / "report.html").exists()


def test_every_command_and_option_shown_exists(monkeypatch, capsys):
    shown = [shlex.split(line)[1:] for line in COMMANDS if line.startswith("imbal-bench")]
    assert len(shown) >= 5
    for arguments in shown:
        words = [word for word in arguments if not word.startswith("-")]
        command = words[:2] if words[0] in {"baseline", "data", "store"} else words[:1]
        monkeypatch.setattr(sys, "argv", ["imbal-bench", *command, "--help"])
        monkeypatch.setenv("COLUMNS", "200")
        with pytest.raises(SystemExit):
            command_line.main()
        text = capsys.readouterr().out
        for option in [word for word in arguments if word.startswith("--")]:
            assert option in text, f"{option} in {arguments}"


def test_every_preset_is_in_the_table_and_says_its_counts():
    (table,) = re.findall(r"\| preset \|.*?\n\n", README, re.DOTALL)
    assert set(re.findall(r"`([\w-]+)`", table)) >= set(preset_names())
    paper, extreme = load_spec("paper"), load_spec("extreme")
    strategies = len(paper.algorithms) * len(paper.weightings)
    runs = [14 * len(spec.ratios) * strategies * len(spec.seeds) for spec in (paper, extreme)]
    assert (runs[0], sum(runs)) == (8_400, 11_760)
    assert "8,400" in README
    assert "11,760" in README


def test_the_users_file_shown_is_read(tmp_path):
    from bench.data.loading import load_user

    (text,) = BLOCKS["yaml"]
    fields = yaml.safe_load(text)
    rows = "".join(f"mail {i},{'spam' if i % 4 == 0 else 'inbox'}\n" for i in range(80))
    (tmp_path / fields["train"]).write_text(f"{fields['text']},{fields['label']}\n{rows}")
    (tmp_path / "mine.yaml").write_text(text)
    corpus = load_user(tmp_path / "mine.yaml")
    assert set(corpus.label_names) == {"inbox", "spam"}
    assert len(corpus.train) + len(corpus.test) == 80


def test_the_files_it_names_are_there():
    for name in re.findall(r"\]\((?!https?:)([^)]+)\)", README):
        assert Path(ROOT / name).exists(), name
