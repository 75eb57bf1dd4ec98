"""imbal-bench runs active-learning experiments on imbalanced text.

The package executes experiments and stores what they yield; it knows nothing of statistics (``analysis``) or
of pages (``reports``).
"""

__version__ = "0.1.0"
