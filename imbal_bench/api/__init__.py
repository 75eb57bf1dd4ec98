"""The Python interface: workflows with arguments and results that suit a notebook."""

from imbal_bench.api.comparing import compare
from imbal_bench.api.comparison import Comparison, Comparisons
from imbal_bench.api.datasets import Dataset, dataset
from imbal_bench.api.page import Page, report
from imbal_bench.api.running import run
from imbal_bench.api.runs import Runs
from imbal_bench.api.selecting import select

__all__ = [
    "Comparison",
    "Comparisons",
    "Dataset",
    "Page",
    "Runs",
    "compare",
    "dataset",
    "report",
    "run",
    "select",
]
