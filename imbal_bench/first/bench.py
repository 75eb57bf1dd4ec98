"""A door to our package ``bench``; see :mod:`imbal_bench.packages`."""

from imbal_bench.packages import load

load(__name__)
