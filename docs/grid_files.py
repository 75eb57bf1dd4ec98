"""The reference of grid files, from the classes that read them."""

from __future__ import annotations

import ast
import inspect
from importlib import resources
from itertools import pairwise

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from bench.config import preset_names
from bench.config.spec import GridSpec

INTRODUCTION = """\
A grid is a preset or a YAML file, and every field can be overridden: `--ratios 10,50`, `--seeds 3`, `--set
loop.rounds=3`. A file holds the fields that differ from their defaults:

```yaml
tasks: [sst2, ag_news/Sports]
ratios: [50]
seeds: 5
learners: [probe]
algorithms: [random, badge, cal]
weightings: [uniform, invprop]
model: {name: offline}
```
"""


def page() -> str:
    """Return the page in Markdown."""
    lines = ["# Grid files", "", INTRODUCTION, *_fields(GridSpec, "Fields", ""), "## Presets", ""]
    for name in preset_names():
        text = (resources.files("bench.config") / "presets" / f"{name}.yaml").read_text("utf-8")
        lines += [f"### `{name}`", "", "```yaml", text.strip(), "```", ""]
    return "\n".join(lines)


def _fields(model: type[BaseModel], title: str, prefix: str) -> list[str]:
    said, lines, groups = _docstrings(model), [f"## {title}", "", "| field | default | |", "|---|---|---|"], []
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, BaseModel):
            groups.append((type(default), f"`{name}`", f"{name}."))
            continue
        shown = (
            ""
            if default is PydanticUndefined or default == ""
            else f"`{list(default) if isinstance(default, tuple) else default}`"
        )
        about = field.description or said.get(name, "")
        lines.append(f"| `{prefix}{name}` | {shown} | {' '.join(about.split())} |")
    lines.append("")
    for inner, heading, below in groups:
        lines += _fields(inner, heading, below)
    return lines


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """Return field -> the string that follows it in the source."""
    found: dict[str, str] = {}
    for cls in reversed([one for one in model.__mro__ if issubclass(one, BaseModel) and one is not BaseModel]):
        body = ast.parse(inspect.getsource(cls)).body[0].body  # type: ignore[attr-defined]
        for pair in pairwise(body):
            match pair:
                case ast.AnnAssign(target=ast.Name(id=field)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[field] = text
    return found
