"""What all figures share: size, type, colours that survive print and colour blindness, and bytes without chance."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator

from analysis import METRICS
from reports.figures.svg import slim

ImageKind = Literal["svg", "pdf"]
WIDE, NARROW = 6.3, 3.3
"""Inches: the text width of a page, and of a column of two, so that type is printed at the size it is set in."""
SMALLEST = 7.0
"""Points of the smallest type."""
POINTS, PIXELS = 72, 100
"""An inch: of what PDF and SVG are measured in, and of an image in them."""
_width: ContextVar[float] = ContextVar("width", default=WIDE)
MANY, FLATTER = 12, 0.75
"""More small multiples than this are drawn flatter, so that a figure still fits a page."""
TICKS = 4
"""Most intervals between ticks of a narrow panel."""
BESIDE, LETTER = 0.8, 0.065
"""Inches that labels take left of panels, and that a letter of a title is wide on average."""
GREY = "#808080"  # readable on white and on black
INK = "#111111"  # text on a coloured ground: written out, so that a page's own colour does not take its place
PALETTE = sns.color_palette("colorblind")
_METADATA: dict[ImageKind, dict[str, None]] = {
    "svg": dict.fromkeys(("Date", "Creator", "Format", "Type")),
    "pdf": dict.fromkeys(("CreationDate", "Creator", "Producer")),
}


@dataclass(frozen=True)
class Appearance:
    """What tells one thing from its neighbours: by colour, and in grey by line, marker or hatch."""

    colour: tuple[float, float, float]
    line: Any
    marker: str
    hatch: str


_LOOKS = [
    Appearance(PALETTE[colour], line, marker, hatch)
    for colour, line, marker, hatch in [
        (0, "-", "o", ""),
        (1, "--", "s", "////"),
        (2, ":", "^", "--||"),  # dots would be 80 kB of circles in each SVG
        (3, "-.", "D", "xxxx"),
        (4, (0, (5, 1)), "v", "\\\\\\\\"),
        (9, (0, (1, 1)), "P", "----"),
        (5, (0, (3, 1, 1, 1)), "X", "||||"),
        (8, (0, (8, 2)), "<", "+x"),
        (7, (0, (2, 2)), ">", "//--"),
        (6, (0, (4, 1, 1, 1)), "p", "\\\\||"),
    ]
]
_FIXED = ("InvProp", "PosProb", "Uniform")


def looks(labels: Sequence[str]) -> dict[str, Appearance]:
    """Return a look for each label; the paper's weightings look the same in all figures."""
    others = [label for label in labels if label not in _FIXED]
    order = [*_FIXED, *others] if len(others) < len(labels) else others
    return {label: _LOOKS[order.index(label) % len(_LOOKS)] for label in labels}


def several_looks(count: int) -> list[Appearance]:
    """Return looks for things that are no weightings."""
    return [_LOOKS[number % len(_LOOKS)] for number in range(count)]


def by_name(labels: Iterable[str]) -> list[str]:
    """Return the distinct labels by letter, whatever their case."""
    return sorted(set(labels), key=lambda label: (label.lower(), label))


def in_order(metrics: Iterable[str]) -> list[str]:
    """Return the distinct metrics in the order of all tables."""
    return [*(metric for metric in METRICS if metric in set(metrics)), *sorted(set(metrics) - set(METRICS))]


_DEFAULTS: Any = {name: value for name, value in mpl.rcParamsDefault.items() if name not in {"backend", "interactive"}}
"""Of matplotlib, in place of a ``matplotlibrc`` in the working directory or the user's configuration."""


def is_narrow() -> bool:
    """Return whether what is being drawn is for a column."""
    return _width.get() < (WIDE + NARROW) / 2


def across() -> int:
    """Return how many small multiples stand in a row."""
    return 2 if is_narrow() else 4


def rendered(
    build: Callable[[], Canvas], salt: str, width: float = WIDE, kinds: Sequence[ImageKind] = ("svg", "pdf")
) -> dict[ImageKind, bytes]:
    """Return what is built as files of a width in inches; an SVG's ids are derived from the salt instead of chance."""
    style: Any = {
        **sns.axes_style("ticks"),
        "svg.hashsalt": salt,
        "svg.fonttype": "none",
        "pdf.fonttype": 42,
        "text.parse_math": False,  # a `$` in a name is a dollar sign
        "font.family": "sans-serif",
        "font.size": 8,
        "axes.titlesize": 8,
        "axes.labelsize": 8,
        "xtick.labelsize": SMALLEST,
        "ytick.labelsize": SMALLEST,
        "legend.fontsize": 7.5,
        "hatch.linewidth": 0.5,
        "lines.linewidth": 1.4,
        "lines.markersize": 3.5,
        "axes.linewidth": 0.7,
        "axes.edgecolor": GREY,
        "xtick.color": GREY,
        "ytick.color": GREY,
        # black text is written without a colour, so that a page can set its own
        **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), "black"),
        "axes.grid": True,
        "grid.color": GREY,
        "grid.alpha": 0.25,
        "grid.linewidth": 0.5,
    }
    before = _width.set(width)
    with mpl.rc_context({**_DEFAULTS, **style}):
        drawn = build()
        _place(drawn)
        files = {kind: _saved(drawn, kind) for kind in sorted(kinds)}
    _width.reset(before)
    return files


def _place(drawn: Canvas) -> None:
    """Find the places of all parts once; with a layout engine, each file would be drawn twice, once for nothing."""
    engine = drawn.get_layout_engine()
    if engine and drawn.axes:
        with suppress(ValueError):  # names that leave no room: matplotlib, too, draws such a figure as it is
            engine.execute(drawn)
    drawn.set_layout_engine(None)


def _saved(drawn: Canvas, kind: ImageKind) -> bytes:
    out = io.BytesIO()
    drawn.savefig(out, format=kind, dpi=PIXELS, transparent=kind == "svg", metadata=_METADATA[kind])
    return slim(out.getvalue()) if kind == "svg" else out.getvalue()


def canvas(height: float) -> Canvas:
    """Return an empty figure of a height in inches."""
    drawn = Canvas(figsize=(_width.get(), height), dpi=POINTS, layout=ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03))
    FigureCanvasPdf(drawn)
    return drawn


def over_panels(label: str, count: int, beside: float = BESIDE) -> str:
    """Return a label in lines that fit over one of so many panels side by side, left of which are inches of labels."""
    return textwrap.fill(label, max(int((_width.get() - beside) / count / LETTER), 1), break_long_words=False)


def wrapped(label: str, width: int = 26) -> str:
    """Return a label in lines that fit over a small panel."""
    return textwrap.fill(label, width)


def small_multiples(titles: Sequence[str], heights: Sequence[float]) -> tuple[Canvas, list[list[Axes]]]:
    """Return a figure with a place for each title, :func:`across` in a row, and the panels of each, top to bottom.

    Args:
        titles: what stands over each place.
        heights: inches of each panel of a place. All panels share x; those at one level of all places share y.
    """
    count, levels = len(titles), len(heights)
    heights = [height * (1 if count <= MANY else FLATTER) for height in heights]
    rows, columns = -(-count // across()), min(count, across())
    drawn = canvas(0.6 + rows * (sum(heights) + 0.35))
    grid = drawn.add_gridspec(rows * levels, columns, height_ratios=list(heights) * rows)
    first: list[Axes] = []
    places: list[list[Axes]] = []
    for number, title in enumerate(titles):
        row, column = divmod(number, across())
        panels: list[Axes] = []
        for level in range(levels):
            shared = {"sharex": first[0] if first else None, "sharey": first[level] if number else None}
            panel = drawn.add_subplot(grid[row * levels + level, column], **shared)
            is_lowest = level == levels - 1 and number + across() >= count
            panel.tick_params(labelleft=column == 0, labelbottom=is_lowest)
            sns.despine(ax=panel)
            panels.append(panel)
            first = first if number else panels
        panels[0].set_title(wrapped(title))
        places.append(panels)
    return drawn, places


def row_of_panels(titles: Sequence[str], height: float) -> tuple[Canvas, list[Axes]]:
    """Return a figure of panels side by side that share y, under their titles."""
    drawn = canvas(height)
    panels = list(drawn.subplots(1, len(titles), squeeze=False, sharey=True)[0])
    for panel, title in zip(panels, titles, strict=True):
        panel.set_title(over_panels(title, len(titles)))
        panel.xaxis.set_major_locator(MaxNLocator(2 if is_narrow() else TICKS))
        sns.despine(ax=panel)
    return drawn, panels


def legend(drawn: Canvas, handles: dict[str, Any]) -> None:
    """Put one legend above all panels, in as many columns as there is room for."""
    em = FontProperties(size=mpl.rcParams["legend.fontsize"]).get_size_in_points()
    ems = mpl.rcParams
    around = ems["legend.handlelength"] + ems["legend.handletextpad"] + ems["legend.columnspacing"]
    widest = max(TextPath((0, 0), label, size=em).get_extents().width for label in handles)
    room = int(_width.get() * 72 // (widest + em * around))
    rows = -(-len(handles) // max(min(room, 5), 1))
    drawn.legend(
        list(handles.values()), list(handles), loc="outside upper center", ncols=-(-len(handles) // rows), frameon=False
    )


def zero_line(panel: Axes, *, vertical: bool = False) -> None:
    """Draw the line of no difference."""
    (panel.axvline if vertical else panel.axhline)(0, color=GREY, linewidth=0.8, zorder=1)


def error_bars(frame: pd.DataFrame) -> np.ndarray:
    """Return the intervals as lengths below and above the mean, (2, n); NaN where there is no interval."""
    return np.vstack([frame["mean"] - frame["low"], frame["high"] - frame["mean"]]).astype(float)
