"""The one figure model: what is drawn and what is said of it; ``reports`` only draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Drawing = Literal[
    "curves", "positives", "ratios", "forest", "p-values", "wins", "times", "scores", "informativeness", "nights",
    "standings",
]  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """A figure ready to be drawn.

    Attributes:
        name: unique in a report; file name without suffix. drawing: how it is drawn.
        title: one line. caption: sentences that say what is shown, its unit and what is missing.
        data: the drawing's frames by name, as the functions of :mod:`analysis.figures` return them.
    """

    name: str
    drawing: Drawing
    title: str
    caption: str
    data: Mapping[str, pd.DataFrame]
