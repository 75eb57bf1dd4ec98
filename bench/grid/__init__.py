"""Grids of runs, in rooms that import one way.

``expansion`` turns a specification into blocks and runs, ``cost`` counts and times what they need, ``driver`` hands the
blocks that are missing to workers, which ``executors`` start; ``worker`` is what each of these does with a block.
``stored`` looks at finished runs again.

A run on its way: ``driver.execute`` -> ``executors.start`` -> ``worker.run_block`` (claims the block, prepares what its
runs share) -> ``bench.loop.rounds`` (``query``, fit, evaluate) -> ``worker.record`` -> ``bench.store.Store.write``.
"""
