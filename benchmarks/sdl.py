"""Time to judge an SDL: `check` beside Console's own parser (`@akashnetwork/chain-sdk` on Node), in one run.

    PYTHONPATH=tests .venv/bin/python benchmarks/sdl.py [ROUNDS] [FOLDER]

Both read every SDL that the tests have verdicts on; Node parses the YAML, forces the denoms, validates, makes group
specs, manifest and hash, and ours does that and judges for chain and provider as well, with lines and hints. FOLDER
holds `node_modules` with the SDK; without it npm installs the newest one into a temporary folder. Rounds alternate,
each in a process of its own. Read the ratios: the milliseconds are this machine's.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TypedDict

from judged_sdls import everything

HERE = Path(__file__).resolve().parent
SDK = "@akashnetwork/chain-sdk"
REPEATS = 5


class Times(TypedDict):
    """Milliseconds for each file: on its first reading in a fresh process, and the median of those once warm."""

    first: list[float]
    warm: list[float]


def ours(texts: list[str]) -> Times:
    """One round of `check` in this process."""
    from akash_mcp.sdl import check

    def one_pass() -> list[float]:
        took = []
        for text in texts:
            started = time.perf_counter()
            check(text)
            took.append((time.perf_counter() - started) * 1000)
        return took

    first = one_pass()
    one_pass()
    passes = [one_pass() for _ in range(REPEATS)]
    return {"first": first, "warm": [statistics.median(times) for times in zip(*passes, strict=True)]}


def run(command: list[str], texts: list[str]) -> Times:
    """One round in a process of its own."""
    done = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    times: Times = json.loads(done.stdout)
    return times


def sdk_folder(scratch: str) -> tuple[Path | None, str]:
    """Where the SDK is and its version, or why there is none."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None, "node and npm are not on the PATH"
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(scratch)
    package = folder / "node_modules" / SDK / "package.json"
    if not package.exists():
        command = ["npm", "install", "--prefix", scratch, "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run([*command, f"{SDK}@latest"], capture_output=True, text=True, check=False)
        folder, package = Path(scratch), Path(scratch) / "node_modules" / SDK / "package.json"
        if not package.exists():
            return None, f"npm could not install {SDK}: {done.stderr.strip()[-200:]}"
    return folder, json.loads(package.read_text())["version"]


def row(name: str, rounds: list[Times]) -> list[float]:
    """Prints and returns: p50, p95 and mean once warm, mean of the first readings; each the best of its rounds."""
    figures = []
    for times in rounds:
        cuts = statistics.quantiles(times["warm"], n=100)
        figures.append([cuts[49], cuts[94], statistics.mean(times["warm"]), statistics.mean(times["first"])])
    best = [min(column) for column in zip(*figures, strict=True)]
    print(f"{name:34}" + "".join(f"{figure:12.3f}" for figure in best))
    return best


def main() -> None:
    if sys.argv[1:] == ["--one-round"]:
        print(json.dumps(ours(json.load(sys.stdin))))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    texts = [sdl.text for sdl in everything()]
    with tempfile.TemporaryDirectory() as scratch:
        folder, version = sdk_folder(scratch)
        results: tuple[list[Times], list[Times]] = ([], [])
        for _ in range(rounds):
            results[0].append(run([sys.executable, __file__, "--one-round"], texts))
            if folder:
                node = ["node", str(HERE / "sdl_node.mjs"), str(folder.resolve()), str(REPEATS)]
                results[1].append(run(node, texts))
    print(f"{len(texts)} SDLs, ms a file{'p50':>23}{'p95':>12}{'mean':>12}{'mean, cold':>12}")
    mine = row("akash_mcp.sdl.check", results[0])
    if not folder:
        print(f"the Node half is skipped: {version}")
        return
    theirs = row(f"chain-sdk {version}", results[1])
    print(f"{'ratio':34}" + "".join(f"{a / b:12.2f}" for a, b in zip(mine, theirs, strict=True)))


if __name__ == "__main__":
    main()
