"""Whatever a strategy does in a query, the runs after it in the block yield what they would have without it."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from grid_tools import override

from bench.errors import RunError
from bench.grid.driver.execution import Execution
from bench.grid.expansion.expand import expand
from bench.grid.worker.run_block import prepare_block
from bench.loop.rounds import run_strategy
from bench.model.hardware import use_threads
from bench.strategies.badge import Badge
from bench.strategies.base import Algorithm, Weighting
from bench.strategies.direct import Direct
from bench.strategies.invprop import InvProp
from bench.strategies.select import top_k
from bench.strategies.view import NEEDS
from bench.testing.surroundings import global_state

ALL = frozenset(NEEDS) - {"features"}
"""What a strategy may need of a dataset that brings no vectors."""


@dataclass(frozen=True)
class Hostile(Algorithm):
    """Does something, then takes the likeliest positives."""

    name: ClassVar[str] = "hostile"
    needs = frozenset({"probabilities", "embeddings", "pretrained", "oracle"})
    deed: Callable[..., object] = print

    def select(self, view, w, k):
        picks = top_k(np.array(view.probabilities), np.array(w), k, np.array(view.priority))
        self.deed(view, w)
        return picks


@dataclass(frozen=True)
class HostileWeighting(Weighting):
    name: ClassVar[str] = "hostile"
    deed: Callable[..., object] = print

    def weights(self, view):
        self.deed(view, None)
        return np.ones(view.size)


@pytest.fixture(scope="module")
def prepare(tiny_spec, world, tmp_path_factory):
    """A function that prepares a block of one round, whose M_0 serves queries with these needs."""
    folder = tmp_path_factory.mktemp("hostile")
    context = Execution(folder / "store", world, threads=1).context(folder / "log")

    def of(needs=Hostile.needs, learner="probe"):
        use_threads(1)
        spec = override(tiny_spec, loop={"rounds": 1, "batch": 6}, learners=[learner], algorithms=["badge"])
        (job,) = expand(spec, world).jobs
        shared = prepare_block(job, job.runs, context)
        shared.first_needs = frozenset(needs)
        return shared

    return of


@pytest.fixture(scope="module")
def block(prepare):
    """A block that all tests share, as hostile and other runs would; a linear model on frozen embeddings is trained."""
    return prepare()


@pytest.fixture(scope="module")
def fine_tuned(prepare):
    """A block in which an encoder is fine-tuned, which reads more of torch's settings."""
    return prepare(ALL, "fine-tune")


def science(result):
    """Return what a run must yield, but for times."""
    leave_out = {"seconds", "rows", "peak_memory_mb"}
    return [entry.model_dump(exclude=leave_out) for entry in result.rounds], result.test_probabilities.tobytes()


def run(shared, algorithm=Badge(), weighting=InvProp()):  # noqa: B008 - both are frozen
    return science(run_strategy(shared, algorithm, weighting, lambda *_: None))


@pytest.fixture(scope="module")
def undisturbed(prepare):
    """What the runs yield in a block of their own."""
    shared = prepare()
    return {algorithm.name: run(shared, algorithm) for algorithm in (Hostile(lambda *_: None), Badge(), Direct())}


def force(array):
    """Write into an array by all means that NumPy offers."""
    while isinstance(array, np.ndarray):
        array.flags.writeable = True
        array[...] = 1
        array = array.base


def swap_rows(view, _):
    view.embeddings[[0, 1]] = view.embeddings[[1, 0]].clone()


ARRAYS = [
    *("probabilities", "labelled_probabilities", "ensemble", "dropout", "pretrained", "labelled_pretrained"),
    *("surprisal", "labels", "priority"),
]
WRITES = {
    **{name: lambda view, _, name=name: getattr(view, name).fill(1) for name in ARRAYS},
    **{f"{name} by force": lambda view, _, name=name: force(getattr(view, name)) for name in ARRAYS},
    **{f"{name} of some rows": lambda view, _, name=name: getattr(view.rows(np.arange(9)), name).fill(1)
       for name in (*ARRAYS, "shown")},
    "w": lambda _, w: w.fill(1),
}  # fmt: skip


def test_no_array_can_be_written_into(fine_tuned):
    @dataclass(frozen=True)
    class Everything(Hostile):
        needs = ALL

    before = run(fine_tuned)
    for deed in WRITES.values():
        with pytest.raises(RunError, match=r"'hostile', or its weighting, writes into what it was given .*a copy"):
            run(fine_tuned, Everything(deed))
    assert run(fine_tuned) == before


EMBEDDINGS = {
    "zero": lambda view, _: view.embeddings.zero_(),
    "one bit": lambda view, _: view.embeddings.view(torch.int32)[3, 5].bitwise_xor_(1),
    "swap": swap_rows,
    "columns": lambda view, _: view.embeddings.copy_(view.embeddings.flip(1)),
    "data": lambda view, _: view.embeddings.data.mul_(2),
    "numpy": lambda view, _: view.embeddings.numpy().fill(0),
    "and fails": lambda view, _: view.embeddings.zero_() / "nothing",
}


@pytest.mark.parametrize("deed", EMBEDDINGS.values(), ids=EMBEDDINGS)
def test_a_write_into_embeddings_is_found_out_and_does_not_last(deed, block):
    embeddings = block.first.outputs.embeddings.clone()
    for algorithm, weighting in ((Hostile(deed), InvProp()), (Badge(), HostileWeighting(deed))):
        with pytest.raises(RunError, match=r"or its weighting, wrote into view\.embeddings") as caught:
            run(block, algorithm, weighting)
        assert len(str(caught.value).splitlines()) == 1
        assert torch.equal(block.first.outputs.embeddings, embeddings)


def test_runs_after_such_writes_yield_what_they_would_have(block, undisturbed):
    with pytest.raises(RunError):
        run(block, Hostile(EMBEDDINGS["zero"]))
    assert run(block) == undisturbed["badge"]


def seed_all(*_):
    random.seed(7)
    np.random.seed(7)  # noqa: NPY002
    torch.manual_seed(7)


def by_way_of_torch(view, w):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for array in (view.probabilities, view.labelled_probabilities, view.pretrained, view.labels, view.priority, w):
            torch.from_numpy(array).fill_(0)


HARMLESS = {
    "float64": lambda *_: torch.set_default_dtype(torch.float64),
    "device": lambda *_: torch.set_default_device("meta"),
    "seeds": seed_all,
    "tf32": lambda *_: torch.set_float32_matmul_precision("medium"),
    "no gradients": lambda *_: torch.set_grad_enabled(False),
    "deterministic": lambda *_: torch.use_deterministic_algorithms(True),
    "autocast": lambda *_: torch.set_autocast_enabled("cpu", True),
    "threads": lambda *_: torch.set_num_threads(3),
    "numpy raises": lambda *_: np.seterr(all="raise"),
    "warnings raise": lambda *_: warnings.simplefilter("error"),
    "environment": lambda *_: os.environ.update(PL_TRAINER_MAX_STEPS="1", PL_TRAINER_FAST_DEV_RUN="1"),
    "folder": lambda *_: os.chdir("/"),
    "requires grad": lambda view, _: view.embeddings.requires_grad_(),
    "by way of torch": by_way_of_torch,
    "labelled embeddings": lambda view, _: view.labelled_embeddings.zero_(),
    "generator": lambda view, _: view.generator.random(10**4),
}


@pytest.mark.parametrize("deed", HARMLESS.values(), ids=HARMLESS)
def test_what_a_strategy_sets_or_overwrites_is_gone_after_its_query(deed, block, undisturbed):
    folder, before = os.getcwd(), global_state()  # noqa: PTH109
    assert run(block, Hostile(deed)) == undisturbed["hostile"]
    assert run(block) == undisturbed["badge"]
    assert (os.getcwd(), global_state()) == (folder, before)  # noqa: PTH109


def test_fine_tuning_is_what_it_would_be_after_all_that_at_once(fine_tuned):
    def all_at_once(view, w):
        for deed in HARMLESS.values():
            deed(view, w)

    before, folder, state = run(fine_tuned), os.getcwd(), global_state()  # noqa: PTH109
    alone = run(fine_tuned, Hostile(lambda *_: None))
    assert run(fine_tuned, Hostile(all_at_once)) == alone
    assert run(fine_tuned) == before
    assert (os.getcwd(), global_state()) == (folder, state)  # noqa: PTH109


def buy_more(view, _):
    view.oracle._budget = 10**6
    for row in range(view.size):
        view.ask(row)


LABELS = {
    "private parts": (lambda view, _: [view.oracle._reveal(row) for row in range(view.size)], "saw the labels of"),
    "forgotten": (lambda view, _: (view.ask(0), view.ask(1), view.oracle._asked.clear()), "saw the labels of"),
    "another budget": (buy_more, "bought the labels of rows"),
}


@pytest.mark.parametrize(("deed", "message"), LABELS.values(), ids=LABELS)
def test_labels_beyond_the_batch_fail_the_run_in_one_line(deed, message, block):
    with pytest.raises(RunError, match=f"'hostile' {message}") as caught:
        run(block, Hostile(deed))
    assert len(str(caught.value).splitlines()) == 1


def test_labels_that_were_bought_cannot_be_changed(block, undisturbed):
    def change(view, w):
        view.oracle._asked.update(dict.fromkeys(top_k(view.probabilities, w, 6, view.priority).tolist(), 1))

    assert run(block, Hostile(change)) == undisturbed["hostile"]


def test_a_strategy_that_buys_its_batch_alone_passes(block, undisturbed):
    assert run(block, Direct()) == undisturbed["direct"]


def test_what_is_not_declared_is_not_even_lent(block):
    seen = []

    @dataclass(frozen=True)
    class Looks(Hostile):
        needs = frozenset({"probabilities"})

    run(block, Looks(lambda view, _: seen.append(view)))
    lent = {name for name, value in vars(seen[0].outputs).items() if value is not None}
    assert lent == {"probabilities", "labelled_probabilities"}
    assert seen[0].oracle is None
