"""What was written to keep us busy costs few steps and little memory.

Steps are counted, not timed: a machine that is busy itself changes nothing. `benchmarks/sdl_bounds.py` has the times.
"""

from __future__ import annotations

import sys
import time
import tracemalloc

import pytest
from sdl_bombs import REFUSED, TAKEN

from akash_mcp.sdl import check

MAX_CALLS = 300_000
"""Calls of functions, those written in C among them. The costliest bomb takes 232,000."""
MAX_CPU_SECONDS = 2.0
"""Ten times what the slowest took on a busy machine: only a loop over the square of the text, in C, comes near."""
MAX_MEMORY = 64 * 2**20


@pytest.mark.parametrize("name", [*REFUSED, *TAKEN])
def test_a_hostile_sdl_is_checked_in_few_steps_and_little_memory(name: str) -> None:
    source = REFUSED.get(name) or TAKEN[name]
    started = time.process_time()
    assert check(source).ok == (name in TAKEN)
    assert time.process_time() - started < MAX_CPU_SECONDS
    assert calls(source) < MAX_CALLS
    tracemalloc.start()
    check(source)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MAX_MEMORY


def calls(source: str) -> int:
    """How many functions are called to check it."""
    count = 0

    def called(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        check(source)
    finally:
        sys.setprofile(before)
    return count
