"""``ib.select``: the next batch of an unlabelled pool, for a loop of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from imbal_bench.api.parts import StrategyLike


def select(
    strategy: StrategyLike,
    probabilities: Any,
    embeddings: Any = None,
    *,
    labelled: Any = (),
    labels: Any = None,
    k: int = 50,
    seed: int = 0,
    round: int = 1,  # noqa: A002 - the field's word, as in what strategies see
    pretrained: Any = None,
    surprisal: Any = None,
    ensemble: Any = None,
    dropout: Any = None,
    features: Any = None,
    texts: Any = None,
) -> npt.NDArray[np.int64]:
    """Return the row numbers of the next batch to label, in the order of selection; the same call gives the same rows.

    Arrays are of the whole pool, labelled rows included, so that row numbers stay what they are from round to round.

    Args:
        strategy: ``"badge+invprop"``, a class or an instance of Algorithm, or a pair; as for :func:`imbal_bench.run`.
        probabilities: (rows,) the model's probability of the positive class.
        embeddings: (rows, dimensions) input of the model's last layer, for strategies that need it.
        labelled: row numbers that are labelled already, in that order; or a truth value for each row.
        labels: of these, 1 = positive.
        k: rows to select; fewer if fewer are left.
        seed: names all that is drawn.
        round: number of the round, from 1; draws of different rounds are independent.
        pretrained: (rows, dimensions) text embeddings that no label has changed.
        surprisal: (rows, tokens) surprisal embeddings, rows of unit length.
        ensemble: (models, rows) probabilities by models fitted alike.
        dropout: (passes, rows) probabilities under dropout masks.
        features: (rows, dimensions) vectors of your own, for strategies that need ``features``.
        texts: (rows,) strings, for strategies that need ``texts``.

    Raises:
        SpecError: if a shape or a value is wrong, or the strategy needs what is not given.
        RunError: if the strategy breaks its contract.
    """
    from bench import seeds
    from bench.errors import SpecError
    from bench.model.standard_state import standard_state
    from bench.strategies.arrays import next_batch, pool_of
    from bench.strategies.catalogue import build_strategy
    from imbal_bench.api.parts import parts_of, strategy_of

    for name, value, least in (("k", k, 1), ("seed", seed, 0), ("round", round, 1)):
        if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
            raise SpecError(f"{name} is {value!r}; give an integer from {least} on")
    parts_of([strategy]).register()  # what it is an object of
    algorithm, weighting = build_strategy(strategy_of(strategy))
    given = {
        "probabilities": probabilities, "embeddings": embeddings, "pretrained": pretrained, "surprisal": surprisal,
        "ensemble": ensemble, "dropout": dropout, "features": features, "texts": texts,
    }  # fmt: skip
    pool = pool_of(given, labelled, labels)
    parts = {"seed": int(seed), "round": int(round)}
    with standard_state():
        return next_batch(
            algorithm,
            weighting,
            pool,
            int(k),
            number=int(round),
            draws=seeds.generator("priority", **parts).random(pool.size),
            generator=seeds.generator("select", **parts),
        )
