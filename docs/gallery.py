"""What each strategy picks on one and the same imbalanced cloud of points, as Markdown and pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import torch
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression

from bench.arrays import IntArray
from bench.strategies.base import ALGORITHMS, WEIGHTINGS, Algorithm
from bench.strategies.strategy import choose, needs_of
from bench.testing.toys import ToyPool

POOL, POSITIVES, BATCH = 600, 30, 20
MEMBERS = 8
SHOWN = ("uniform", "invprop")
GREY, POSITIVE, PICKED = "#b8bcc4", "#d1495b", "#1f5fa8"


@dataclass(frozen=True)
class Cloud:
    """Points in two dimensions: the pool as a strategy's view has it, and the start set."""

    pool: ToyPool
    points: np.ndarray
    start: np.ndarray


@cache
def cloud() -> Cloud:
    """Return the cloud: many negatives, two small groups of positives of which only one is in the start set."""
    rng = np.random.default_rng(7)
    negatives = np.concatenate(
        [rng.normal([0, 0], [1.1, 0.9], (POOL - POSITIVES - 120, 2)), rng.normal([-2.6, 1.8], 0.45, (120, 2))]
    )
    near, far = rng.normal([2.3, 0.9], 0.4, (POSITIVES - 10, 2)), rng.normal([-0.6, -2.7], 0.3, (10, 2))
    points, hidden = np.concatenate([negatives, near, far]), np.repeat([0, 1], [POOL - POSITIVES, POSITIVES])
    start = np.concatenate([rng.normal([2.3, 0.9], 0.4, (5, 2)), rng.normal([0, 0], [1.1, 0.9], (5, 2))])
    labels = np.repeat([1, 0], 5)
    order = rng.permutation(len(points))
    points, hidden = points[order], hidden[order]
    p = _fitted(start, labels)
    resampled = [np.concatenate([rng.choice(5, 5), 5 + rng.choice(5, 5)]) for _ in range(MEMBERS - 1)]
    ensemble = np.stack([p(points), *(_fitted(start[rows], labels[rows])(points) for rows in resampled)])
    jittered = np.stack([p(points * rng.binomial(1, 0.9, 2) / 0.9) for _ in range(MEMBERS)])
    likeness = np.exp(-((points[:, None] - points[None, rng.choice(len(points), 12)]) ** 2).sum(axis=2))
    pool = ToyPool(
        probabilities=p(points), embeddings=_tensor(points), pretrained=points.astype(np.float32),
        surprisal=(likeness / np.linalg.norm(likeness, axis=1, keepdims=True)).astype(np.float32),
        ensemble=ensemble, dropout=jittered, hidden=hidden,
        labelled_probabilities=p(start), labelled_embeddings=_tensor(start),
        labelled_pretrained=start.astype(np.float32),
        features=points.astype(np.float32), labelled_features=start.astype(np.float32),
        texts=("a text",) * len(points), labelled_texts=("a labelled text",) * len(start),
        labels=labels, priority=rng.random(len(points)), weights=np.ones(len(points)),
    )  # fmt: skip
    return Cloud(pool, points, start)


def _fitted(x: np.ndarray, y: np.ndarray):
    model = LogisticRegression(C=1.0).fit(x, y)
    return lambda points: model.predict_proba(points)[:, 1]


def _tensor(values: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


def picks(algorithm: Algorithm, weighting: str) -> IntArray:
    """Return the rows of the cloud that a strategy selects as its first batch, in the order of selection."""
    weights = WEIGHTINGS.get(weighting)()
    view = cloud().pool.view(needs_of(algorithm, weights), BATCH)
    with torch.inference_mode():
        return choose(algorithm, weights, view, BATCH).picks


def picture(algorithm: Algorithm) -> str:
    """Return an SVG with a panel for each weighting shown."""
    figure = Figure(figsize=(6.3, 2.9), layout="constrained")
    here, positive = cloud(), cloud().pool.hidden == 1
    for axes, weighting in zip(figure.subplots(1, len(SHOWN), sharex=True, sharey=True), SHOWN, strict=True):
        chosen = picks(algorithm, weighting)
        axes.scatter(*here.points[~positive].T, s=6, color=GREY, linewidths=0)
        axes.scatter(*here.points[positive].T, s=10, color=POSITIVE, linewidths=0, marker="D")
        axes.scatter(*here.start.T, s=26, color="black", marker="+", linewidths=1)
        axes.scatter(*here.points[chosen].T, s=34, facecolors="none", edgecolors=PICKED, linewidths=1.3)
        axes.set_title(
            f"{WEIGHTINGS.get(weighting).title}: {positive[chosen].sum()} of {BATCH} are positive", fontsize=9
        )
        axes.set(xticks=[], yticks=[])
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


INTRODUCTION = f"""\
Each picture shows the first batch of {BATCH} on the same cloud of {POOL} points: grey are negatives, red diamonds the
{POSITIVES} positives, in two groups of which the start set (black crosses) knows one; blue circles are what is picked,
left under uniform weights, right under InvProp. The model is a logistic regression on the start set. A picture of one
draw in two dimensions shows what a strategy looks for, not how good it is."""


def page() -> tuple[str, dict[str, str]]:
    """Return the page in Markdown, and file name -> SVG of the pictures on it."""
    pictures: dict[str, str] = {}
    parts = ["# Strategies", INTRODUCTION, "## Weightings"]
    for name, weighting in WEIGHTINGS.items().items():
        about = f"*{weighting.paper}.* {weighting.open_points}"
        parts += [f"### {weighting.title} (`{name}`)", _first(weighting), about]
    parts.append("## Algorithms")
    for name, cls in ALGORITHMS.items().items():
        algorithm = cls()
        pictures[f"{name}.svg"] = picture(algorithm)
        alt = f"{cls.title} under uniform weights and under InvProp: what it picks of the cloud"
        needs = ", ".join(sorted(needs_of(algorithm))) or "nothing"
        options = ", ".join(f"`{field.name}={getattr(algorithm, field.name)}`" for field in fields(cls)) or "none"
        parts += [f"### {cls.title} (`{name}`)", _first(cls), f"![{alt}](pictures/{name}.svg)", f"*{cls.paper}.*"]
        parts.append(f"Reads: {needs}. Options: {options}. Version {cls.version}.")
        if cls.open_points:
            parts += ['??? note "What is open in the paper, and the choice made here"', f"    {cls.open_points}"]
    return "\n\n".join(parts), pictures


def _first(part: type) -> str:
    return (part.__doc__ or "").strip().split("\n")[0]
