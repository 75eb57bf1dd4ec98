"""What stands above and beside the cells of a table."""

from __future__ import annotations

from analysis.comparisons import Numbers
from analysis.names import AXIS_TITLES, ratio_words


def shared(numbers: Numbers) -> dict[str, str]:
    """Return ratio and start by axis, where all runs of a table share them and no header must show them."""
    definition, selection = numbers.definition, numbers.selection
    shown = {axis for axis in (*definition.rows, definition.columns) if axis in definition.where}
    same = {
        axis: selection.tried[axis][0]
        for axis in ("ratio", "start")
        if axis not in shown and len(selection.tried[axis]) == 1
    }
    return {
        axis: ratio_words(int(value), selection.share) if axis == "ratio" else f"{value} start"
        for axis, value in same.items()
    }


def row_headers(numbers: Numbers) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return headers and labels of the rows; what all rows share is not among them."""
    rows, same = numbers.definition.rows, shared(numbers)
    kept = [at for at, axis in enumerate(rows) if axis not in same]
    labels = [tuple(own[at] for at in kept) for own in numbers.selection.row_labels]
    return tuple(AXIS_TITLES[rows[at]] for at in kept), labels
