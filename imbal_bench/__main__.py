"""``python -m imbal_bench`` is ``imbal-bench``."""

from imbal_bench.cli import main

main()
