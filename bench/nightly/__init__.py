"""The nightly job: what a machine can run, which night is to be run or finished, and scripts that start it."""

from bench.nightly.machine import fitted
from bench.nightly.nights import Begun, NightFolder, tonight
from bench.nightly.scripts import SCRIPTS, script

__all__ = ["SCRIPTS", "Begun", "NightFolder", "fitted", "script", "tonight"]
