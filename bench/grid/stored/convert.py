"""Converts records of earlier versions, schema 1 and 2, to today's schema 3.

Schema 2 had a field for each metric; schema 3 has them by name, and nothing else differs: names and pair keys stay.
Schema 1 named a run by the whole dump of its specification, and its model by a path. Since schema 2 it is named by what
it reads, with defaults left out, and its model by content. The content is that of the files which lie today where the
record places them, if their weights are those that the record knows by hash; configuration and tokenizer, of which
it knows none, are taken for unchanged.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from bench.control import control_of
from bench.errors import BenchError, CorruptRecordError, ModelError
from bench.model.checkpoint import load_classifier, resolve, weights_fingerprint
from bench.model.content import pinned
from bench.records import SCHEMA_VERSION, Component, ModelSettings, RunRecord, Settings
from bench.strategies.base import ALGORITHMS, WEIGHTINGS
from bench.strategies.catalogue import component
from bench.strategies.view import NEEDS

_OF_ROUNDS = ("balanced_accuracy", "auc")
"""The metrics of a round before schema 3."""


@dataclass
class Converter:
    """Converts records of earlier versions, and remembers what it could not find out.

    Attributes:
        cache_dir: where hashes of model files are remembered.
        unknown_models: models whose content is not known, and how many records they are of.
        unknown_parts: algorithms and weightings that are not known here, and how many records they are of.
        renamed: algorithms and weightings that have another name now, and how many records they are of.
    """

    cache_dir: Path
    unknown_models: Counter[str] = field(default_factory=Counter)
    unknown_parts: Counter[str] = field(default_factory=Counter)
    renamed: Counter[str] = field(default_factory=Counter)
    _models: dict[tuple[str, str | None], tuple[ModelSettings | None, str]] = field(default_factory=dict)

    def __call__(self, old: dict[str, Any], probabilities: npt.NDArray[np.float32] | None) -> RunRecord:
        """Return a record of today.

        Args:
            old: its fields.
            probabilities: (rounds + 1, m) on the test set, if they are available.

        Raises:
            CorruptRecordError: if it is no record of an earlier version.
        """
        try:
            version = old["schema_version"]
            fields = _metrics_by_name(self._by_content(old) if version == 1 else self._by_todays_name(old))
            record = RunRecord.model_validate({**fields, "schema_version": SCHEMA_VERSION, "sha256": ""})
        except (KeyError, TypeError, AttributeError) as error:
            raise CorruptRecordError(
                f"it is not a run record of an earlier version ({type(error).__name__}: {error})"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise CorruptRecordError(f"{where} is {first['input']!s:.40}: {first['msg']}") from None
        if version != 1 and fields["spec"] == old["spec"]:
            return record
        named = {"key": record.spec.key(record.fingerprint)}
        if record.status == "ok":
            named |= {"pair_key": record.pairing()}
        control = () if probabilities is None else control_of(probabilities)
        return record.model_copy(update={**named, "control": control})

    def _by_content(self, old: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a record of schema 1 with what has named runs since."""
        made = dict(old["provenance"]) if old.get("provenance") else None
        weights = made.pop("model_fingerprint", "") if made else ""
        spec = old["spec"] | {
            "strategy": self.strategy(old["spec"]["strategy"]),
            "settings": self.settings(old["spec"]["settings"], weights),
        }
        return {**old, "spec": spec, "provenance": made}

    def _by_todays_name(self, old: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a record with the parts of its strategy called what they are called now."""
        strategy = {kind: self._named(kind, part) for kind, part in old["spec"]["strategy"].items()}
        return {**old, "spec": {**old["spec"], "strategy": strategy}}

    def _named(self, kind: str, old: Mapping[str, Any]) -> dict[str, Any]:
        today = _registry(kind).today(old["name"])
        if today != old["name"]:
            self.renamed[f"{kind} {old['name']}, which is called {today} now"] += 1
        return {**old, "name": today}

    def strategy(self, old: Mapping[str, Any]) -> dict[str, Component]:
        """Return the parts of a strategy with what keys need to know of them."""
        return {kind: self._part(kind, old[kind]) for kind in ("algorithm", "weighting")}

    def settings(self, old: Mapping[str, Any], weights: str = "") -> Settings:
        """Return settings that name the model by its content.

        Args:
            old: as they were dumped.
            weights: hash of the model's weights as schema 1 knew it; empty where it is not recorded.
        """
        settings = Settings.model_validate(old)
        model = settings.model
        found, found_weights = self._model(model)
        if found is None or weights not in {"", found_weights}:
            # A content of its own: such runs agree with each other, and with nothing that is made from now on.
            found = model.model_copy(update={"content": f"weights {weights or 'unknown'}"})
            self.unknown_models[model.name] += 1
        update = {"content": found.content, "revision": found.revision}
        return settings.model_copy(update={"model": model.model_copy(update=update)})

    def _model(self, model: ModelSettings) -> tuple[ModelSettings | None, str]:
        """Return the model from the place that a record names, with its content, and the hash of its weights."""
        place = (model.name, model.revision)
        if place not in self._models:
            try:
                found = pinned(model, self.cache_dir)
                loaded, fresh = load_classifier(resolve(found.name, found.revision))
                self._models[place] = found, weights_fingerprint(loaded, fresh)
            except ModelError:
                self._models[place] = None, ""
        return self._models[place]

    def _part(self, kind: str, old: Mapping[str, Any]) -> Component:
        old = self._named(kind, old)
        try:
            today = component(_registry(kind), old["name"], old["options"])
        except BenchError:
            # Nothing is known of it, so all its options count, and all settings may be read.
            self.unknown_parts[f"{kind} {old['name']}"] += 1
            return Component(**old, needs=tuple(sorted(NEEDS)))
        return today.model_copy(update={"version": old["version"]})


def _registry(kind: str) -> Any:
    return ALGORITHMS if kind == "algorithm" else WEIGHTINGS


def _metrics_by_name(old: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a record with the metrics, which had fields of their own before schema 3, by name."""
    rounds = [
        {name: value for name, value in one.items() if name not in _OF_ROUNDS}
        | {"metrics": {name: one[name] for name in _OF_ROUNDS}}
        for one in old.get("rounds", ())
    ]
    ratio = old.get("positives_ratio")
    rest = {name: value for name, value in old.items() if name != "positives_ratio"}
    return rest | {"rounds": rounds, "metrics": {} if ratio is None else {"positives_ratio": ratio}}
