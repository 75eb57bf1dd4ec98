"""The figures of a report: their numbers and their captions; ``reports.figures`` only draws them.

``figures_of`` gives all figures of a set of runs, ``score_figure`` the paper's Figure 1 of one run. The functions
behind them return tidy frames: one row a mark.
"""

from analysis.figures.catalogue import figures_of, score_figure
from analysis.figures.model import Figure
from analysis.figures.selected import nearest_texts
from analysis.figures.sources import sourced

__all__ = ["Figure", "figures_of", "nearest_texts", "score_figure", "sourced"]
