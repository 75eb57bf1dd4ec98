"""Nothing of ours runs what it reads: every call that could is held against a list of those that may, with reasons."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("imbal_bench", "bench", "analysis", "reports")
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "runpy", "pty", "code", "codeop"}
NAMES = {"eval", "exec", "compile", "__import__"}
LOADERS = {"torch.load", "joblib.load", "joblib.dump", "pickle.load", "pickle.loads", "os.system", "os.popen"}
METHODS = {"read_pickle", "to_pickle", "exec_module", "import_module", "full_load", "unsafe_load", "load_module"}
SAFE_YAML = {"SafeLoader", "MappingNode", "SequenceNode", "ScalarNode", "MarkedYAMLError", "Node", "CollectionNode"}

ALLOWED = {
    ("imbal_bench/packages.py", "exec_module"): "our own packages, by their place beside this one",
    ("bench/registry.py", "import_module"): "our own modules, by the files of a package",
    ("bench/registry.py", "exec_module"): "plug-ins, which a user names on the command line or installs",
    (
        "bench/data/features.py",
        "compile",
    ): "the file of a user that makes vectors, whom the README tells so",
    ("bench/data/features.py", "exec"): "the same",
    ("bench/grid/executors/packing.py", "pickle"): "between the driver and its workers, whose libraries do so anyway",
    ("bench/grid/executors/packing.py", "cloudpickle"): "the same",
    ("bench/grid/executors/packing.py", "pickle.loads"): "the same",
    ("bench/testing/elsewhere.py", "pickle"): "between a process and the helper that it started, over a pipe",
    ("bench/testing/elsewhere.py", "pickle.loads"): "between a process and the helper that it started, over a pipe",
    ("bench/testing/elsewhere.py", "exec_module"): "the plug-in that the process which asks has loaded",
}


def risks(tree: ast.AST) -> Iterator[str]:
    """Yield what a module does that could run what it reads."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            yield from (name for name in named if name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "yaml" and node.attr not in SAFE_YAML:
            yield f"yaml.{node.attr}"
        elif isinstance(node, ast.Call):
            yield from _risks_of_call(node)


def _risks_of_call(node: ast.Call) -> Iterator[str]:
    called = ast.unparse(node.func)
    last = called.rpartition(".")[2]
    options = {option.arg: ast.unparse(option.value) for option in node.keywords if option.arg}
    if called in NAMES | LOADERS or last in METHODS:
        yield last if last in METHODS else called
    arrays = called.startswith(("np.", "numpy.")) and last in {"load", "save", "read_array", "write_array"}
    if arrays and options.get("allow_pickle") != "False":
        yield f"{last} without allow_pickle=False"
    if options.get("shell", "False") != "False":
        yield "a shell"
    if options.get("trust_remote_code", "False") != "False":
        yield "trust_remote_code"
    if options.get("weights_only") == "False" or options.get("use_safetensors", "True") != "True":
        yield "weights as pickles"


def found_in(root: Path) -> set[tuple[str, str]]:
    """Return (file, risk) of all our modules."""
    found = set()
    for path in (path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))):
        found |= {(path.relative_to(root).as_posix(), risk) for risk in risks(ast.parse(path.read_text("utf-8")))}
    return found


def test_nothing_runs_what_it_reads_but_what_is_allowed_with_a_reason():
    assert found_in(ROOT) == set(ALLOWED)


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import dill",
        "eval(text)",
        "exec(text)",
        "torch.load(path)",
        "joblib.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.lib.format.read_array(file)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "pd.read_pickle(path)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
        "AutoModel.from_pretrained(name, trust_remote_code=asked)",
        "AutoModel.from_pretrained(name, use_safetensors=False)",
        "importlib.import_module(name)",
    ],
)
def test_a_planted_risk_is_found(tmp_path, code):
    for package in PACKAGES:
        (tmp_path / package).mkdir()
    (tmp_path / "bench" / "bad.py").write_text(f"def f():\n    {code}\n")
    assert {file for file, _ in found_in(tmp_path)} == {"bench/bad.py"}


HARMLESS = ("model.eval()", "yaml.SafeLoader(x)", "np.load(x, allow_pickle=False)", "re.compile(x)", "f(shell=False)")


@pytest.mark.parametrize("code", HARMLESS)
def test_what_is_harmless_passes(code):
    assert list(risks(ast.parse(code))) == []


def test_the_loader_of_models_takes_safetensors_only():
    """The scan sees no more than words; these are the values that are handed to transformers."""
    import transformers

    from bench.model import checkpoint

    seen = []

    class Loader:
        @staticmethod
        def from_pretrained(*_, **options):
            seen.append(options)
            return object(), {"missing_keys": []}

    with pytest.MonkeyPatch.context() as patch:
        for name in ("AutoModelForMaskedLM", "AutoModelForSequenceClassification"):
            patch.setattr(transformers, name, Loader)
        made = checkpoint.Checkpoint("x", "x", None)
        checkpoint.load_classifier(made)
        checkpoint.load_masked_lm(made)
    assert [(options["use_safetensors"], options["trust_remote_code"]) for options in seen] == [(True, False)] * 2
