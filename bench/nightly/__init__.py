"""The nightly job: what a machine can run, which night is to be run or finished, and scripts that start it."""

from bench.nightly.machine import Fitted, fitted
from bench.nightly.nights import Begun, NightFolder, tonight
from bench.nightly.scripts import SCRIPTS, script

__all__ = ["SCRIPTS", "Begun", "Fitted", "NightFolder", "fitted", "script", "tonight"]
