"""Metrics: what a round, a run or a group of runs is judged by, computed from what is stored."""
