"""The nightly job: what a machine can run, which night is to be run or finished, and scripts that start it."""

from imbal_bench.nights.machine import fitted
from imbal_bench.nights.nights import Begun, NightFolder, tonight
from imbal_bench.nights.scripts import SCRIPTS, script

__all__ = ["SCRIPTS", "Begun", "NightFolder", "fitted", "script", "tonight"]
