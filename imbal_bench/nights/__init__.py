"""The nightly job: what a machine can run, which night is to be run or finished, and scripts that start it."""

from imbal_bench.nights.machine import BY_MACHINE, fitted
from imbal_bench.nights.nights import Begun, NightFolder, tonight
from imbal_bench.nights.scripts import SCRIPTS, script

__all__ = ["BY_MACHINE", "SCRIPTS", "Begun", "NightFolder", "fitted", "script", "tonight"]
