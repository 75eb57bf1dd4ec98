"""The Python session that the README shows, in small."""

import re

from conftest import ROOT

SMALL = {
    '"pydocs/pandas"': '"toy/law"',
    "ratios=[20]": "ratios=[10]",
    "seeds=10": "seeds=3",
    'learner="probe"': 'learner="tfidf"',
    'model="offline"': "loop_rounds=2",
    "badge": "entropy",
    "pool_limit=1200": "loop_batch=6",
}


def test_the_session_of_the_readme(monkeypatch, capsys):
    monkeypatch.setattr("reports.report._drawn", lambda report: {section.suffix: () for section in report.sections})
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    (code,) = [block for block in blocks if "import imbal_bench as ib" in block]
    for there, here in SMALL.items():
        assert there in code
        code = code.replace(there, here)
    exec(code, {})  # noqa: S102 - ours
    assert "entropy+invprop" in capsys.readouterr().out
