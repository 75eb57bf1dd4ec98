"""A grid that fits the machine: a linear probe where there is no GPU, smaller pools on little memory; never in silence.

A night of the gate needs seeds enough that one with nothing wrong passes. With a run's SD as the linear probe's over
seeds at ratio 1/50 (balanced accuracy .015, ROC-AUC .018, positives ratio .039, on sst2/negative, ag_news/World and
ag_news/Sports) and the margins of ``nightly``, four strategies on 14 tasks pass together in .07 of nights of 3 seeds,
.71 of 6, .96 of 10 (:func:`analysis.gate.simulation.clean_night`): hence the ten seeds of ``nightly-probe``.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.config import GridSpec
from imbal_bench.nights.nights import Begun

BY_MACHINE = "by machine"
"""Stands for the preset that the machine is good for."""
WITH_GPU, WITHOUT_GPU = "nightly", "nightly-probe"
FINE_TUNED = "fine-tune"
MEMORY_GB = 8.0
"""Free memory that full pools of BERT's embeddings and surprisal are at home in."""
SMALL_POOL = 3000


def fitted(spec: str, load: Callable[[str, list[str]], GridSpec], *, has_gpu: bool, free_gb: float) -> Begun:
    """Return what a machine can run of a specification, and a line for each choice that was made.

    A preset or file that is named is run as it is, but for pools of more than ``SMALL_POOL`` rows of a fine-tuned
    encoder on a machine with little memory. A limit given beside the file has the last word.

    Args:
        spec: a preset, a file, or ``BY_MACHINE``.
        load: reads it under overrides; the user's own, given beside it, come after these and win.
        has_gpu: whether there is one to run on.
        free_gb: memory that is free.
    """
    notes = []
    name = spec
    if spec == BY_MACHINE:
        name = WITH_GPU if has_gpu else WITHOUT_GPU
        notes.append(f"{'a GPU' if has_gpu else 'no GPU'} here: the preset {name} is run")
    grid = load(name, [])
    tuned = any(learner.partition(":")[0] == FINE_TUNED for learner in grid.learners)
    if tuned and free_gb < MEMORY_GB and (grid.pool.limit or SMALL_POOL + 1) > SMALL_POOL:
        whole, grid = grid, load(name, [f"pool.limit={SMALL_POOL}"])
        if grid != whole:
            notes.append(
                f"{free_gb:.1f} GB of memory are free, less than {MEMORY_GB:g}: "
                f"pools are limited to {SMALL_POOL:,} rows"
            )
    return Begun(grid=grid, notes=tuple(notes))
