"""Every file that is read may be anything: what comes out is the right value or one line, and never something else.

A format is a folder with a valid file in it and a function that reads it. The file is cut, has bits flipped, or is
replaced by bytes or by text that almost is its format. Where a hash protects it, what is read after that is what was
written, or nothing; a cache is made anew.
"""

import itertools
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import make_texts
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.nights import Night, append, read_history
from bench.config import load_spec
from bench.config.slurm import load_slurm
from bench.data.corpus import Corpus, Split, split_of
from bench.data.export import export_mirror
from bench.data.folders import cached_folder
from bench.data.loading import load_user
from bench.data.mirror import read_mirror
from bench.data.tokens import tokenise
from bench.errors import BenchError
from bench.grid.cost import rates
from bench.grid.worker.attempts import Attempts
from bench.grid.worker.heartbeat import Beat, beats
from bench.model.checkpoint import load_tokenizer, resolve
from bench.perf import report
from bench.records import Block, Component, ModelSettings, RunRecord, RunSpec, Settings, Strategy, Task
from bench.store import Baseline, Store
from bench.store.acknowledged import acknowledge, acknowledgements
from bench.store.baseline import save
from bench.store.compact import compact
from bench.store.merge import merge
from imbal_bench.nights import Begun, NightFolder


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        build: fills a folder and returns the file.
        read: reads the folder, into something that can be compared; of several runs, a tuple.
        protected: whether a hash tells what was written from anything else.
    """

    build: Callable[[Path], Path]
    read: Callable[[Path], object]
    protected: bool = False


def a_record(seed: int = 0) -> RunRecord:
    spec = RunSpec(
        block=Block(task=Task(dataset="sst2", positive="größe"), ratio=50, seed=seed, start="warm"),
        strategy=Strategy(algorithm=Component(name="random"), weighting=Component(name="uniform")),
        settings=Settings(),
    )
    return RunRecord(key=spec.key("f"), spec=spec, status="ok", fingerprint="f", seconds=12.5, metrics={"auc": 0.5})


KEY = a_record().key
PROBABILITIES = np.linspace(0, 1, 30, dtype=np.float32).reshape(3, 10)


def a_store(folder: Path) -> Store:
    store = Store(folder / "store", create=True)
    for seed in range(2):
        store.write(a_record(seed), PROBABILITIES + np.float32(seed))
    return store


def a_pack(folder: Path) -> Path:
    store = a_store(folder)
    compact(store)
    return next(store.packs.folder.iterdir())


def a_replicate(folder: Path) -> Path:
    store, other = a_store(folder), Store(folder / "other", create=True)
    other.write(a_record().model_copy(update={"seconds": 1.0}), PROBABILITIES)
    merge(store, [other])
    shutil.rmtree(other.path)
    return next((store.path / "replicates").glob("*.json"))


def whole_runs(folder: Path) -> object:
    """Return what a resume takes for sound, as it is read then; a run that is gone is run again."""
    store = Store(folder / "store")
    store.keys()
    sound, _ = store.valid_keys(store.keys() | {KEY})
    return tuple((store.read(key), store.test_probabilities(store.read(key)).tobytes()) for key in sorted(sound))


def merged_runs(folder: Path) -> object:
    """Return what another store takes over."""
    into = Store(folder / "into", create=True)
    found = merge(into, [Store(folder / "store")])
    assert all(len(line.splitlines()) == 1 for line in found.unreadable)
    return tuple(sorted((str(key), into.content(key)) for key in into.keys()))  # noqa: SIM118


def put(folder: Path, name: str, content: str | bytes) -> Path:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / name


def a_beat(folder: Path) -> Path:
    Store(folder / "store", create=True)
    beat = Beat(what="sst2", stage="fit", key=KEY, fraction=0.5, time=2e9)
    return put(folder, "store/live/elsewhere-1.json", beat.model_dump_json())


def a_note(folder: Path) -> Path:
    Attempts(Store(folder / "store", create=True), "call").give_up("work", "because")
    return folder / "store" / "attempts" / "work.json"


def some_rates(folder: Path) -> Path:
    made = rates.Rates(
        model="m",
        device="d",
        threads=1,
        origin="o",
        laws={"fit": rates.LinearLaw(call=1.0)},
        flops_per_token=1,
        flops_per_s=2,
    )
    rates.save(made, folder / "rates.json")
    return folder / "rates.json"


def a_report(folder: Path) -> Path:
    entry = report.Measure(stage="s", value=1, unit="s", floor="f", ratio=2, better="lower")
    made = report.PerfReport(version="1", kind="k", device="d", texts={}, load=(0, 1), measures=(entry,))
    return put(folder, "report.json", made.model_dump_json())


GRID = """tasks: [sst2, ag_news/Sports]
ratios: [10, 50]
seeds: 3
algorithms: [random, badge]
options: {invprop: {bins: [2, 5]}}
train: {learning_rate: 2.0e-4}
"""
SLURM = "jobs: 2\ncores: 4\nmemory: 8GB\ndirectives: [--gres=gpu:1]\n"
USER = "name: mine\ntrain: train.SUFFIX\ntest_fraction: 0.5\ntext: body\nlabel: kind\n"
ROWS = {"body": ["a b", "c, d", 'e "f"', "g"], "kind": ["x", "y", "x", "y"]}
SPELT = {
    "csv": 'body,kind\na b,x\n"c, d",y\n"e ""f""",x\ng,y\n',
    "jsonl": "".join(json.dumps(dict(zip(ROWS, row, strict=True))) + "\n" for row in zip(*ROWS.values(), strict=True)),
}


def a_user_s_data(folder: Path, suffix: str) -> Path:
    put(folder, "mine.yaml", USER.replace("SUFFIX", suffix))
    if suffix == "parquet":
        pq.write_table(pa.table(ROWS), folder / "train.parquet")
    else:
        put(folder, f"train.{suffix}", SPELT[suffix])
    return folder / f"train.{suffix}"


def a_mirror(folder: Path, file: str) -> Path:
    texts, labels = make_texts(12, 0)
    export_mirror(Corpus("toy", ("a", "b", "c"), *[split_of(texts, labels)] * 2, "made up"), folder / "toy")
    return folder / "toy" / file


def told(corpus: Corpus) -> object:
    return corpus.label_names, corpus.fingerprint


def opened(folder: Path) -> Store:
    return Store(folder / "store")


def a_noted(folder: Path) -> Path:
    store = a_store(folder)
    for path in store.path.rglob("*.*"):
        os.utime(path, (1e9, 1e9))
    store.valid_keys(store.keys())
    return store.path / "sound.json"


def the_probabilities(folder: Path) -> bytes:
    return opened(folder).test_probabilities(opened(folder).read(KEY)).tobytes()


def a_baseline(folder: Path) -> Path:
    return save(a_store(folder), folder / "baselines", "main").path


def an_acknowledgement(folder: Path) -> Path:
    a_baseline(folder)
    baseline = Baseline(folder / "baselines", "main")
    task, today = str(next(baseline.records()).spec.block.task), date(2026, 11, 23)
    acknowledge(baseline, task=task, metric="auc", size=0.1, reason="known", until=date(2027, 1, 1), today=today)
    return folder / "baselines" / "main.acknowledged.json"


def a_history(folder: Path) -> Path:
    same = {"finished": "f", "seconds": 1.0, "grid": "g", "settings": "s", "exit_code": 0, "runs": 1, "failed": 0}
    for number in (1, 2):
        append(folder / "history.jsonl", Night(night=f"n{number}", machine={}, moved={}, **same))
    return folder / "history.jsonl"


def a_night(folder: Path) -> Path:
    NightFolder(folder).begin(Begun(grid=load_spec("smoke"), notes=("a note",)))
    return folder / "begun.json"


def a_cached(folder: Path, file: str) -> Path:
    the_cached(folder)
    return folder / "cache" / file


def the_cached(folder: Path) -> str:
    return cached_folder(
        folder / "cache", lambda inside: put(inside, "value", "7" * 40), lambda inside: (inside / "value").read_text()
    )


FORMATS = {
    "store.json": Format(lambda folder: a_store(folder).path / "store.json", lambda folder: opened(folder).keys()),
    "record": Format(lambda folder: a_store(folder).own_file(KEY), lambda folder: opened(folder).read(KEY), True),
    "record, at a resume": Format(lambda folder: a_store(folder).own_file(KEY), whole_runs, True),
    "probabilities": Format(lambda folder: a_store(folder).own_file(KEY).with_suffix(".npy"), the_probabilities, True),
    "pack": Format(a_pack, whole_runs, True),
    "pack, when merged": Format(a_pack, merged_runs, True),
    "replicate": Format(a_replicate, merged_runs, True),
    "notes of soundness": Format(a_noted, whole_runs, True),
    "heartbeat": Format(a_beat, lambda folder: beats(opened(folder))),
    "note of attempts": Format(a_note, lambda folder: Attempts(opened(folder), "call").why_given_up("work")),
    "calibration": Format(some_rates, lambda folder: rates.read(folder / "rates.json", ModelSettings(name="m"))),
    "baseline of perf": Format(a_report, lambda folder: report.read(folder / "report.json")),
    "baseline": Format(a_baseline, lambda folder: tuple(Baseline(folder / "baselines", "main").records()), True),
    "acknowledged regressions": Format(
        an_acknowledgement, lambda folder: acknowledgements(Baseline(folder / "baselines", "main"))
    ),
    "history of nights": Format(a_history, lambda folder: read_history(folder / "history.jsonl")),
    "beginning of a night": Format(a_night, lambda folder: NightFolder(folder).read()),
    "grid": Format(lambda folder: put(folder, "grid.yaml", GRID), lambda folder: load_spec(str(folder / "grid.yaml"))),
    "slurm": Format(lambda folder: put(folder, "slurm.yaml", SLURM), lambda folder: load_slurm(folder / "slurm.yaml")),
    "user's YAML": Format(
        lambda folder: a_user_s_data(folder, "csv").with_name("mine.yaml"),
        lambda folder: told(load_user(folder / "mine.yaml")),
    ),
    **{
        f"user's {suffix}": Format(
            partial(a_user_s_data, suffix=suffix), lambda folder: told(load_user(folder / "mine.yaml"))
        )
        for suffix in ("csv", "jsonl", "parquet")
    },
    **{
        f"mirror's {file}": Format(partial(a_mirror, file=file), lambda folder: told(read_mirror(folder / "toy")), True)
        for file in ("info.json", "train.parquet")
    },
    **{
        f"cache's {file}": Format(partial(a_cached, file=file), the_cached, True) for file in ("value", "manifest.json")
    },
}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NESTED = (b"[" * 100_000, b'{"a":' * 100_000, b"- " * 3_000, b"&a [*a]", b"2001-99-99", b"x: 2001-99-99", b"? [")


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """Draw what may become of a file's content."""
    at = draw(st.integers(0, len(content) - 1))
    kinds = {
        "cut": st.just(content[:at]),
        "a bit": st.builds(
            lambda bit: content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :], st.integers(0, 7)
        ),
        "a piece": st.binary(max_size=9).map(lambda piece: content[:at] + piece + content[at + len(piece) :]),
        "anything": st.binary(max_size=60) | st.sampled_from(NESTED),
        "a value": values.map(lambda value: json.dumps(value).encode()),
        "a text": st.text("[]{}:,-#&*!|>'\"%@? \n\tabtasks01.e+~", max_size=40).map(str.encode),
    }
    return draw(kinds[draw(st.sampled_from(sorted(kinds)))])


@pytest.fixture(params=FORMATS)
def form(request) -> Format:
    return FORMATS[request.param]


def fuzz(form: Format, folder: Path, times: int) -> None:
    """Damage a file so many times."""
    file = form.build(folder / "valid").relative_to(folder / "valid")
    shutil.copytree(folder / "valid", folder / "0")
    right, content, count = form.read(folder / "0"), (folder / "valid" / file).read_bytes(), itertools.count(1)

    @settings(max_examples=times)
    @given(damaged(content))
    def one(damage: bytes) -> None:
        here = folder / str(next(count))
        shutil.copytree(folder / "valid", here)
        (here / file).write_bytes(damage)
        told, found = "", right
        try:
            found = form.read(here)
        except BenchError as error:
            told = str(error)
        assert len(told.splitlines()) <= 1
        if form.protected:
            assert found == right or (isinstance(found, tuple) and all(part in right for part in found))

    one()


def test_a_damaged_file_is_read_right_or_told_in_one_line(form, tmp_path):
    fuzz(form, tmp_path, 8)


@pytest.mark.slow
def test_many_damaged_files_are_read_right_or_told_in_one_line(form, tmp_path):
    fuzz(form, tmp_path, 100)


@pytest.mark.parametrize("name", ["manifest.json", "ids.int32", "offsets.int64"])
def test_a_damaged_cache_of_tokens_is_made_anew(name, toy_corpus, tiny_bert, tmp_path):
    tokenizer = load_tokenizer(resolve(str(tiny_bert)))
    split = Split(toy_corpus.test.texts, toy_corpus.test.labels)
    made = tokenise(split, tokenizer, max_length=16, cache_dir=tmp_path)
    ids, offsets = made.ids.copy(), made.offsets.copy()
    (path,) = tmp_path.glob(f"tokens/*/{name}")
    content = path.read_bytes()

    @settings(max_examples=8)
    @given(damaged(content))
    def one(damage: bytes) -> None:
        path.write_bytes(damage)
        again = tokenise(split, tokenizer, max_length=16, cache_dir=tmp_path)
        assert np.array_equal(again.ids, ids)
        assert np.array_equal(again.offsets, offsets)
        assert path.read_bytes() == content

    one()
