"""Our tables beside the paper's: differences, signs and marks against votes counted by hand."""

import numpy as np
import pandas as pd
import pytest

from analysis import Cell, Comparison, Group, Paired, Row, Table, sections
from analysis.paper import beside, printed, total

TITLES = {"balanced_accuracy": "Balanced accuracy", "auc": "ROC-AUC", "positives_ratio": "Positives ratio"}


def as_printed(number, change=lambda row, metric, arm, cell: cell):
    """Return a table of ours that is the paper's, but for what ``change`` does to a cell."""
    theirs = printed(number)
    test = (Comparison("other", Paired(9, 0, 0.1, 1.0, 0.5)),)
    names = {"alps": "ALPS", "badge": "BADGE", "dal": "DAL", "random": "Random"}
    rows = []
    for line in theirs["rows"]:
        cells = []
        for metric in TITLES:
            for arm in theirs["arms"]:
                own = line["metrics"][metric][arm]
                cell = Cell(f"{own['mean']:.4f}", own["mean"], 9, own["bold"], against=test, runs=(f"{arm} {metric}",))
                cells.append(change(line["row"], metric, arm, cell))
        rows.append(Row((names.get(line["row"], line["row"]),), tuple(cells)))
    groups = tuple(Group(title, tuple(theirs["arms"])) for title in TITLES.values())
    return Table(f"table{number}", f"T{number}", "ours", "", ("row",), groups, tuple(rows))


@pytest.mark.parametrize(
    ("number", "signs", "marks"), [(2, 11, 24), (3, 12, 24), (4, 15, 30), (5, 15, 30), (6, 12, 18)]
)
def test_the_paper_agrees_with_itself(number, signs, marks):
    """Signs: rows x metrics x other weightings, less the one tie in print (dbpedia_14's AUC in Table 2)."""
    found = beside(as_printed(number), number)
    assert found.agreement.signs == (True,) * signs
    assert found.agreement.marks == (True,) * marks
    assert f"agrees with the paper in {signs} of {signs} comparisons, marks in {marks} of {marks} cells" in (
        found.table.caption
    )
    assert all(abs(row.cells[2].value) < 1e-12 for row in found.table.rows)


def test_votes_counted_by_hand():
    def change(row, metric, arm, cell):
        if (row, metric, arm) == ("badge", "auc", "InvProp"):  # printed 0.8914 > 0.8901, not bold
            return Cell("0.8800", 0.88, 9, bold=True, against=cell.against, runs=("run",))
        if (row, metric, arm) == ("dal", "auc", "Uniform"):
            return Cell("–", note="9 of 9 runs missing")
        return cell

    found = beside(as_printed(3, change), 3)
    assert (found.agreement.signs.count(False), len(found.agreement.signs)) == (1, 11)
    assert (found.agreement.marks.count(False), len(found.agreement.marks)) == (1, 23)
    rows = {row.labels[::2]: row.cells for row in found.table.rows if row.labels[1] == "ROC-AUC"}
    ours, theirs, difference, _, _, agrees = rows["BADGE", "InvProp"]
    assert (ours.text, ours.bold, theirs.text, theirs.bold) == ("0.8800", True, "0.8914", False)
    assert (difference.text, agrees.text) == ("−0.0114", "no")
    effect = rows["BADGE", "InvProp − Uniform"]
    assert [cell.text for cell in effect] == ["−0.0101", "+0.0013", "−0.0114", "–", "–", "no"]
    assert effect[0].runs == ("run", "Uniform auc")
    assert effect[1].runs == ()
    assert [cell.text for cell in rows["DAL", "Uniform"]] == ["–", "0.8560", "–", "–", "–", "–"]
    assert rows["DAL", "Uniform"][0].note == "9 of 9 runs missing"


def test_the_summary_line_counts_over_all_tables():
    agreement = total(beside(as_printed(number), number) for number in (2, 3))
    assert agreement.line == "sign of the effect agrees with the paper in 23 of 23 comparisons, marks in 48 of 48 cells"


def test_tables_without_printed_values_or_common_rows_have_nothing_beside_them():
    assert printed(7) is None
    assert beside(as_printed(3), 7) is None
    assert beside(as_printed(3), 4) is None


def test_a_row_that_we_did_not_run_is_left_out(factory):
    (section,) = sections(factory.results(factory.grid()))
    (four,) = [one for one in section.numbered if one.table.address == "T4"]
    assert [row.labels for row in four.paper.table.rows] == [
        ("50", title, arm) for title in TITLES.values() for arm in ("InvProp", "Uniform", "InvProp − Uniform")
    ]
    assert len(four.paper.agreement.marks) == 6


def test_without_the_papers_algorithms_the_full_results_say_where_the_effect_is(factory):
    """InvProp is better by far under one algorithm, and the same within noise under the other."""
    identities = factory.grid(seeds=range(5), algorithms=("mine", "yours"))
    helped = (identities["weighting"] == "invprop") & (identities["algorithm"] == "mine")
    noise = np.random.default_rng(0).normal(0, 0.01, (len(identities), 3))
    (section,) = sections(factory.results(identities, 0.5 + 0.2 * helped.to_numpy()[:, None] + noise))
    *effects, highest = section.findings
    table = section.table("T8")
    assert highest.startswith("Highest means")
    for line, group in zip(effects, table.groups, strict=True):
        above = [row.cells[table.columns.index((group.title, "InvProp"))].against[0] for row in table.rows]
        number = sum(one.paper.difference > 0 for one in above)
        assert line == (
            f"{group.title}, InvProp minus Uniform: above 0 in {number} of 2 rows, significantly (p < 0.05) in 1 by "
            "paper mode and in 1 by sound mode (T8)"
        )


def test_versions_of_the_weighting_are_told_apart_in_the_first_lines(factory):
    old, new = factory.grid(), factory.grid(weightings=("invprop",)).assign(weighting_version="2")
    (section,) = sections(factory.results(pd.concat([old, new], ignore_index=True)))
    effects = [line.partition(" (one-sided")[0] for line in section.findings if line.endswith("(T4)")]
    assert effects == [
        f"{title}, InvProp (version {version}) minus Uniform" for title in TITLES.values() for version in (1, 2)
    ]


def test_a_section_says_how_often_it_agrees(factory):
    """A store in which InvProp finds more and is better, as in the paper at 1/50."""
    identities = factory.grid(seeds=range(5), tasks=factory.TASKS_OF_THE_PAPER, algorithms=("random",))
    gain = (identities["weighting"] == "invprop").to_numpy()[:, None] * 0.2
    noise = np.random.default_rng(0).normal(0, 0.01, (len(identities), 3))
    (section,) = sections(factory.results(identities, 0.5 + gain + noise))
    by_table = {one.table.address: one.paper.agreement for one in section.numbered if one.paper}
    assert by_table["T3"].signs == (True, True, True)
    assert by_table["T3"].marks == (True,) * 6
    assert section.agreement.signs == tuple(vote for one in by_table.values() for vote in one.signs)
