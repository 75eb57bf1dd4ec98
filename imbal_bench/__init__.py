"""Benchmark active learning on imbalanced text, from Python.

    import imbal_bench as ib

    strategies = ["random+uniform", "badge+invprop"]
    runs = ib.run(tasks=["sst2"], ratios=[50], seeds=10, learner="probe", strategies=strategies)
    runs.frame()
    ib.compare(runs, "badge+invprop", "random+uniform")
    ib.report(runs)

``ib.dataset`` makes a dataset of your own texts, ``ib.select`` returns the next batch for a loop of your own. What a
name needs is loaded when it is first used. Importing this package makes sure that its siblings ``bench``, ``analysis``
and ``reports`` are what these names mean (:mod:`imbal_bench.packages`).
"""

from typing import TYPE_CHECKING, Any

from imbal_bench import packages as _packages

_packages.come_first()

if TYPE_CHECKING:
    from imbal_bench.api import Comparison, Comparisons, Dataset, Page, Runs, compare, dataset, report, run, select

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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'imbal_bench' has no attribute {name!r}; it has {', '.join(__all__)}")
    from imbal_bench import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
