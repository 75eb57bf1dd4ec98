"""The one figure model: what is drawn and what is said of it; ``reports`` only draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Drawing = Literal[
    "standing", "best", "effect-map", "matrix", "curves", "positives", "ratios", "forest", "wins", "times", "scores",
    "informativeness", "nights", "margins",
]  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure ready to be drawn.

    Attributes:
        name: unique in a report; file name without suffix. drawing: how it is drawn.
        title: one line. caption: sentences that say what is shown, its unit and what is missing.
        alt: what it shows in a sentence or two, with the numbers that matter, for those who cannot see it.
        panel: name of the ratio and start it is of; empty if it is of several.
        main: whether it answers who does best; others stand behind.
        data: the drawing's frames by name, as the functions of :mod:`analysis.figures` return them.
    """

    name: str
    drawing: Drawing
    title: str
    caption: str
    data: Mapping[str, pd.DataFrame]
    alt: str = ""
    panel: str = ""
    main: bool = False
