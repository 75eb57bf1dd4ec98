"""Tables as an article prints them: the paper's names, short captions, p as < .001, decimals in line beside marks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, isnan

from analysis import (
    DISAGREE,
    HOLE,
    METRICS,
    NO_VALUE,
    SEED_LEVEL,
    Cell,
    Group,
    Row,
    Section,
    Table,
    metric_title,
)
from reports.latex import environment

NAMES = {"ag_news": "AG_news", "dbpedia_14": "DBpedia", "pubmed_20k_rct": "Pubmed", "sst2": "SST-2", "ROC-AUC": "AUC"}
"""Ours -> the paper's."""
SHORT = {
    **dict(zip(map(metric_title, METRICS), ("BA", "AUC", "PR"), strict=True)),
    "AUC": "AUC", "InvProp": "Inv.", "PosProb": "Pos.", "Uniform": "Unif.",
}  # fmt: skip
"""What a column of two holds of a name."""
COLUMN_WIDE = ("T2", "T3", "T4", "T5")
"""Tables that there is a variant of for one column of two, 219 pt."""
WORDS = 40
"""Of a caption; what holds for all tables is said once, under Methods."""
ROWS = 36
"""Rows of a page."""
EFFECT_GROUPS = 2
"""Groups of columns of the effects that are printed; the CSV has all."""
RUN_LEVEL = (
    "A pair is two runs of one task, seed and whatever else both arms share. The run-level test, as in the paper, is "
    "the paired one-sided t-test over pairs (p < .05, no correction); it takes runs as independent, though runs of one "
    "task are not. Bold: larger than every other column of its row and metric by that test."
)
SEED_LEVEL_TEST = (
    "The seed-level test is a t-test over seeds, whose values are means over tasks, with Holm's correction over all "
    f"tests of a metric in a table; {SEED_LEVEL} marks what is significant by it, and {DISAGREE} where both tests "
    f"disagree. Intervals are 95 % t-intervals over seeds: conclusions hold for these tasks only. {HOLE} marks cells "
    "that lack runs; the notes below a table say which."
)
_NAMES = re.compile("|".join(map(re.escape, sorted(NAMES, key=len, reverse=True))))


def named(text: str) -> str:
    """Return a text with the paper's names."""
    return _NAMES.sub(lambda found: NAMES[found[0]], text)


def brief(caption: str, most: int = WORDS) -> str:
    """Return the first sentences of a caption, as many as fit; at least one."""
    sentences = re.split(r"(?<=[\w)]\.) (?=\w)", caption)
    kept = sentences[:1]
    for sentence in sentences[1:]:
        if len(" ".join([*kept, sentence]).split()) > most:
            break
        kept.append(sentence)
    return " ".join(kept)


def p_in_article(p: float) -> str:
    """Return a p-value to three digits without the zero that all have: ``.013``, ``< .001``."""
    if isnan(p):
        return NO_VALUE
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def article_table(table: Table, number: str = "", *, column: bool = False) -> str:
    """Return a table as LaTeX.

    Args:
        table: what to print.
        number: that it bears, such as ``2``; empty: LaTeX's own.
        column: whether it is for one column of two, with short names.
    """
    own = in_column(in_article(table)) if column else in_article(table)
    size = ceil(len(own.shown) / max(1, ceil(len(own.shown) / ROWS)))
    parts = [own.shown[start : start + size] for start in range(0, len(own.shown), max(size, 1))]
    marks = max((len(cell.signs) for cell in own.cells), default=0)
    template = environment().get_template("article-table.tex")
    return template.render(table=own, parts=parts, number=number, column=column, room=0.45 * marks) + "\n"


def in_article(table: Table) -> Table:
    """Return a table with the paper's names, its p-values as an article has them, and a short caption."""
    return replace(
        table,
        title=named(table.title),
        caption=brief(named(table.caption)),
        groups=tuple(Group(named(group.title), tuple(map(named, group.columns))) for group in table.groups),
        rows=tuple(
            Row(tuple(map(named, row.labels)), tuple(_cells(table, row)), row.planned) for row in one_direction(table)
        ),
        notes=tuple(map(named, table.notes[:3])),
    )


def _cells(table: Table, row: Row) -> Iterator[Cell]:
    of_p = "p >" in table.mark
    for (_, column), cell in zip(table.columns, row.cells, strict=True):
        is_p = of_p or column == "p" or column.startswith("p (") or column.endswith(" p")
        yield replace(cell, text=p_in_article(cell.value)) if is_p and cell.text != NO_VALUE else cell


def one_direction(table: Table) -> list[Row]:
    """Return the rows of a table; of claims that ask both ways, A > B and B > A, the first only."""
    if not table.headers or table.headers[-1] != "Claim":
        return list(table.shown)
    seen: set[tuple[object, ...]] = set()
    rows = []
    for row in table.shown:
        one, _, other = row.labels[-1].partition(" > ")
        if (*row.labels[:-1], other, one) not in seen:
            seen.add((*row.labels[:-1], one, other))
            rows.append(row)
    return rows


def in_column(table: Table) -> Table:
    """Return a table with short names, and numbers without the zero that all have."""

    def short(text: str) -> str:
        return SHORT.get(text, text)

    return replace(
        table,
        groups=tuple(Group(short(group.title), tuple(map(short, group.columns))) for group in table.groups),
        rows=tuple(
            replace(row, cells=tuple(replace(cell, text=cell.text.removeprefix("0")) for cell in row.cells))
            for row in table.rows
        ),
        notes=(),
    )


def printed_effects(table: Table) -> Table:
    """Return a table of effects with the groups of columns that a page holds."""
    kept = table.groups[:EFFECT_GROUPS]
    width = sum(len(group.columns) for group in kept)
    return replace(table, groups=kept, rows=tuple(replace(row, cells=row.cells[:width]) for row in table.rows))


def methods(section: Section) -> list[str]:
    """Return what holds for all tables of a section, a paragraph each."""
    condition, loop = section.condition, section.condition.settings.loop
    data = condition.runs.groupby("dataset")["fingerprint"].first()
    trained = f"learner {condition.learner}, " if condition.learner else ""
    versions = ", ".join(f"{named(str(name))} {fingerprint[:8]}" for name, fingerprint in data.items())
    runs = (
        f"A run labels {loop.batch} examples in each of {loop.rounds} rounds ({trained}encoder {condition.encoder}; "
        f"{section.extent}). Data versions: {versions}."
    )
    return [runs, RUN_LEVEL, SEED_LEVEL_TEST]


def caption_of(says: str, table: Table) -> Table:
    """Return a defined table whose caption opens with what a cell is."""
    marks = ["Bold: run-level test.", "§: seed-level test, after Holm.", "≠: the two disagree.", "†: runs are missing."]
    wanted = [bool(table.mark), bool(table.seed_mark), bool(table.seed_mark), any(cell.note for cell in table.cells)]
    text = f"{says}. " + " ".join(mark for mark, kept in zip(marks, wanted, strict=True) if kept)
    return replace(table, caption=text.strip())


def pages(section: Section) -> tuple[list[tuple[Table, str]], list[tuple[Table, str]]]:
    """Return the tables of the article and of its supplement, each with the number that it bears."""
    several = len(section.standings) > 1
    lead = [(one.table, f"0{chr(ord('a') + at) if several else ''}") for at, one in enumerate(section.standings)]
    own = [
        (caption_of(one.numbers.definition.says, one.table), str(one.numbers.definition.number or ""))
        for one in section.numbered
    ]
    more: list[Table | None] = [table for one in section.standings for table in one.beside]
    for one in section.numbered:
        effects = printed_effects(one.effects) if one.effects else None
        more += [one.tests, effects, one.paper.table if one.paper else None]
    rest = [*(table for table in more if table), *section.overall]
    return [*lead, *own], [(table, f"S{number}") for number, table in enumerate(rest, 1)]


def columns(tables: Sequence[tuple[Table, str]]) -> list[tuple[Table, str]]:
    """Return the tables of which there is a variant for one column."""
    return [(table, number) for table, number in tables if table.address in COLUMN_WIDE]
