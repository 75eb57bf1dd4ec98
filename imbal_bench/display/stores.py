"""What stores hold, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from imbal_bench.display.tables import MOST_LINES, facts_table, show_lines

if TYPE_CHECKING:  # a command loads what it needs and no more
    from bench.grid.driver.execute import Summary
    from bench.grid.stored.audit import Audit
    from bench.grid.stored.rescore import Rescoring
    from bench.store.compact import Compaction
    from bench.store.merge import Merge
    from bench.store.published import Manifest
    from imbal_bench.workflows.report import Reported
    from imbal_bench.workflows.status import StoreStatus
    from imbal_bench.workflows.stores import Agreed, Conversion, StoreMigrated

MOST_FAILURES = 5


def show_status(found: StoreStatus, console: Console) -> None:
    """Show what a store holds, how far grids on it have come, and what its workers are doing."""
    from bench.grid.driver.progress import clock

    rows = {
        "store": str(found.store),
        "runs": f"{found.done:,}",
        "failed": str(found.failed),
        "skipped": str(found.skipped),
    }
    if found.others:
        rows["replicates"] = f"{found.others:,}; imbal-bench store replicates says how far they agree"
    if found.damaged:
        rows["damaged packs"] = f"{found.damaged:,}; imbal-bench doctor names them"
    for one in found.grids:
        share = f"{one.done:,} of {one.total:,} runs, {one.done / max(one.total, 1):.0%}"
        rows[f"grid {one.grid}"] = share + ("" if one.left_s is None else f", about {clock(one.left_s)} left")
    rows |= {f"worker {i}": f"{beat.what}, {beat.stage}" for i, beat in enumerate(found.workers, 1)}
    console.print(facts_table("Status", rows))
    for reason, count in list(found.reasons.items())[:MOST_FAILURES]:
        console.print(f"{count:,} failed: {reason}", style="red")
    for line in found.failures:
        console.print(f"failed: {line}", style="red")


def show_summary(summary: Summary, store: Path, console: Console) -> None:
    """Show what became of a grid."""
    console.print(
        f"{summary.stored_before + summary.done} of {summary.total} runs stored in {store} "
        f"({summary.done} now, {summary.skipped} infeasible ones skipped); log: {summary.log_file}"
    )
    if summary.missing:
        for line in summary.failures[:MOST_FAILURES]:
            console.print(f"failed: {line}", style="red")
        console.print(f"{summary.missing} runs failed; the same command tries them again", style="red")


def show_report(written: Reported, console: Console) -> None:
    """Print tables of a report, and say where it is."""
    console.print(written.shown)
    console.print(f"report: {written.files.html.resolve()}", soft_wrap=True)
    if written.paper:
        console.print(f"for an article: {(written.paper / 'main.tex').resolve()}", soft_wrap=True)


def show_audit(store: Path, found: Audit, console: Console) -> None:
    """Show whether a store's runs are what they must be."""
    console.print("", f"{found.runs} runs in {store}: {f'{len(found.wrong)} wrong' if found.wrong else 'all sound'}")
    for line in found.wrong:
        console.print(line, style="red")
    for line in sorted(found.unchecked):
        console.print(f"not held against its data: {line}", style="yellow")


def show_merge(found: Merge, console: Console, *, dry_run: bool) -> None:
    """Show what was merged, or would be."""
    for title, lines in (("conflict", found.conflicts), ("refused", found.refused), ("left out", found.unreadable)):
        show_lines(title, lines, "red", console)
    added = f"{found.new:,} runs and {found.unfinished:,} failed or skipped ones"
    again = _counted(found.agreements)
    console.print(
        f"{'would add' if dry_run else 'added'} {added}; {found.known:,} were there already"
        + (f"; other results of runs that were there: {again}" if again else "")
    )


def show_migration(found: StoreMigrated, console: Console) -> None:
    """Show what was brought to today's form, and what could not be."""
    done = found.done
    show_lines("set aside", done.set_aside[:MOST_LINES], "red", console)
    show_unknown(found.unknown, console)
    console.print(
        f"{done.runs:,} runs, {done.unfinished:,} failed or skipped ones, {done.replicates:,} replicates and "
        f"{found.plans:,} plans converted; {len(done.set_aside):,} set aside"
    )


def show_unknown(found: Conversion, console: Console) -> None:
    """Say what was not known of the records that were converted, and what follows."""
    lines = [
        f"{count:,} records are of a model {name!r} that is not here, or has other weights now: they are compared with "
        "each other, and not found by grids that are run from now on"
        for name, count in found.unknown_models.items()
    ]
    lines += [f"{count:,} records are of the {name}: they bear that name" for name, count in found.renamed.items()]
    lines += [
        f"{count:,} records are of the {name}, which is not known here: they are kept and reported, and not found by "
        "grids that are run from now on; give --plugin to change that before migrating"
        for name, count in found.unknown_parts.items()
    ]
    for line in lines:
        console.print(line, style="yellow")


def show_compaction(done: Compaction, console: Console) -> None:
    """Show how many runs went into packs."""
    moved = f"{done.runs:,} runs moved out of files of their own ({done.bytes_before / 1e6:,.1f} MB)"
    console.print(f"{moved}; {done.packs:,} new packs ({done.bytes_after / 1e6:,.1f} MB)")
    if done.unsound:
        console.print(f"{done.unsound:,} damaged runs were left as they are; doctor names them", style="red")


def show_published(folder: Path, found: Manifest, console: Console) -> None:
    """Show what was published, and what it weighs."""
    size = sum(one.size for one in found.files.values())
    console.print(
        f"{found.runs:,} runs published in {folder}, {size / 1e6:,.2f} MB, {size / found.runs:,.0f} bytes a run; "
        f"{found.failed:,} failed and {found.skipped:,} skipped ones are listed"
    )
    for part in found.left_out:
        console.print(f"left out: {part}")


def show_replicates(store: Path, found: Sequence[Agreed], console: Console) -> None:
    """Show how far results of other machines agree with a store's own."""
    for one in found:
        console.print(f"{one.makes}: {_counted(one.degrees)}; test probabilities up to {one.largest:.2g} apart")
    if not found:
        console.print(f"{store} has no replicates; store merge keeps them where stores have runs in common")


def show_rescoring(done: Rescoring, console: Console) -> None:
    """Show which metrics were added to how many runs, and what could not be completed."""
    show_lines("was wrong", done.replaced, "red", console)
    for reason, runs in done.left_out.items():
        console.print(f"{runs:,} runs lack metrics still: {reason}", style="yellow")
    added = ", ".join(f"{name} ({count:,})" for name, count in sorted(done.added.items())) or "nothing"
    console.print(
        f"{done.runs:,} runs, {done.changed:,} changed; values added: {added}; replaced: {len(done.replaced):,}"
    )


def _counted(degrees: Counter[str]) -> str:
    return ", ".join(f"{count:,} {degree}" for degree, count in sorted(degrees.items()))
