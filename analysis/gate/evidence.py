"""From stored runs to differences that may be judged, or to the reasons why they may not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.condition import WHOLE_BLOCK as PLACE
from analysis.cube import numbers_of
from analysis.environments import MARK
from analysis.facts import settings_digest, strategy_digest
from analysis.gate.plan import Plan
from analysis.gate.procedure import NEAR_CHANCE, chance_of
from analysis.names import bounds_of, lower_is_better, ratio_level
from analysis.results import Results
from analysis.stats.interval import SPREAD, BoolArray
from analysis.typed import in_full
from bench.arrays import FloatArray, IntArray
from bench.control import Control, why_unlike
from bench.records import METRICS, Record, Strategy, learners_as_typed

ObstacleKind = Literal[
    "failed", "missing", "data", "pairing", "duplicate", "nan", "range", "identical", "unused", "analysed", "exchanged"
]


class Obstacle(Record):
    """One line on what is in the way of a verdict; ``fixable``: whether running the missing runs could resolve it."""

    kind: ObstacleKind
    text: str
    fixable: bool = False


@dataclass(frozen=True)
class Evidence:
    """The differences of the complete analyses of a plan.

    Attributes:
        differences: candidate - baseline, (metrics, places, seeds), of the seeds up to the last complete analysis.
        collapsed: (2, places, seeds) whether the candidate's run collapsed, and the baseline's.
        keys: (2, places, seeds) of their runs.
        identical: whether both arms, of one strategy, agree in every metric of every run.
        unused: a line for each pair that is stored under the plan's settings and not in the plan: ratio, start,
            dataset, positive, seed, the keys of both runs (``key``, ``key_other``), and when the later ``finished``.
        findings: what is in the way of the first analysis that is not complete; empty where all are.
        seconds: mean seconds of a stored run of the candidate and of the baseline; NaN where there is none.
        stored: runs of either that are stored, of all seeds of the plan.
    """

    differences: FloatArray
    collapsed: BoolArray
    keys: npt.NDArray[np.object_]
    identical: bool
    unused: pd.DataFrame
    findings: tuple[Obstacle, ...]
    seconds: tuple[float, float]
    stored: tuple[int, int]


def gather(
    plan: Plan,
    candidate: Results,
    baseline: Results,
    data_here: Mapping[str, str] = MappingProxyType({}),
    *,
    made_anew: bool = False,
) -> Evidence:
    """Return the evidence on a plan; runs of seeds that no complete analysis needs are not used.

    Args:
        plan: what was declared.
        candidate: the store with the candidate's runs.
        baseline: that with the baseline's; may be the same.
        made_anew: whether the candidate's runs are known to have been made, and not to be a copy of the baseline's.
        data_here: dataset -> fingerprint of the data that runs still to be made will be made on, as far as known.
    """
    arms = (
        _Arm("candidate", plan.candidate, candidate, plan),
        _Arm("baseline", plan.baseline, baseline, plan),
    )
    used, findings = 0, list[Obstacle]()
    for count in plan.looks:
        findings = list(_problems(arms, count, data_here))
        if findings:
            break
        used = count
    differences = _differences(plan, arms, used)
    identical = bool(used) and not np.any(np.abs(differences) > SPREAD)
    if identical and not findings and not (plan.same_names and (made_anew or _made_twice(arms, used))):
        findings = [_nothing_compared(plan, differences)]
        used, differences, identical = 0, differences[..., :0], False
    keys = [arm.values("key", arm.laid_out[:, :used]) if used else np.empty((len(plan.places), 0)) for arm in arms]
    return Evidence(
        differences=differences,
        collapsed=np.stack([arm.collapsed[:, :used] for arm in arms]),
        keys=np.stack(keys).astype(object),
        identical=identical,
        unused=_unused(plan, arms),
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

    @cached_property
    def laid_out(self) -> IntArray:
        """(places, seeds) of the plan: the number of the run there, one of them where there are several; -1 if none."""
        return self._lay_out(self.runs)

    @cached_property
    def claims(self) -> IntArray:
        """(places, seeds) of the plan: how many runs claim this place."""
        found = np.zeros((len(self.plan.places), len(self.plan.seeds)), dtype=np.int64)
        np.add.at(found, self._places(self.runs), 1)
        return found

    @cached_property
    def collapsed(self) -> BoolArray:
        """(places, seeds) of the plan: whether its run there is at chance, in balanced accuracy or a metric of it."""
        at = self.laid_out
        found = np.zeros(at.shape, dtype=bool)
        for metric in {METRICS[0], *self.plan.metrics} & set(self.runs.columns):
            values = np.where(at >= 0, self.values(metric, at) if len(self.runs) else np.nan, np.nan)
            found |= values.astype(np.float64) <= chance_of(metric) + NEAR_CHANCE
        return found

    def metric(self, name: str, runs: IntArray) -> FloatArray:
        """Return a metric of runs by their numbers, averaged over the plan's last rounds."""
        if self.plan.last_rounds == 1:
            return self.values(name, runs).astype(np.float64) if name in self.runs else np.full(runs.shape, np.nan)
        rounds = self.results.rounds
        last = rounds["round"] > self.plan.settings.loop.rounds - self.plan.last_rounds
        means = rounds[last].groupby("key")[name].mean() if name in rounds else pd.Series(dtype=float)
        return self.runs["key"].map(means).to_numpy(np.float64)[runs]

    @property
    def store(self) -> str:
        """Where its runs are, if that is not where runs are made."""
        return self.plan.baseline_store if self.name == "baseline" else ""

    @property
    def other_settings(self) -> set[str]:
        """Other settings that it has been run under in the plan's blocks."""
        return set(self._of_strategy(self.results.runs)["settings"]) - {self._settings}

    def values(self, column: str, runs: IntArray) -> Any:
        """Return a column of runs by their numbers."""
        return self.runs[column].to_numpy()[runs]

    @property
    def _settings(self) -> str:
        return settings_digest(self.plan.settings, self.plan.learners)

    @cached_property
    def anywhere(self) -> pd.DataFrame:
        """Its finished runs under the plan's settings, in whatever block."""
        return self._by_name(self.results.runs[self.results.runs["settings"] == self._settings])

    def _at_settings(self, frame: pd.DataFrame) -> pd.DataFrame:
        return self._of_strategy(frame[frame["settings"] == self._settings])

    def _by_name(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["strategy"] == strategy_digest(self.strategy, self.plan.settings)]

    def _of_strategy(self, frame: pd.DataFrame) -> pd.DataFrame:
        frame = self._by_name(frame)
        place, seed = self._places(frame)
        return frame[(place >= 0) & (seed >= 0)].reset_index(drop=True)

    def _places(self, frame: pd.DataFrame) -> tuple[IntArray, IntArray]:
        """Return the number of the place and of the seed of each line; -1 where the plan has none such."""
        places = [(ratio_level(it.ratio), it.start, it.task.dataset, it.task.positive) for it in self.plan.places]
        return numbers_of(frame[PLACE[:-1]], places), numbers_of(frame[PLACE[-1:]], self.plan.seeds)

    def _lay_out(self, frame: pd.DataFrame) -> IntArray:
        found = np.full((len(self.plan.places), len(self.plan.seeds)), -1)
        found[self._places(frame)] = np.arange(len(frame))
        return found

    def gone(self) -> Iterator[tuple[str, BoolArray]]:
        """Yield why runs did not finish, with a mask (places, seeds) of those that did not for that reason."""
        for (status, reason), own in self.lost.groupby(["status", "reason"]):
            yield f"{status}: {' '.join(str(reason).split())}", self._lay_out(own) >= 0

    def __str__(self) -> str:
        return f"{self.name} {in_full(self.strategy)}"


def _problems(arms: tuple[_Arm, _Arm], count: int, data_here: Mapping[str, str]) -> Iterator[Obstacle]:
    """Yield what is in the way of a analysis of so many seeds."""
    plan = arms[0].plan
    for arm in arms:
        yield from _gaps(arm, count)
    claims = [np.where(arm.claims > 1, arm.claims, 0)[:, :count] for arm in arms]
    for arm, own in zip(arms, claims, strict=True):
        if own.any():
            yield _several(plan, own, "duplicate", f"of the {arm} claim a place that another has; remove one of each")
    if any(own.any() for own in claims):
        return
    one, other = (arm.laid_out[:, :count] for arm in arms)
    both = (one >= 0) & (other >= 0)
    yield from _other_data(arms, (one, other), data_here if arms[1].store else {})
    alike = both.copy()
    alike[both] = arms[0].values("fingerprint", one[both]) == arms[1].values("fingerprint", other[both])
    unpaired = np.zeros_like(alike)
    bases = [_bases(arm, at[alike]) for arm, at in zip(arms, (one, other), strict=True)]
    unpaired[alike] = (bases[0] != bases[1]) | (bases[0] == "")
    if unpaired.any():
        what = "do not share a pair key with their partner (start set, pool or model differ): no pairs"
        yield _several(plan, unpaired, "pairing", what)
    yield from _other_environments(arms, (one, other), alike & ~unpaired)


def _bases(arm: _Arm, runs: IntArray) -> Any:
    """Return the pair keys of runs as they were stored, without what tells environments apart."""
    return np.array([str(key).partition(MARK)[0] for key in arm.values("pair_key", runs)], dtype=object)


def _other_environments(arms: tuple[_Arm, _Arm], at: tuple[IntArray, IntArray], pairs: BoolArray) -> Iterator[Obstacle]:
    """Yield a line for each way in which M_0, which the arms share, tells their environments apart."""
    none, reasons = Control((), {}), dict[str, list[tuple[int, int, str]]]()
    for place, seed in np.argwhere(pairs).tolist():
        one, other = (
            arm.results.controls.get(arm.values("key", own[place, seed]), none)
            for arm, own in zip(arms, at, strict=True)
        )
        text = why_unlike(one, other)
        if text:
            reasons.setdefault(text.partition(": ")[2], []).append((place, seed, text))
    for found in reasons.values():
        mask = np.zeros_like(pairs)
        mask[tuple(zip(*((place, seed) for place, seed, _ in found), strict=True))] = True
        yield _several(arms[0].plan, mask, "pairing", f"are no pairs: {found[0][2]}")


def _other_data(
    arms: tuple[_Arm, _Arm], at: tuple[IntArray, IntArray], data_here: Mapping[str, str]
) -> Iterator[Obstacle]:
    """Yield a line for each dataset whose data differs between the arms.

    Args:
        arms: candidate and baseline.
        at: their runs, (places, seeds).
        data_here: on what the candidate's partners of runs that stand alone in the baseline will be run.
    """
    found: dict[str, tuple[str, str, str]] = {}
    one, other = at
    alone, both = other[(one < 0) & (other >= 0)], (one >= 0) & (other >= 0)
    for name, theirs in zip(*(arms[1].values(column, alone) for column in ("dataset", "fingerprint")), strict=True):
        if data_here.get(name, theirs) != theirs:
            found[name] = (data_here[name], theirs, "would run on data")
    columns = (arms[0].values("dataset", one[both]), arms[0].values("fingerprint", one[both]))
    for name, ours, theirs in zip(*columns, arms[1].values("fingerprint", other[both]), strict=True):
        if ours != theirs:
            found[name] = (ours, theirs, "ran on data")
    for dataset, (ours, theirs, verb) in sorted(found.items()):
        yield Obstacle(
            kind="data",
            text=f"{dataset}: the candidate {verb} {ours[:8]}, the baseline ran on data {theirs[:8]}; these are other "
            "texts, so no pairs: run one of them again",
        )


def _gaps(arm: _Arm, count: int) -> Iterator[Obstacle]:
    """Yield what one arm lacks."""
    plan, fixable, at = arm.plan, not arm.store, arm.laid_out[:, :count]
    gone = at < 0
    for why, mask in arm.gone():
        lost = gone & mask[:, :count]
        if lost.any():
            yield _several(plan, lost, "failed", f"of the {arm} {why}", fixable=fixable)
            gone = gone & ~lost
    if gone.any():
        where = arm.store or "the store"
        yield _several(plan, gone, "missing", f"of the {arm} are not in {where}{_why_missing(arm)}", fixable=fixable)
    for metric in plan.metrics:
        values = np.zeros(at.shape)
        values[at >= 0] = arm.metric(metric, at[at >= 0])
        low, high = bounds_of(metric)
        outside = (values < min(low, 0.0)) | (values > max(high, 0.0)) | np.isinf(values)
        if outside.any():
            which = f"of the {arm} with a value of {metric} outside of its range, {low:g} to {high:g}"
            yield _several(plan, outside, "range", which)
        nan = np.isnan(values)
        if nan.any():
            advice = "" if metric in METRICS else "; imbal-bench rescore STORE adds metrics that were not stored"
            yield _several(plan, nan, "nan", f"of the {arm} have no number for {metric} (NaN){advice}")


_PLACES_OF_A_MODEL = {"model.name", "model.revision"}  # what counts is ``model.content``


def _why_missing(arm: _Arm) -> str:
    if not arm.other_settings:
        unreadable = len(arm.results.unreadable)
        return f"; {unreadable} files of it cannot be read" if unreadable else ""
    other = arm.results.settings[min(arm.other_settings)]
    runs = arm.results.runs
    learner, learnt = (
        learners_as_typed(arm.plan.learners),
        runs.loc[runs["settings"] == min(arm.other_settings), "learner"].iloc[0],
    )
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


def _several(
    plan: Plan, where: BoolArray | IntArray, kind: ObstacleKind, what: str, *, fixable: bool = False
) -> Obstacle:
    """Return a finding on the runs at some places and seeds of a plan; ``where`` may count several at one place."""
    number = int(where.sum())
    place, seed = np.argwhere(where)[0]
    one = f"{plan.places[place]} seed {plan.seeds[seed]}"
    return Obstacle(kind=kind, text=f"{number} run{'s' * (number > 1)} {what} (first: {one})", fixable=fixable)


def _differences(plan: Plan, arms: tuple[_Arm, _Arm], count: int) -> FloatArray:
    """Return (metrics, places, seeds) of complete seeds; positive where the candidate is better."""
    if not count:  # and perhaps no run that has the metrics
        return np.empty((len(plan.metrics), len(plan.places), 0))
    found = []
    for metric in plan.metrics:
        one, other = (arm.metric(metric, arm.laid_out[:, :count]) for arm in arms)
        found.append(other - one if lower_is_better(metric) else one - other)
    return np.stack(found)


def _made_twice(arms: tuple[_Arm, _Arm], count: int) -> bool:
    """Return whether runs with the same results were made independently: no record of one arm is one of the other."""
    facts = [
        [
            list(map(str, arm.values(column, arm.laid_out[:, :count]).ravel()))
            for column in ("key", "finished", "seconds")
        ]
        for arm in arms
    ]
    one, other = (set(zip(*own, strict=True)) for own in facts)
    return not one & other


def _nothing_compared(plan: Plan, differences: FloatArray) -> Obstacle:
    if plan.same_names:
        text = "both arms hold the same runs, copied"
    else:
        text = "both arms gave the same results, so that one does not do what its name says"
    pairs = differences.shape[-1] * differences.shape[-2]
    return Obstacle(kind="identical", text=f"nothing is compared: in all {pairs} pairs {text}")


def _unused(plan: Plan, arms: tuple[_Arm, _Arm]) -> pd.DataFrame:
    """Return the pairs under the plan's settings that are stored and not in the plan."""
    one, other = (arm.anywhere[[*PLACE, "key", "finished"]] for arm in arms)
    pairs = one.merge(other, on=PLACE, suffixes=("", "_other"))
    latest = pairs[["finished", "finished_other"]].max(axis=1) if len(pairs) else pairs["finished"]
    places = [(ratio_level(it.ratio), it.start, it.task.dataset, it.task.positive) for it in plan.places]
    planned = (numbers_of(pairs[PLACE[:-1]], places) >= 0) & (numbers_of(pairs[PLACE[-1:]], plan.seeds) >= 0)
    left = pairs.assign(finished=latest)[~planned].drop(columns="finished_other")
    return left.sort_values(PLACE, ignore_index=True)
