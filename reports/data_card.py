"""What describes a published store: a data card for people and the Hub, and Croissant metadata for programs.

The card is Markdown under a YAML head that the Hugging Face Hub reads; the metadata follow Croissant 1.1
(https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html), its core: files, tables and their columns.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis import Results, metric_summary, ratio_words
from reports.publication import COLUMNS

_TABLES = {
    "runs": "a row a run",
    "rounds": "a row a run and round; round 0 is the start set and the model trained on it",
}
_OWN = {
    "run": "number of the run, which its rounds repeat",
    "status": "ok, failed or skipped",
    "reason": "why it is not ok",
    "ratio": "x: positives are the fraction 1/x of the pool; natural: nothing dropped",
    "algorithm": "selection algorithm, with options that are not at their default",
    "weighting": "weights it works under, with options that are not at their default",
    "learner_json": "the learner with all its options",
    "judge_json": "a second learner, trained on what was selected with the first",
    "algorithm_json": "the algorithm with all its options",
    "weighting_json": "the weighting with all its options",
    "settings_json": "the settings that the run reads (loop, pool, model, training)",
    "version_of_metrics": "version of the definition of metrics",
    "pool_dropped_positives": "positives dropped to reach the ratio",
    "pool_dropped_negatives": "negatives dropped to reach the ratio",
    "pool_test_rows": "rows of the test set",
    "pool_test_positives": "positives among them",
    "pairwise_distances": "after each round, mean cosine distance of two selected positives",
    "start_distances": "after each round, mean cosine distance of a selected positive to the start set's nearest one",
    "made_finished": "when the run ended (UTC)",
    "made_host": "which machine, by number",
    "made_device": "device",
    "made_precision": "precision of passes",
    "made_threads": "threads",
    "made_versions_json": "versions of libraries",
    "made_git_commit": "commit of the code",
    "made_git_dirty": "whether the code had local changes",
    "made_data_source": "where the texts came from",
    "made_model_source": "where the encoder came from",
    "made_lm_head": "masked-LM head: of the checkpoint, trained, or unused",
    "made_attention": "implementation of attention",
    "made_token_budget": "tokens a batch was lowered to for want of memory",
    "control": "probabilities of some test rows by the model of round 0, which the runs of a block share",
    "start_rows": "rows of the start set; null where left out",
    "test_probabilities_sha256": "hash of the test probabilities, which are left out",
    "selected_positives": "positives that were selected in this round",
    "selected": "rows selected in this round, in order; null where left out",
    "selected_p": "their probabilities of the positive class; null where left out",
    "selected_w": "their weights; null where left out",
    "pool_p": "rows of the pool by that probability, in 60 equal bins; null where left out",
    "pool_w": "the share of the strategy's weight in each of these bins; null where left out",
    "state_json": "what a stateful algorithm knows; null where left out",
    "peak_memory_mb": "most memory that was taken, in MB",
}
_DATA_TYPES = {"integer": "sc:Integer", "number": "sc:Float", "flag": "sc:Boolean", "text": "sc:Text"}
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that Croissant prescribes."""


@dataclass(frozen=True)
class Described:
    """What is described.

    Attributes:
        name: of the data set, in words. license: as the Hub names it, such as ``cc-by-4.0``.
        url: where it is published; empty: not known.
        results: its runs. files: path -> bytes of the tables ``runs`` and ``rounds``.
        columns: path -> column -> what its values are.
        left_out: what is not there, a phrase each.
    """

    name: str
    license: str
    url: str
    results: Results
    files: Mapping[str, bytes]
    columns: Mapping[str, Mapping[str, str]]
    left_out: Sequence[str]

    @property
    def about(self) -> str:
        """What it is, in a sentence."""
        runs = self.results.runs
        tasks, strategies = len(runs.groupby(["dataset", "positive"])), runs["strategy"].nunique()
        ratios = ", ".join(map(ratio_words, sorted(runs["ratio"].unique())))
        return (
            f"{len(runs):,} runs of active learning on imbalanced text: {strategies} strategies on {tasks} binary "
            f"tasks of {runs['dataset'].nunique()} datasets; ratios: {ratios}."
        )

    @property
    def date(self) -> str:
        """The day on which the last run ended."""
        days = [text[:10] for text in self.results.runs["finished"] if text[:1].isdigit()]
        return max(days, default="")


def description(it: Described) -> dict[str, bytes]:
    """Return path -> content of the card and the metadata, and what tells git to leave out what readers put there."""
    metadata = json.dumps(croissant(it), indent=1, ensure_ascii=False) + "\n"
    return {"README.md": card(it).encode(), "croissant.json": metadata.encode(), ".gitignore": b"index/\n"}


def meaning(column: str) -> str:
    """Return what a column of a published store means."""
    begin, _, rest = column.partition("_")
    if begin == "metric":
        return metric_summary(rest)
    if begin in ("seconds", "rows") and rest:
        return f"{begin} of the stage {rest} in this round"
    return _OWN.get(column) or COLUMNS[column]


def croissant(it: Described) -> dict[str, Any]:
    """Return the Croissant metadata of a published store."""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": it.name,
        "description": it.about,
        "license": it.license,
        **({"url": it.url} if it.url else {}),
        "version": "1.0.0",
        "datePublished": it.date,
        "creator": {"@type": "sc:Organization", "name": "users of imbal-bench"},
        "citeAs": it.name,
        "distribution": [_file(path, content) for path, content in it.files.items()],
        "recordSet": [_record_set(path, columns) for path, columns in it.columns.items()],
    }


def _file(path: str, content: bytes) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "description": _TABLES[_table_name(path)],
        "contentUrl": path,
        "contentSize": f"{len(content)} B",
        "encodingFormat": "application/x-parquet",
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _record_set(path: str, columns: Mapping[str, str]) -> dict[str, Any]:
    table = _table_name(path)
    keys = [{"@id": f"{table}/{name}"} for name in ("run", "round") if name in columns]
    fields = [_field(path, table, name, kind) for name, kind in columns.items()]
    return {
        "@type": "cr:RecordSet",
        "@id": table,
        "name": table,
        "description": _TABLES[table],
        "key": keys if len(keys) > 1 else keys[0],
        "field": fields,
    }


def _field(path: str, table: str, column: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{table}/{column}",
        "name": column,
        "description": meaning(column),
        "dataType": _DATA_TYPES[kind.removesuffix("s")],
        "source": {"fileObject": {"@id": path}, "extract": {"column": column}},
    }
    if kind.endswith("s"):
        found |= {"isArray": True, "arrayShape": "-1"}
    if (table, column) == ("rounds", "run"):
        found["references"] = {"field": {"@id": "runs/run"}}
    return found


def _table_name(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def card(it: Described) -> str:
    """Return the data card of a published store, as Markdown under a YAML head."""
    tables = [(path, _table_name(path)) for path in it.columns]
    configs = [f"- config_name: {table}\n  data_files: {path}" for path, table in tables]
    head = [
        "---",
        f"pretty_name: {json.dumps(it.name)}",
        f"license: {json.dumps(it.license)}",
        "task_categories: [text-classification]",
        "tags: [active-learning, imbalanced-data, benchmark, croissant]",
        "configs:",
        *configs,
        "---",
    ]
    lacking = [f"- {part}" for part in it.left_out]
    columns = [
        line
        for path, table in tables
        for line in (
            f"## Columns of `{path}`: {_TABLES[table]}",
            "",
            "| column | meaning |",
            "|---|---|",
            *(f"| `{name}` | {meaning(name)} |" for name in it.columns[path]),
            "",
        )
    ]
    return "\n".join([*head, "", f"# {it.name}", "", *_text(it), "", *_LEFT_OUT_HEAD, *lacking, "", *columns])


_LEFT_OUT_HEAD = ["## What is left out", ""]


def _text(it: Described) -> list[str]:
    holes = len(it.results.unfinished)
    return [
        it.about + (f" {holes:,} more failed or were skipped, and are listed as such." if holes else ""),
        "Made and read by `imbal-bench`: every table and figure follows from this folder by one command, to the last",
        "bit as from the runs that it was made of:",
        "",
        "```console",
        "$ imbal-bench report --store . --out report",
        "```",
        "",
        "Without it, the tables are plain Parquet files:",
        "",
        "```python",
        "import pandas as pd",
        "",
        'runs, rounds = pd.read_parquet("data/runs.parquet"), pd.read_parquet("data/rounds.parquet")',
        'rounds.merge(runs[["run", "dataset", "positive", "ratio", "seed", "algorithm", "weighting"]], on="run")',
        "```",
        "",
        "`manifest.json` has size and SHA-256 of every file; they are checked whenever the folder is read.",
    ]
