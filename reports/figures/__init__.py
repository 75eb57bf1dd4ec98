"""Figures with seaborn and matplotlib: ``draw`` turns an :class:`analysis.figures.Figure` into SVG and PDF."""

from reports.figures.draw import draw
from reports.figures.style import Kind

__all__ = ["Kind", "draw"]
