"""Grids: expand a specification, plan it, run what is missing of it."""
