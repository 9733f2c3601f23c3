"""Ten thousand wrong and strange SDLs: an answer each time, in bounded time and memory.

    PYTHONPATH=tests .venv/bin/python benchmarks/sdl_fuzz.py [COUNT] [SEED]

Mutates every SDL that the tests have verdicts on (lines and characters cut, doubled, moved and replaced; values swapped
for odd ones) and adds random text. Stops with an error where `check` raises, contradicts itself, takes more than a
second of CPU time, or the process grows beyond 128 MiB above where it began; else prints counts and the worst times.
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable

from judged_sdls import everything

from akash_mcp.sdl import check

MAX_SECONDS = 1.0
MAX_GROWTH_MIB = 128
ODD = (
    *"&*!|>%@`'\"#{}[],:?-\n\t <~\\",
    *(
        "\n  ",
        "\n- ",
        ": ",
        "*a",
        "&a ",
        "<<: *a\n",
        "!!int ",
        "? ",
        "---\n",
        "|\n  x\n",
        "\r\n",
        "%YAML 1.2\n---\n",
    ),
    *("\u2028", "\x85", "\ufeff", "\ud800", "\x00", "🌀", "é", "\u212a", "\u0130", "\u00df"),
    *("0x1", "1e400", ".5", "-1", "0o7", "9" * 400, ".nan", "~", "null", "yes", "2024-01-01", "1:30"),
    *(
        "[]",
        "{}",
        "[[]]",
        "{a: b}",
        "''",
        '"\\u2028"',
        "nvidia",
        "ram",
        "beta3",
        "512",
        "1e3Mi",
        "..Gi",
        "500m",
    ),
)

Mutation = Callable[[random.Random, str], str]


def splice(chance: random.Random, text: str) -> str:
    """Something odd in place of a few characters."""
    start = chance.randrange(len(text) + 1)
    odd: str = chance.choice(ODD)
    return text[:start] + odd + text[start + chance.choice((0, 0, 1, 3, 20)) :]


def value(chance: random.Random, text: str) -> str:
    """Something odd in place of a value."""
    places = [i + 2 for i in range(len(text)) if text.startswith(": ", i)]
    if not places:
        return splice(chance, text)
    start = chance.choice(places)
    end = text.find("\n", start)
    odd: str = chance.choice(ODD)
    return text[:start] + odd + (text[end:] if end >= 0 else "")


def lines(chance: random.Random, text: str) -> str:
    """A line dropped, doubled, moved or indented otherwise."""
    rows = text.split("\n")
    i, j = chance.randrange(len(rows)), chance.randrange(len(rows))
    match chance.randrange(4):
        case 0:
            del rows[i]
        case 1:
            rows.insert(j, rows[i])
        case 2:
            rows.insert(j, rows.pop(i) if i < len(rows) else "")
        case _:
            rows[i] = chance.choice((" ", "  ", "\t", "")) + rows[i].removeprefix("  ")
    return "\n".join(rows)


def noise(chance: random.Random, text: str) -> str:
    """Random text, of any characters or of those that mean something in YAML."""
    length = chance.choice((5, 50, 500))
    if chance.random() < 0.5:
        return "".join(chance.choice(ODD) for _ in range(length))
    return "".join(chr(chance.randrange(0x3000)) for _ in range(length))


MUTATIONS: tuple[tuple[Mutation, int], ...] = ((splice, 30), (value, 35), (lines, 30), (noise, 5))


def mutated(chance: random.Random, text: str) -> tuple[str, str]:
    """A mutation of `text` and the name of what was done last."""
    kinds, weights = zip(*MUTATIONS, strict=True)
    chosen = chance.choices(kinds, weights, k=chance.choice((1, 1, 2, 4)))
    for mutate in chosen:
        text = mutate(chance, text)
    return text, chosen[-1].__name__


def outcome(text: str) -> str:
    """What `check` makes of it, after a look at whether its parts agree."""
    report = check(text)
    assert report.ok == (not report.errors)
    assert report.console_ok == (report.manifest is not None)
    assert report.ok <= report.console_ok
    assert all(finding.message and finding.line > 0 and finding.column > 0 for finding in report.errors)
    if report.ok:
        return "taken"
    first = report.errors[0]
    return "no YAML" if first.rule == "Y01" else f"refused by {first.judge}"


def mebibytes() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    chance = random.Random(seed)
    files = [sdl.text for sdl in everything()]
    counts: Counter[str] = Counter()
    took: list[tuple[float, str]] = []
    before = mebibytes()
    for i in range(count):
        text, name = mutated(chance, files[i % len(files)])
        started = time.process_time()
        try:
            counts[outcome(text)] += 1
        except Exception:  # whatever it is, it is what we look for: printed with its input, and raised
            print(f"input {i} (seed {seed}, {name}):\n{text!r}", file=sys.stderr)
            raise
        seconds = time.process_time() - started
        took.append((seconds, f"input {i}, {name}, {len(text)} characters"))
        if seconds > MAX_SECONDS:
            sys.exit(f"{took[-1][1]} took {seconds:.2f} s (seed {seed})")
    grown = mebibytes() - before
    if grown > MAX_GROWTH_MIB:
        sys.exit(f"the process grew by {grown:.0f} MiB")
    print(f"{count} inputs, seed {seed}, no exception; memory grew by {grown:.0f} MiB")
    for kind, times in counts.most_common():
        print(f"{times:8} {kind}")
    took.sort(reverse=True)
    print(f"CPU time: {sum(seconds for seconds, _ in took) * 1000 / count:.2f} ms an input; the longest:")
    for seconds, what in took[:3]:
        print(f"{seconds * 1000:8.1f} ms {what}")


if __name__ == "__main__":
    main()
