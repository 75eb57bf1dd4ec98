"""``python -m bench`` is ``imbal-bench``."""

from bench.cli import main

main()
