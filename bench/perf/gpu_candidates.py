"""The parts of `perf gpu` that measure what the suite does not do (yet), and what it would bring.

Nothing is built on a reckoning: each candidate is held here against what the suite does today, on the card in use.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from queue import Empty
from typing import Any

import numpy as np
import torch

from bench.errors import RunError
from bench.model import torch_state as state
from bench.model.encoder import Encoder
from bench.perf.gpu_card import Card, Options
from bench.perf.report import Measure
from bench.perf.stages import FIT_PARTS
from bench.records import TrainSettings

TOGETHER = (1, 3)
SPAN_S, READY_S = 6.0, 60.0
BUDGETS = (65_536, 131_072, 524_288)
ATTENDED = ((1024, 64), (4096, 16), (512, 128))
"""(rows, length) of scoring batches."""
STEP = (8, 64)
"""The same of a training step."""


def candidate(stage: str, seconds: float, against: str, today: float) -> Measure:
    """Return the time of a way of doing something, and its ratio to today's."""
    return Measure(
        stage=stage, value=1e3 * seconds, unit="ms", better="lower", ratio=seconds / today,
        floor=f"{against}, {1e3 * today:.4g} ms",
    )  # fmt: skip


def _pass(card: Card, encoder: Encoder) -> Callable[[], object]:
    tokens = card.texts["ag_news"]
    return lambda: encoder.score(tokens, card.bench.rows(tokens), embeddings=True)


def cudnn(card: Card) -> Iterator[Measure]:
    """Measure a pass with cuDNN's attention allowed, as torch ships it: a first time, and again."""
    work = _pass(card, card.bench.encoder)
    today = card.seconds(work)
    with _cudnn_allowed():
        began = time.perf_counter()
        work()
        card.hardware.synchronize()
        first = time.perf_counter() - began
        again = card.seconds(work)
    yield candidate("cuDNN attention: first pass", first, "a pass as it is", today)
    yield candidate("cuDNN attention: the same pass again", again, "a pass as it is", today)


@contextmanager
def _cudnn_allowed() -> Iterator[None]:
    kept = state._SDPA  # noqa: SLF001 - every pass sets what this says, so that nothing else would last
    state._SDPA = kept | {"cudnn": True}  # noqa: SLF001
    try:
        yield
    finally:
        state._SDPA = kept  # noqa: SLF001


def budgets(card: Card) -> Iterator[Measure]:
    """Measure passes in smaller and larger batches."""
    today = card.seconds(_pass(card, card.bench.encoder))
    for budget in BUDGETS:
        tokens = budget // 128 if card.options.dry_run else budget
        hardware = replace(card.hardware, token_budget=tokens, enough_tokens=tokens // 2)
        encoder = Encoder(card.bench.encoder.settings, hardware)
        encoder.reset(**FIT_PARTS)
        usual = f"batches of {card.hardware.token_budget:,} tokens"
        yield candidate(f"batches of {tokens:,} tokens", card.seconds(_pass(card, encoder)), usual, today)


def attention(card: Card) -> Iterator[Measure]:
    """Measure torch's attention kernels against the one that memory allows at best."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    heads, d = card.shape.heads, card.shape.hidden // card.shape.heads
    for rows, length in ATTENDED:
        q, k, v = (card.noise(rows, heads, length, d, dtype=torch.bfloat16) for _ in range(3))

        def attend(q: torch.Tensor = q, k: torch.Tensor = k, v: torch.Tensor = v) -> object:
            return torch.nn.functional.scaled_dot_product_attention(q, k, v)

        with sdpa_kernel(SDPBackend.MATH):
            plain = card.seconds(attend)
        for name in ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION"):
            with sdpa_kernel(getattr(SDPBackend, name)):
                took = card.seconds(attend)
            yield candidate(f"{name.lower()}, {rows} x {length}", took, "plain products and softmax", plain)


def fp8(card: Card) -> Iterator[Measure]:
    """Measure products in float8, each row scaled, against those of the passes."""
    rows, d, f = card.hardware.token_budget, card.shape.hidden, card.shape.inner
    for inner, outer in ((d, f), (f, d), (d, d)):
        x, weight = (card.noise(n, inner).to(torch.float8_e4m3fn) for n in (rows, outer))
        scales = torch.ones(rows, 1, device=card.hardware.device), torch.ones(1, outer, device=card.hardware.device)

        def multiply(x: torch.Tensor = x, weight: torch.Tensor = weight, scales: Any = scales) -> object:
            return torch._scaled_mm(  # noqa: SLF001 - torch has no public name for it
                x, weight.t(), scale_a=scales[0], scale_b=scales[1], out_dtype=torch.bfloat16
            )

        today = 2.0 * rows * inner * outer / card.linear(rows, inner, outer)
        stage = f"fp8 product {rows:,} x {inner} x {outer}"
        yield candidate(stage, card.seconds(multiply), "the same in bf16", today)


def graph(card: Card) -> Iterator[Measure]:
    """Measure a whole training step replayed as one CUDA graph against the same step launched kernel by kernel."""
    model, (rows, length) = card.bench.encoder.model.train(), STEP
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True, capturable=True)
    ids = card.words(rows, length)
    mask = torch.ones(rows, 1, length, length, dtype=torch.bool, device=card.hardware.device)
    labels = torch.zeros(rows, dtype=torch.long, device=card.hardware.device)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False):
            model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0, foreach=True)
        optimiser.step()

    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    eager = card.seconds(step, turns=10)
    optimiser.zero_grad(set_to_none=True)
    captured = torch.cuda.CUDAGraph()
    with torch.cuda.graph(captured):
        step()
    replay = card.seconds(captured.replay, turns=10)
    yield candidate(f"CUDA graph of a step of {rows} x {length}", replay, "eager", eager)
    card.bench.encoder.reset(**FIT_PARTS)


def compiled(card: Card) -> Iterator[Measure]:
    """Measure the encoder under torch.compile, which fuses what lies between the products, against the same eager."""
    body = card.bench.encoder.model.base_model.eval()
    rows, length = ATTENDED[0]
    ids = card.words(rows, length)
    fused = torch.compile(body, dynamic=True)

    def run(model: Any) -> Callable[[], None]:
        def work() -> None:
            with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
                model(input_ids=ids)

        return work

    today = card.seconds(run(body))
    began = time.perf_counter()
    run(fused)()
    card.hardware.synchronize()
    yield candidate("compilation of the encoder", time.perf_counter() - began, f"a batch of {rows} x {length}", today)
    yield candidate("compiled encoder, a batch", card.seconds(run(fused)), "eager", today)


def together(card: Card) -> Iterator[Measure]:
    """Measure fits by several processes at a time on one device, which leave less of it idle than one does."""
    alone = 0.0
    for processes in TOGETHER[:2] if card.options.dry_run else TOGETHER:
        rate = _steps_per_s(card.options, processes)
        alone = alone or rate
        yield Measure(
            stage=f"steps of fits, {processes} processes", value=rate, unit="steps/s", better="higher",
            floor=f"one process, {alone:.4g} steps/s", ratio=rate / alone,
        )  # fmt: skip


def _steps_per_s(options: Options, processes: int) -> float:
    """Return the training steps a second of processes that fit at the same time.

    Raises:
        RunError: if one of them ends early or never gets ready.
    """
    context = multiprocessing.get_context("spawn")
    ready, rates = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=_fit_for_a_while, args=(options, ready, rates)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    try:
        return float(sum(rates.get(timeout=(READY_S + SPAN_S) * options.patience) for _ in workers))
    except Empty:
        raise RunError(f"one of {processes} processes that should fit at the same time did not") from None
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


def _fit_for_a_while(options: Options, ready: Any, rates: Any) -> None:
    card, train = Card.made(options), TrainSettings()
    rows = np.arange(16 if options.dry_run else 208)

    def fit() -> None:
        card.bench.encoder.fit(card.texts["ag_news"], rows, rows % 2, train, **FIT_PARTS)
        card.hardware.synchronize()

    fit()
    ready.wait(READY_S * options.patience)
    began, span = time.perf_counter(), 0.3 if options.dry_run else SPAN_S
    for fits in count(1):
        fit()
        took = time.perf_counter() - began
        if took > span:
            rates.put(fits * train.epochs * -(-len(rows) // train.batch_size) / took)
            return
