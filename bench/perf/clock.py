"""Times that may be compared on a machine that others use too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import torch

from bench.model.hardware import Hardware


def time_in_turns(work: Mapping[str, Callable[[], object]], hardware: Hardware, turns: int) -> dict[str, float]:
    """Return the shortest of several times of each piece of work, in seconds; one piece after the other, in turns.

    In turns, because a neighbour's load comes and goes: all pieces then see the same load. The shortest, because load
    only ever adds. On one thread of a CPU the processor's time counts instead of the clock's: it stands still while
    others run. A first turn, which pays for allocations and kernels, does not count.
    """
    shortest = dict.fromkeys(work, float("inf"))
    for turn in range(turns + 1):
        for name, piece in work.items():
            took = seconds(piece, hardware)
            if turn:
                shortest[name] = min(shortest[name], took)
    return shortest


def seconds(piece: Callable[[], object], hardware: Hardware) -> float:
    """Return the seconds that a piece of work takes, by the clock that :func:`time_in_turns` describes."""
    on_one_thread = hardware.device.type == "cpu" and torch.get_num_threads() == 1
    clock = time.process_time if on_one_thread else time.perf_counter
    hardware.synchronize()
    began = clock()
    piece()
    hardware.synchronize()
    return clock() - began
