"""The runs of a store for publication: tables that need no program of ours, what their columns mean, and hashes.

Names of machines and places on their disks stay out of it, and so do texts of the datasets, whatever runs kept of them:
texts have licences of their own, and may be of people.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pandas as pd

from analysis import ROWS, Results, Store, expanded, metric_summary, read_results, without_folders, write_atomically
from reports.paper import MANIFEST, with_manifest
from reports.plain import frame_to_csv, frame_to_parquet

_PLACES = ["model", "data_source"]
"""What may name a place on a disk."""
_FILES = {
    "runs": "one row per finished run: its place in the grid, the metrics after the last round, what it was made with",
    "rounds": "one row per finished run and round; round 0 is the start set and the model trained on it",
    "unfinished": "one row per run that failed or was skipped: holes that an analysis must not overlook",
    "settings.json": "the scientific settings (loop, pool, model, training) behind each value of the column settings",
}
COLUMNS = {
    "key": "name of the run: hash of the settings that it reads, model and data by content, strategy and its version",
    "ratio": "x: positives are the fraction 1/x of the pool; 0: the natural ratio, nothing dropped",
    "start": "warm (a labelled start set) or cold (none)",
    "settings": "short hash of the settings that all strategies read, which settings.json spells out",
    "learner": "what is trained on the labels, with options that are not at their default, and its judge",
    "strategy": "short hash of algorithm, weighting, their options and versions, and settings that they alone read",
    "dataset": "dataset",
    "positive": "the class that is rare (one-vs-rest)",
    "seed": "seed of the run; runs of one dataset, positive, ratio, start, settings and seed are matched",
    "algorithm": "selection algorithm",
    "algorithm_options": "its options and the settings that it alone reads, as JSON",
    "algorithm_version": "version of its code",
    "weighting": "weights it works under",
    "weighting_options": "their options, as JSON",
    "weighting_version": "version of their code",
    "fingerprint": "hash of the texts and labels of the dataset",
    "pair_key": "hash of all that two runs must share to be compared as a pair",
    "seconds": "seconds of the whole run",
    "pool_rows": "rows of the pool before the start set is taken from it",
    "pool_positives": "positives among them",
    "test_rows": "rows of the test set",
    "pairwise_distance": "mean cosine distance of two selected positives, in the pre-trained encoder's space",
    "start_distance": "mean cosine distance of a selected positive to the nearest positive of the start set",
    "model": "encoder",
    "device": "device",
    "precision": "precision of passes",
    "lm_head": "masked-LM head: of the checkpoint, trained, or unused",
    "data_source": "where the texts came from",
    "git_commit": "commit of the code",
    "finished": "when the run ended (UTC)",
    "round": "round",
    "labelled": "rows labelled so far, start set included",
    "labelled_positives": "positives among them",
    "selected": "rows selected so far, start set excluded",
    "selected_positives": "positives among them",
    "rows": "row numbers, in the dataset's train split, of what was labelled in this round, as JSON",
    "status": "failed or skipped",
}
"""What each column means; ``seconds_<stage>`` are seconds of one stage in one round."""


def write_publication(store_path: str | Path, out: str | Path) -> tuple[str, ...]:
    """Write the runs of a store for publication; the same store gives the same bytes.

    Args:
        store_path: the store.
        out: a folder, or one file that ends in .zip. Files of the same names are replaced.

    Returns:
        the names of the files written.

    Raises:
        StoreError: if there is no store, it was published without the rows that are to be written, or a file cannot be
            written.
    """
    files, out = publication(Store(store_path)), expanded(out)
    if out.suffix == ".zip":
        write_atomically(out, _zipped(files, out.stem))
    else:
        for name, content in files.items():
            write_atomically(out / name, content)
    return tuple(files)


def publication(store: Store) -> dict[str, bytes]:
    """Return file name -> content of the runs of a store for publication."""
    store.published.refuse("an export of runs", ROWS)
    results = read_results(store)
    frames = {
        "runs": results.runs.assign(**{name: results.runs[name].map(without_folders) for name in _PLACES}),
        "rounds": results.rounds.assign(rows=_rows(store, results.rounds)),
        "unfinished": results.unfinished.drop(columns="reason"),  # it may name anything
    }
    tables = {
        f"{name}.{kind}": write(frame)
        for name, frame in frames.items()
        for kind, write in (("csv", frame_to_csv), ("parquet", frame_to_parquet))
    }
    files = {"README.txt": _readme(results, frames).encode(), "settings.json": _settings(results).encode(), **tables}
    return with_manifest(files)


def _rows(store: Store, rounds: pd.DataFrame) -> list[str]:
    """Return the numbers of the rows labelled in each round, in the order they were selected."""
    found = {}
    for key in rounds["key"].unique():
        record = store.read(key)
        for entry in record.rounds:
            rows = entry.selected if entry.round else record.start_rows
            found[key, entry.round] = json.dumps(rows)
    return [found[place] for place in zip(rounds["key"], rounds["round"], strict=True)]


def _settings(results: Results) -> str:
    written = {digest: settings.model_dump(mode="json") for digest, settings in results.settings.items()}
    for settings in written.values():
        settings["model"]["name"] = without_folders(settings["model"]["name"])
    return json.dumps(written, indent=1, sort_keys=True) + "\n"


def _readme(results: Results, frames: dict[str, pd.DataFrame]) -> str:
    shown = [name for name in _FILES if name in frames or "." in name]
    lines = [
        f"{len(results.runs):,} finished runs of active learning on imbalanced text, as imbal-bench stored them;",
        f"{len(results.unfinished):,} more failed or were skipped.",
        "",
        *(f"{name if '.' in name else f'{name}.csv, {name}.parquet'}: {_FILES[name]}" for name in shown),
        f"{MANIFEST}: check the files with sha256sum -c {MANIFEST}",
        "",
        "Columns",
        "",
    ]
    columns = dict.fromkeys(column for frame in frames.values() for column in frame.columns)
    lines += [f"{name}: {meaning(name)}" for name in columns]
    return "\n".join(lines) + "\n"


def meaning(column: str) -> str:
    """Return what a column means."""
    stage = column.removeprefix("seconds_")
    if column not in COLUMNS and stage == column:
        return metric_summary(column)
    return COLUMNS[column] if stage == column else f"seconds of the stage {stage} in this round"


def _zipped(files: dict[str, bytes], folder: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{name}")  # with the same date always, for the same bytes always
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
