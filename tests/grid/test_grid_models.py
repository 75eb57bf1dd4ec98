"""Grids on models that are no plain BERT: run with what they have, or refused before the first run."""

from __future__ import annotations

from pathlib import Path

import pytest
from grid_tools import override, write_spec
from tiny_checkpoints import save_checkpoint

from bench.errors import ModelError
from bench.grid.driver.execution import Execution
from bench.grid.driver.preflight import preflight
from bench.grid.expansion.expand import expand
from bench.store import Store


def grid_on(spec, name: str, folder: Path, **fields: object):
    """Return the tiny specification on a checkpoint of another architecture."""
    model = {"name": str(save_checkpoint(folder / "model", name)), "max_length": 32}
    return override(spec, model=model, weightings=["uniform"], **fields)


@pytest.mark.parametrize(("name", "attention"), [("deberta-v2", "eager"), ("roberta", "sdpa")])
def test_the_record_says_whose_attention_was_used(tiny_spec, run_grid, tmp_path, name, attention):
    """The texts are longer than the model has positions: they are cut to what it takes."""
    summary = run_grid(grid_on(tiny_spec, name, tmp_path, algorithms=["alps"]), tmp_path / "store")
    assert (summary.done, summary.failures) == (1, [])
    (record,) = Store(tmp_path / "store").records()
    assert record.provenance.attention == attention


def test_a_model_is_refused_only_for_what_the_grid_needs_of_it(tiny_spec, world, tmp_path):
    spec = grid_on(tiny_spec, "xlnet", tmp_path, algorithms=["random", "alps"])
    execution = Execution(tmp_path / "store", world)
    with pytest.raises(ModelError, match=r"\(xlnet\) has no masked language model"):
        preflight(spec, execution, expand(spec, world).strategies)
    preflight(spec, execution, expand(override(spec, algorithms=["random"]), world).strategies)


@pytest.mark.slow
def test_the_command_line_refuses_a_decoder_before_anything_is_stored(start, tiny_spec, tmp_path):
    spec = grid_on(tiny_spec, "gpt2", tmp_path)
    process = start(write_spec(spec, tmp_path / "gpt2.yaml"), tmp_path / "store")
    output, _ = process.communicate()
    assert process.returncode == 2
    assert "(gpt2) is a decoder, and the suite needs an encoder" in output.strip().splitlines()[-1]
    assert not (tmp_path / "store").exists()
