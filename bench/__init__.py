"""imbal-bench runs active-learning experiments on imbalanced text.

The package executes experiments and stores what they yield; it knows nothing of statistics (``analysis``) or
of pages (``reports``). Importing it removes from the environment what would change results unseen
(:mod:`bench.environment`).
"""

from bench.environment import leave_out_ambient

__all__ = ["leave_out_ambient"]
__version__ = "0.1.0"

leave_out_ambient()
