"""The runs that tables may draw on together: one set of settings, one learner, one version of each dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from analysis.cube import Cube
from analysis.environments import notes_on
from analysis.results import BLOCK, Results
from bench.paths import without_folders
from bench.records import FINE_TUNE, Settings

WHOLE_BLOCK = ["ratio", "start", *BLOCK]
"""All that strategies share."""


@dataclass(frozen=True)
class Condition:
    """Runs that belong together; tables select among them.

    Attributes:
        suffix: ends the names of its files and ids; empty where a store holds one condition only.
        title: for headings.
        learner: what was trained, in words, and its judge if there is one; empty where the store holds runs of the
            paper's learner alone, which is known by its encoder.
        encoder: what that read; ``none`` if it needs none.
        runs, rounds, unfinished: as in :class:`Results`, of this condition only.
        notes: runs left out because they were made on another version of a dataset, and runs that are not compared
            since M_0 tells them from the others of their block; one line each.
    """

    suffix: str
    title: str
    settings: Settings
    learner: str
    encoder: str
    runs: pd.DataFrame
    rounds: pd.DataFrame
    unfinished: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def failed(self) -> pd.DataFrame:
        """The runs that failed."""
        return self.unfinished[self.unfinished["status"] == "failed"]

    @cached_property
    def cube(self) -> Cube:
        """Its runs as one labelled array.

        Raises:
            PairingError: if two finished runs claim one place.
        """
        skipped = self.unfinished[self.unfinished["status"] == "skipped"]
        return Cube.of(self.runs.reset_index(drop=True), self.failed, skipped)


def conditions(results: Results) -> list[Condition]:
    """Return the conditions that a store holds runs of, that of most runs first."""
    tried = pd.concat([results.runs["settings"], results.unfinished["settings"]])
    count = results.runs["settings"].value_counts()
    digests = sorted(map(str, tried.unique()), key=lambda digest: (-int(count.get(digest, 0)), digest))
    return [_condition(results, digest, spell_settings=len(digests) > 1) for digest in digests]


def _condition(results: Results, digest: str, *, spell_settings: bool) -> Condition:
    frames = (results.runs, results.rounds, results.unfinished)
    runs, rounds, unfinished = (frame[frame["settings"] == digest] for frame in frames)
    kept, notes = _one_version(runs)
    runs, rounds, unfinished = (frame[_on_version(frame, kept)] for frame in (runs, rounds, unfinished))
    settings = results.settings[digest]
    unlike = [results.unlike[key] for key in runs["key"] if key in results.unlike]
    every = set(results.runs["learner"]) | set(results.unfinished["learner"])
    learner = "" if every == {FINE_TUNE.name} else str(pd.concat([runs["learner"], unfinished["learner"]]).iloc[0])
    encoder = "none" if "none" in set(runs["model"]) else without_folders(settings.model.name)
    title = f"{settings.loop.rounds} rounds of {settings.loop.batch}, {_trained(learner, encoder)}"
    return Condition(
        suffix=f"-{digest[:8]}" if spell_settings else "",
        title=title + (f", settings {digest[:8]}" if spell_settings else ""),
        settings=settings,
        learner=learner,
        encoder=encoder,
        runs=runs,
        rounds=rounds,
        unfinished=unfinished,
        notes=(*notes, *notes_on(unlike)),
    )


def _trained(learner: str, encoder: str) -> str:
    """Return what is trained in words: the learner, and on what encoder if it reads one."""
    if not learner or encoder == "none":
        return learner or encoder
    return f"{learner}, encoder {encoder}"


def _one_version(runs: pd.DataFrame) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return dataset -> the fingerprint most runs are on (the latest of equals), and lines on the others."""
    kept: dict[str, str] = {}
    notes = []
    for dataset, own in runs.groupby("dataset"):
        versions = own.groupby("fingerprint")["finished"].agg(["size", "max"])
        best, *others = versions.sort_values(["size", "max"], ascending=False).index
        sizes = versions["size"].to_dict()
        kept[str(dataset)] = str(best)
        notes += [
            f"{sizes[other]} run{'s' * (sizes[other] != 1)} of {dataset} on data {other[:8]} left out: "
            + (
                f"as many are on data {best[:8]}, the latest of them"
                if sizes[other] == sizes[best]
                else f"most runs of it are on data {best[:8]}"
            )
            for other in others
        ]
    return kept, tuple(notes)


def _on_version(frame: pd.DataFrame, kept: Mapping[str, str]) -> pd.Series[bool]:
    wanted = frame["dataset"].map(lambda dataset: kept.get(dataset, ""))
    return (frame["fingerprint"] == wanted) | (wanted == "")
