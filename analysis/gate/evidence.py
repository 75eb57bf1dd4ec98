"""From stored runs to differences that may be judged, or to the reasons why they may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np
import pandas as pd

from analysis.condition import WHOLE_BLOCK as PLACE
from analysis.condition import without
from analysis.environments import MARK
from analysis.facts import named, settings_digest, strategy_digest
from analysis.frame import Results
from analysis.gate.plan import Plan
from analysis.gate.spelling import spelt
from analysis.inference.design import FloatArray
from analysis.names import lower_is_better, ratio_level, ratio_short
from bench.control import Control, why_unlike
from bench.records import METRICS, Record, Strategy

Kind = Literal["failed", "missing", "data", "pairing", "duplicate", "nan"]


class Finding(Record):
    """One line on what is in the way of a verdict; ``mendable``: whether running the grid may do away with it."""

    kind: Kind
    text: str
    mendable: bool = False


@dataclass(frozen=True)
class Evidence:
    """The differences of the complete looks of a plan.

    Attributes:
        differences: candidate - baseline, (metrics, places, seeds), of the seeds up to the last complete look.
        findings: what is in the way of the first look that is not complete; empty where all are.
        seconds: mean seconds of a stored run of the candidate and of the baseline; NaN where there is none.
        stored: runs of either that are stored, of all seeds of the plan.
    """

    differences: FloatArray
    findings: tuple[Finding, ...]
    seconds: tuple[float, float]
    stored: tuple[int, int]


def gather(
    plan: Plan, candidate: Results, baseline: Results, data_here: Mapping[str, str] = MappingProxyType({})
) -> Evidence:
    """Return the evidence on a plan; runs of seeds that no complete look needs are not used.

    Args:
        plan: what was declared.
        candidate: the store with the candidate's runs.
        baseline: that with the baseline's; may be the same.
        data_here: dataset -> fingerprint of the data that runs still to be made will be made on, as far as known.
    """
    arms = (
        _Arm("candidate", plan.candidate, candidate, plan),
        _Arm("baseline", plan.baseline, baseline, plan),
    )
    used, findings = 0, list[Finding]()
    for count in plan.looks:
        findings = list(_problems(arms, plan.seeds[:count], data_here))
        if findings:
            break
        used = count
    return Evidence(
        differences=_differences(plan, arms, plan.seeds[:used]),
        findings=tuple(findings),
        seconds=(float(arms[0].runs["seconds"].mean()), float(arms[1].runs["seconds"].mean())),
        stored=(len(arms[0].runs), len(arms[1].runs)),
    )


@dataclass(frozen=True)
class _Arm:
    """One side of a plan and the store that its runs are in."""

    name: str
    strategy: Strategy
    results: Results
    plan: Plan

    @cached_property
    def runs(self) -> pd.DataFrame:
        """Its finished runs in the plan's blocks, under the plan's settings and the metrics of today."""
        return self._at_settings(self.results.runs)

    @cached_property
    def lost(self) -> pd.DataFrame:
        """Its failed and skipped runs there."""
        return self._at_settings(self.results.unfinished)

    @property
    def store(self) -> str:
        """Where its runs are, if that is not where runs are made."""
        return self.plan.baseline_store if self.name == "baseline" else ""

    @property
    def elsewhere(self) -> set[str]:
        """Other settings that it has been run under in the plan's blocks."""
        return set(self._of_strategy(self.results.runs)["settings"]) - {self._settings}

    @property
    def _settings(self) -> str:
        return settings_digest(self.plan.settings, self.plan.learners)

    def _at_settings(self, frame: pd.DataFrame) -> pd.DataFrame:
        return self._of_strategy(frame[frame["settings"] == self._settings])

    def _of_strategy(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame[frame["strategy"] == strategy_digest(self.strategy, self.plan.settings)]
        return frame.merge(_blocks(self.plan, self.plan.seeds), on=PLACE)

    def __str__(self) -> str:
        return f"{self.name} {spelt(self.strategy)}"


def _blocks(plan: Plan, seeds: Sequence[int]) -> pd.DataFrame:
    """Return the blocks of a plan, seeds within places."""
    rows = [
        (ratio_level(it.ratio), it.start, it.task.dataset, it.task.positive, seed)
        for it in plan.places
        for seed in seeds
    ]
    return pd.DataFrame(rows, columns=pd.Index(PLACE)).astype({"ratio": "int64", "seed": "int64"})


def _problems(arms: tuple[_Arm, _Arm], seeds: Sequence[int], data_here: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what is in the way of a look at some seeds."""
    for arm in arms:
        yield from _gaps(arm, seeds)
    one, other = (arm.runs[arm.runs["seed"].isin(seeds)] for arm in arms)
    twice = [frame[frame.duplicated(PLACE, keep=False)] for frame in (one, other)]
    for arm, frame in zip(arms, twice, strict=True):
        if len(frame):
            yield _several(frame, "duplicate", f"of the {arm} claim a place that another has; remove one of each")
    if any(map(len, twice)):
        return
    pairs = one.merge(other, on=PLACE, suffixes=("_a", "_b"))
    yield from _other_data(pairs, without(other, one, PLACE), data_here if arms[1].store else {})
    alike = pairs[pairs["fingerprint_a"] == pairs["fingerprint_b"]]
    bases = [alike[column].map(lambda key: str(key).partition(MARK)[0]) for column in ("pair_key_a", "pair_key_b")]
    torn = alike[(bases[0] != bases[1]) | (bases[0] == "")]
    if len(torn):
        yield _several(
            torn, "pairing", "do not share a pair key with their partner (start set, pool or model differ): no pairs"
        )
    yield from _other_environments(alike.drop(torn.index), arms)


def _other_environments(pairs: pd.DataFrame, arms: tuple[_Arm, _Arm]) -> Iterator[Finding]:
    """Yield a line for each way in which M_0, which the arms share, tells their environments apart."""
    one, other = (arm.results.controls for arm in arms)
    none = Control((), {})
    reasons = [
        why_unlike(one.get(a, none), other.get(b, none)) for a, b in zip(pairs["key_a"], pairs["key_b"], strict=True)
    ]
    found = pairs.assign(why=[text.partition(": ")[2] for text in reasons], text=reasons)
    for _, own in found[found["text"] != ""].groupby("why"):
        yield _several(own, "pairing", f"are no pairs: {own['text'].iloc[0]}")


def _other_data(pairs: pd.DataFrame, alone: pd.DataFrame, data_here: Mapping[str, str]) -> Iterator[Finding]:
    """Yield a line for each dataset whose data differs between the arms.

    Args:
        pairs: runs of both arms, ``_a`` and ``_b``.
        alone: runs of the baseline whose partner is yet to be made.
        data_here: on what that will be.
    """
    ran = zip(pairs["dataset"], pairs["fingerprint_a"], pairs["fingerprint_b"], strict=True)
    will = zip(alone["dataset"], alone["fingerprint"], strict=True)
    torn = {name: (data_here[name], b, "would run on data") for name, b in will if data_here.get(name, b) != b}
    torn |= {name: (a, b, "ran on data") for name, a, b in ran if a != b}
    for dataset, (a, b, said) in sorted(torn.items()):
        yield Finding(
            kind="data",
            text=f"{dataset}: the candidate {said} {a[:8]}, the baseline ran on data {b[:8]}; these are other texts, "
            "so no pairs: run one of them again",
        )


def _gaps(arm: _Arm, seeds: Sequence[int]) -> Iterator[Finding]:
    """Yield what one arm lacks."""
    runs = arm.runs[arm.runs["seed"].isin(seeds)]
    gone = without(_blocks(arm.plan, seeds), runs, PLACE)
    if len(gone):
        lost = gone.merge(arm.lost, on=PLACE)
        for (status, reason), own in lost.groupby(["status", "reason"]):
            said = " ".join(str(reason).split())
            yield _several(own, "failed", f"of the {arm} {status}: {said}", mendable=not arm.store)
        never = without(gone, lost, PLACE)
        if len(never):
            where = arm.store or "the store"
            yield _several(
                never, "missing", f"of the {arm} are not in {where}{_why_missing(arm)}", mendable=not arm.store
            )
    for metric in arm.plan.metrics:
        nan = runs if metric not in runs else runs[runs[metric].isna()]
        if len(nan):
            advice = "" if metric in METRICS else "; imbal-bench rescore STORE adds metrics that were not stored"
            yield _several(nan, "nan", f"of the {arm} have no number for {metric} (NaN){advice}")


_PLACES_OF_A_MODEL = {"model.name", "model.revision"}  # what counts is ``model.content``


def _why_missing(arm: _Arm) -> str:
    if not arm.elsewhere:
        unreadable = len(arm.results.unreadable)
        return f"; {unreadable} files of it cannot be read" if unreadable else ""
    other = arm.results.settings[min(arm.elsewhere)]
    runs = arm.results.runs
    learner, learnt = named(arm.plan.learners), runs.loc[runs["settings"] == min(arm.elsewhere), "learner"].iloc[0]
    if learnt != learner:
        return f"; it has runs with learner {learnt}, not {learner}, which do not compare"
    read = {need for part in arm.plan.learners for need in part.needs}
    ours, theirs = (_flat(settings.read_with(read).model_dump()) for settings in (arm.plan.settings, other))
    names = [name for name in ours if ours[name] != theirs[name] and name not in _PLACES_OF_A_MODEL]
    differ = [f"{name} {theirs[name]}, not {ours[name]}" for name in names]
    said = f"other settings ({'; '.join(differ)})" if differ else "another version of the metrics"
    return f"; it has runs under {said}, which do not compare"


def _flat(settings: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    return {f"{part}.{name}": value for part, own in settings.items() for name, value in own.items()}


def _several(rows: pd.DataFrame, kind: Kind, what: str, *, mendable: bool = False) -> Finding:
    ratio, start, dataset, positive, seed = rows.iloc[0][PLACE]
    one = f"{dataset}/{positive} {ratio_short(ratio)} {start} seed {seed}"
    text = f"{len(rows)} run{'s' * (len(rows) > 1)} {what} (first: {one})"
    return Finding(kind=kind, text=text, mendable=mendable)


def _differences(plan: Plan, arms: tuple[_Arm, _Arm], seeds: Sequence[int]) -> FloatArray:
    """Return (metrics, places, seeds) of complete seeds; positive where the candidate is better."""
    blocks = _blocks(plan, seeds)
    used = (arm.runs[arm.runs["seed"].isin(seeds)] for arm in arms)
    one, other = (blocks.merge(runs, on=PLACE, how="left", validate="one_to_one") for runs in used)
    if not len(blocks):  # and perhaps no run that has the metrics
        return np.empty((len(plan.metrics), len(plan.places), 0))
    arms_of = ((metric, (other, one) if lower_is_better(metric) else (one, other)) for metric in plan.metrics)
    values = [(left[metric] - right[metric]).to_numpy(np.float64) for metric, (left, right) in arms_of]
    return np.stack(values).reshape(len(plan.metrics), len(plan.places), len(seeds))
