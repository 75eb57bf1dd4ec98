import importlib.util
from pathlib import Path

import pytest

FACTORY = Path(__file__).parents[1] / "analysis" / "factory.py"


@pytest.fixture(scope="session")
def factory():
    """The module of synthetic runs; tests are no packages, so it is loaded from its file."""
    spec = importlib.util.spec_from_file_location("analysis_factory", FACTORY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MARKS = ("forest", "wins", "curves-auc")
"""How the names of some figures begin: among them they hold every kind of mark, line and clip."""


@pytest.fixture(scope="module")
def _few_drawn():
    """Of each ratio's figures a few are drawn and the rest are blank: what each drawing holds is tested elsewhere."""
    from reports.figures import draw
    from reports.figures.style import canvas, rendered

    blank = rendered(lambda: canvas(2), "blank")

    def drawn(figures, width, kinds):
        return [
            draw(one, width, kinds) if one.name.startswith(MARKS) else {kind: blank[kind] for kind in kinds}
            for one in figures
        ]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reports.picture._drawn", drawn)
        yield
