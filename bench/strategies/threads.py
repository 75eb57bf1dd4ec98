"""Work on chunks of rows: side by side on a CPU, one after the other on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Map = Callable[..., Iterable[Any]]
"""``map`` over chunks, in their order."""


@contextmanager
def one_thread_a_chunk(device: torch.device) -> Iterator[Map]:
    """Yield a ``map`` that works on as many chunks at a time as torch may use threads, each on one thread.

    What is computed of a chunk then does not depend on their number. Torch's own threads would divide a sum among them,
    and wait for each other, busily, after each of many small steps.
    """
    import torch

    if device.type != "cpu":
        yield map
        return
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads) as pool:
            # A single chunk needs no second thread, which costs more than most small pools.
            yield lambda work, *chunks: (map if len(chunks[0]) == 1 else pool.map)(work, *chunks)
    finally:
        torch.set_num_threads(threads)
