"""Hold the server against the official conformance suite and Inspector, and print the figures.

    python tests/conformance/check_conformance.py            `make conformance`
    python tests/conformance/check_conformance.py --or-skip  where npm cannot get the tools, say so and succeed

The suite meets the real app, with its fixtures laid over it (`overlaid_server.py`); Inspector meets `akash-mcp serve`
with all its tools behind a token, over HTTP, and as a process of its own over stdio. The status is 1 where anything
fails.
"""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from inspector import Inspected, inspect
from node_tools import NodeTools, NoNodeTools, install
from official_suite import EXCUSED, REVISIONS, Verdict, judge

from akash_mcp.tools import TOOLSETS

OVERLAID = Path(__file__).with_name("overlaid_server.py")
_STOP_SECONDS = 20


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--or-skip", action="store_true", help="succeed where npm cannot get the tools")
    chosen = parser.parse_args()
    try:
        tools = install()
    except NoNodeTools as missing:
        print(f"Conformance was not checked: {missing}", file=sys.stderr)
        return 0 if chosen.or_skip else 1
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        return tell(*hold(tools, Path(folder)))


def hold(tools: NodeTools, folder: Path) -> tuple[list[Verdict], Inspected]:
    """Run everything; Inspector beside the suite, since each mostly waits."""
    token = secrets.token_urlsafe(32)
    with (
        ThreadPoolExecutor() as pool,
        overlaid_server(folder) as overlaid,
        whole_server(folder, token) as whole,
    ):
        looked = pool.submit(inspect, tools, whole, token, folder, expected_tools=_all_tools())
        verdicts = [judge(tools, overlaid, revision, folder / revision) for revision in REVISIONS]
        return verdicts, looked.result()


def tell(verdicts: Sequence[Verdict], inspected: Inspected) -> int:
    """Print the figures and what failed; the exit status."""
    failures = [*(failure for verdict in verdicts for failure in verdict.failures), *inspected.failures]
    print(
        "| program | run | what | checks or calls | excused scenarios | failed |\n|---|---|---|---|---|---|"
    )
    for verdict in verdicts:
        what = f"{len(verdict.scenarios)} scenarios"
        row = (
            "conformance suite",
            verdict.revision,
            what,
            verdict.checks,
            verdict.excused,
            len(verdict.failures),
        )
        print(_row(*row))
    for era, listed in inspected.tools.items():
        print(_row("Inspector, strict", era, f"{listed} tools", "", "", 0))
    for load in inspected.loads:
        speed = (
            f"{load.per_second:.0f} a second, half within {load.p50:.0f} ms, 99 % within {load.p99:.0f} ms"
        )
        print(_row("Inspector, load", load.era, speed, load.requests, "", load.requests - load.succeeded))
    for name, reason in EXCUSED.items():
        print(f"Excused: {name}: {reason}.")
    for failure in failures:
        print(f"FAILED {failure}")
    print("\nFailed." if failures else "\nNothing failed but what is excused.")
    return 1 if failures else 0


def _row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


@contextmanager
def overlaid_server(home: Path) -> Iterator[str]:
    """The real app with the fixtures of the suite; its address."""
    with _serving([sys.executable, str(OVERLAID)], home, {}) as url:
        yield url


@contextmanager
def whole_server(home: Path, token: str) -> Iterator[str]:
    """`akash-mcp serve` with every tool, behind a token, beside an embedded network; its address."""
    command = [
        sys.executable,
        "-m",
        "akash_mcp",
        "serve",
        "--sandbox",
        "--speed",
        "60",
        "--transport",
        "http",
    ]
    with _serving(
        [*command, "--port", "0", "--toolsets", ",".join(TOOLSETS)], home, {"AKASH_MCP_TOKEN": token}
    ) as url:
        yield url


@contextmanager
def _serving(command: Sequence[str], home: Path, environ: dict[str, str]) -> Iterator[str]:
    with subprocess.Popen(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(home), **environ},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stderr is not None
        try:
            said = ""
            for line in server.stderr:
                if "listening on " in line:
                    break
                said += line
            else:
                raise SystemExit(f"The server did not start: {said}")
            yield line.rpartition(" ")[2].strip()
        finally:
            server.terminate()
            server.wait(timeout=_STOP_SECONDS)


def _all_tools() -> int:
    return sum(len(specs) for specs in TOOLSETS.values())


if __name__ == "__main__":
    sys.exit(main())
