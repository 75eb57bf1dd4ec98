"""Time a model on this machine for some seconds: the laws that a forecast needs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench import seeds
from bench.config.spec import GridSpec
from bench.data.tokens import TokenTable
from bench.errors import ModelError
from bench.grid.cost.rates import LinearLaw, Rates
from bench.grid.cost.timing import SIZES, Sizes, law, seconds_of
from bench.grid.expansion.pairs import strategy
from bench.model import checkpoint as checkpoints
from bench.model.batching import Collate
from bench.model.content import pinned
from bench.model.encoder import Encoder
from bench.model.hardware import Hardware, use_threads
from bench.model.shapes import SHAPES, save_random
from bench.model.surprisal import SurprisalSource
from bench.perf import naive
from bench.perf.floors import products
from bench.perf.texts import LOG_NORMAL, made_up
from bench.strategies.base import ALGORITHMS, Algorithm
from bench.strategies.catalogue import build, component
from bench.strategies.strategy import choose, needs_of
from bench.testing.toys import ToyPool, toy_pool

STAND_INS = {"google-bert/bert-base-uncased": "bert-base"}
"""Shapes that stand in for a checkpoint out of reach: random weights take as long."""


TEXTS, NAIVE_ROWS = 512, 16
HEAD_STEPS = (1, 5)
PARTS = {"calibration": 0}


@dataclass(frozen=True)
class Calibration:
    """A model and made-up texts to time it on."""

    spec: GridSpec
    hardware: Hardware
    encoder: Encoder
    texts: dict[str, TokenTable]

    @property
    def sizes(self) -> Sizes:
        """What is timed on this kind of device."""
        return SIZES[self.hardware.device.type]

    def over(
        self, sizes: tuple[tuple[str, int], ...], work: Callable[[TokenTable, npt.NDArray[np.int64]], object]
    ) -> LinearLaw:
        """Return the law of work on the first rows of texts."""
        done = [(1.0, float(n), float(self.texts[name].offsets[n])) for name, n in sizes]
        return law(
            done, [seconds_of(partial(work, self.texts[name], np.arange(n)), self.hardware) for name, n in sizes]
        )

    def fit(self, tokens: TokenTable, rows: npt.NDArray[np.int64]) -> None:
        """Fine-tune for one epoch."""
        train = self.spec.train.model_copy(update={"epochs": 1})
        self.encoder.fit(tokens, rows, rows % 2, train, **PARTS)

    def naive_fit(self, tokens: TokenTable, rows: npt.NDArray[np.int64]) -> None:
        """The same by a plain loop."""
        train = self.spec.train.model_copy(update={"epochs": 1})
        data = Collate(tokens, rows, rows % 2, self.encoder.pad_id)
        naive.fit(self.encoder.model, data, train, seeds.generator("calibration"))

    def naive_score(self) -> LinearLaw:
        """Return the law of a plain pass, in which every row is as long as any other."""
        rows = np.arange(NAIVE_ROWS)
        work = partial(naive.score, self.encoder.model, self.texts["ag_news"], rows, self.encoder.pad_id)
        return LinearLaw(row=seconds_of(work, self.hardware) / NAIVE_ROWS)

    def surprisal(self) -> dict[str, LinearLaw]:
        """Return the laws of surprisal and of training a head for it; none for a tokenizer without a mask token."""
        if self.encoder.tokenizer.mask_token_id is None:
            return {}
        tokens, rows = self.texts["sst2"], self.sizes.surprisal
        took = []
        for steps in HEAD_STEPS:
            with tempfile.TemporaryDirectory() as cache:
                settings = self.encoder.settings.model_copy(update={"lm_head_steps": steps})
                source = SurprisalSource(
                    settings, self.hardware, tokens, "calibration", self.encoder.tokenizer, Path(cache)
                )
                took.append(seconds_of(partial(source.embeddings, np.arange(8)), self.hardware, warm_up=False))
                if steps == HEAD_STEPS[-1]:
                    reader = source.reader(checkpoints.load_masked_lm(self.encoder.checkpoint)[0])
                    of_pass = seconds_of(partial(source.compute, reader, np.arange(rows)), self.hardware)
        per_step = max(took[1] - took[0], 0.0) / (HEAD_STEPS[1] - HEAD_STEPS[0])
        token = of_pass / float(tokens.offsets[rows])
        return {
            "surprisal": LinearLaw(call=max(took[0] - HEAD_STEPS[0] * per_step, 0.0), token=token),
            "lm_head": LinearLaw(row=per_step),
        }

    def select(self, name: str) -> LinearLaw:
        """Return the law of an algorithm's selections, on made-up outputs of the model."""
        options = {option: values[0] for option, values in self.spec.options.get(name, {}).items()}
        algorithm: Algorithm = build(ALGORITHMS, component(ALGORITHMS, name, options))
        k, sizes, took = self.spec.loop.batch, self.sizes.select, []
        for n in sizes:
            view = self.pool(n).view(needs_of(algorithm), k)
            view = replace(view, device=str(self.hardware.device))
            took.append(seconds_of(partial(choose, algorithm, None, view, k), self.hardware, warm_up=n == sizes[0]))
        return law([(1.0, float(n), 0.0) for n in sizes], took)

    def pool(self, n: int) -> ToyPool:
        """Return made-up outputs of the model for a pool of n rows, its embeddings on the device."""
        made = toy_pool(n, self.encoder.model.config.hidden_size, labelled=self.spec.loop.batch)
        surprisal = np.zeros((n, self.encoder.settings.max_length), dtype=np.float32)
        surprisal[:, : made.surprisal.shape[1]] = made.surprisal
        h, labelled = (each.to(self.hardware.device) for each in (made.embeddings, made.labelled_embeddings))
        return replace(made, surprisal=surprisal, embeddings=h, labelled_embeddings=labelled)


def _algorithms(spec: GridSpec) -> tuple[str, ...]:
    """Return the algorithms whose queries are to be timed."""
    return tuple(dict.fromkeys(strategy(text).algorithm.name for text in spec.strategies)) or spec.algorithms


def calibrate(spec: GridSpec, hardware: Hardware, threads: int, cache_dir: Path | None = None) -> Rates:
    """Time what a specification needs - its model, its batches, its algorithms - on made-up texts.

    Args:
        spec: model, batches and algorithms to be timed.
        hardware: device and precision.
        threads: of a worker.
        cache_dir: where hashes of the model's files are kept.

    Raises:
        ModelError: if the model cannot be loaded, and has no shape that could stand in for it.
    """
    use_threads(threads)
    with tempfile.TemporaryDirectory() as folder:
        encoder, content, note = _encoder(spec, hardware, Path(folder), cache_dir)
        start = seconds_of(partial(Encoder, encoder.settings, hardware), hardware, warm_up=False)
        tokenizer = encoder.tokenizer
        ends = (tokenizer.cls_token_id or 0, tokenizer.sep_token_id or 0)
        rng, longest = seeds.generator("calibration"), min(spec.model.max_length, encoder.max_length)
        sizes = SIZES[hardware.device.type]
        rows = {name: max(TEXTS, *(n for of, n in sizes.fit + sizes.score if of == name)) for name in LOG_NORMAL}
        texts = {name: made_up(name, n, rng, tokenizer.vocab_size, ends, longest) for name, n in rows.items()}
        it = Calibration(spec, hardware, encoder, texts)
        laws = {
            "start": LinearLaw(call=start),
            "fit": it.over(sizes.fit, it.fit),
            "score": it.over(sizes.score, partial(encoder.score, embeddings=True)),
            "naive fit": it.over((("ag_news", NAIVE_ROWS),), it.naive_fit),
            "naive score": it.naive_score(),
            **it.surprisal(),
            **{f"select {name}": it.select(name) for name in _algorithms(spec)},
        }
        multiply, operations = products(
            encoder.model.config.hidden_size, encoder.model.config.intermediate_size, hardware
        )
        rate = operations / seconds_of(multiply, hardware)
    origin = f"a calibration of {spec.model.name}{note} on {hardware.name}, {threads} threads a worker"
    return Rates(
        model=spec.model.name,
        content=content,
        precision=spec.model.precision,
        device=hardware.name,
        threads=threads,
        origin=origin,
        laws=laws,
        flops_per_token=encoder.flops_per_token,
        flops_per_s=rate,
    )


def _encoder(spec: GridSpec, hardware: Hardware, folder: Path, cache_dir: Path | None) -> tuple[Encoder, str, str]:
    """Return a model to be timed, its content if it is the one that is meant, and a note if it is not."""
    try:
        model = pinned(spec.model, cache_dir)
        return Encoder(model, hardware, cache_dir), model.content, ""
    except ModelError:
        shape = STAND_INS.get(spec.model.name)
        if shape is None:
            raise
    settings = spec.model.model_copy(update={"name": str(save_random(SHAPES[shape], folder)), "revision": None})
    return Encoder(settings, hardware), "", " (out of reach: random weights of its shape)"
