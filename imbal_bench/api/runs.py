"""What ``ib.run`` returns: the runs of a grid, as frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from bench.grid.expansion.blocks import Grid
    from bench.records import RunSpec

IDENTITY = ["key", "dataset", "positive", "ratio", "start", "learner", "seed", "algorithm", "weighting", "strategy"]
PROGRESS = ["round", "labelled", "labelled_positives", "selected", "selected_positives"]
FEW = 4


@dataclass(frozen=True, repr=False)
class Runs:
    """The runs of a grid, as a store holds them now.

    Attributes:
        store: folder of the results; it may hold runs of other grids too.
        grid: what was asked for.
        failures: a line for each run that failed in this call.
    """

    store: Path
    grid: Grid
    failures: tuple[str, ...] = ()

    @cached_property
    def specs(self) -> dict[str, RunSpec]:
        """Key -> what is run, of each run that there should be."""
        return {key: run for job in self.grid.jobs for key, run in zip(job.keys, job.runs, strict=True)}

    @property
    def skipped(self) -> tuple[str, ...]:
        """Why tasks of the grid cannot be run at a ratio; each reason once."""
        return tuple(sorted({it.reason for it in self.grid.skipped}))

    @property
    def missing(self) -> int:
        """How many runs are not finished."""
        from bench.store import Store

        return len(self.specs.keys() - Store(self.store).keys())

    def __len__(self) -> int:
        """Return how many runs are finished."""
        return len(self.specs) - self.missing

    def frame(self) -> pd.DataFrame:
        """Return a line for each finished run and metric: what the run is, ``metric``, and its ``value`` at the end."""
        import pandas as pd

        wide = self._own(_stored(self.store).runs)
        metrics = [name for name in _metrics(wide) if wide[name].notna().any()]
        rows = self._identity(wide).join(wide.set_index("key")[metrics], on="key")
        long = rows.melt(IDENTITY, metrics, "metric", "value").dropna(subset="value")
        return pd.DataFrame(long).sort_values(["metric", *IDENTITY[1:]], kind="stable", ignore_index=True)

    def rounds(self) -> pd.DataFrame:
        """Return a line for each finished run and round; round 0 is the start set.

        Columns are what the run is, labelled and queried examples so far (``selected``: without the start set), the
        metrics on the test set, and ``seconds_<stage>``.
        """
        found = self._own(_stored(self.store).rounds)
        timed = [name for name in found.columns if name.startswith("seconds_")]
        values = found[["key", *PROGRESS, *_metrics(found), *timed]]
        return self._identity(found).merge(values, on="key").sort_values([*IDENTITY[1:], "round"], ignore_index=True)

    def _own(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["key"].isin(self.specs)]

    def _identity(self, found: pd.DataFrame) -> pd.DataFrame:
        """Return what each run of a frame is, a line a run."""
        import pandas as pd

        keys = dict.fromkeys(found["key"])
        return pd.DataFrame([_identity(key, self.specs[key]) for key in keys], columns=IDENTITY)

    def __repr__(self) -> str:
        spec, tasks = self.grid.spec, dict.fromkeys(str(job.block.task) for job in self.grid.jobs)
        strategies = dict.fromkeys(run.strategy.as_typed for run in self.specs.values())
        missing = f", {self.missing} missing" if self.missing else ""
        counts = f"{_few(tasks)} x {len(spec.ratios)} ratios x {len(spec.seeds)} seeds, {', '.join(spec.learners)}"
        return f"{len(self):,} runs in {self.store}{missing}: {counts}\n{_few(strategies)}"

    def _repr_html_(self) -> str:
        """Return a small table: mean metrics of each strategy, a line a ratio and learner."""
        from analysis import METRICS, metric_title

        frame = self.frame()
        shown = frame[frame["metric"].isin(METRICS)]
        rows = ["learner", "ratio", "strategy"]
        table = shown.pivot_table("value", rows, "metric", sort=False).rename(columns=metric_title)
        head, _, _ = repr(self).partition("\n")
        return (
            f"<p>{escape(head)}; means over tasks and seeds:</p>{table.to_html(float_format='{:.4f}'.format, border=0)}"
        )


def _stored(store: Path) -> Any:
    """Return all runs of a store as frames."""
    from analysis import Store, read_results

    return read_results(Store(store))


def _metrics(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a frame that hold metrics, the judge's too."""
    from bench.metrics.catalogue import every

    known = every()
    return [name for name in frame.columns if name in known or name.startswith("judge.")]


def _identity(key: str, run: RunSpec) -> list[object]:
    from bench.records import learners_as_typed

    block, pair = run.block, run.strategy
    learner = learners_as_typed(block.learners)
    place = [block.task.dataset, block.task.positive, block.ratio, block.start, learner, block.seed]
    return [key, *place, pair.algorithm.as_typed, pair.weighting.as_typed, pair.as_typed]


def _few(names: dict[str, None]) -> str:
    shown = ", ".join(list(names)[:FEW])
    return shown if len(names) <= FEW else f"{shown} and {len(names) - FEW} more"
