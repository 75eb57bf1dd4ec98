"""Strategies = algorithms x weightings. One file per algorithm; an addition is one new file and no edit."""
