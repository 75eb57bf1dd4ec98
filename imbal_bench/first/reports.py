"""A door to our package ``reports``; see :mod:`imbal_bench.packages`."""

from imbal_bench.packages import load

load(__name__)
