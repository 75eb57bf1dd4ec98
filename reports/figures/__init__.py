"""Figures with seaborn and matplotlib: ``draw`` turns an :class:`analysis.figures.Figure` into SVG and PDF."""

from reports.figures.draw import draw
from reports.figures.style import ImageKind

__all__ = ["ImageKind", "draw"]
