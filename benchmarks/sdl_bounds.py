"""How long the SDLs that were written to keep us busy do so.

    PYTHONPATH=tests:tests/sdl .venv/bin/python benchmarks/sdl_bounds.py

Prints the least CPU time of eight goes for each, the slowest first, in milliseconds and as a multiple of the largest
real SDL of other people checked in the same run. The mark to stay under is 100 ms, and 200 ms for a large one that is
good, since that one has a manifest to write.
"""

from __future__ import annotations

import time

import shared_data
from sdl_bombs import REFUSED, TAKEN

from akash_mcp.sdl import check

GOES = 8


def main() -> None:
    corpus = shared_data.find("sdl/corpus")
    if corpus is None:
        raise SystemExit(f"{shared_data.NAME} is absent, so there is no real SDL to compare with")
    largest = max(corpus.iterdir(), key=lambda file: file.stat().st_size)
    real = cpu_ms(largest.read_text())
    print(f"{real:8.1f} ms   1.0x  {largest.name}, the largest real one")
    for name, took in sorted(
        ((name, cpu_ms(source)) for name, source in {**REFUSED, **TAKEN}.items()), key=lambda row: -row[1]
    ):
        limit = 100 if name in REFUSED else 200
        print(f"{took:8.1f} ms {took / real:5.1f}x  {name}{'   OVER' if took > limit else ''}")


def cpu_ms(source: str) -> float:
    """Least CPU time of checking it: what shares the machine makes some goes slower."""
    least = float("inf")
    for _ in range(GOES):
        started = time.process_time()
        check(source)
        least = min(least, time.process_time() - started)
    return least * 1000


if __name__ == "__main__":
    main()
