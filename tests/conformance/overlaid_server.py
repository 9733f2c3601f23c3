"""The real server over HTTP, with what the official suite calls laid over it, beside an embedded network.

    .venv/bin/python tests/conformance/overlaid_server.py

Tools of the suite are tools like ours: the same class runs them, under the same deadline, with the same strict
arguments, error sentences, middleware, door and limits. Says on stderr where it listens, and ends at SIGTERM.
"""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack

import anyio
from fixture_contents import CONTENTS, add_readable
from fixture_questions import QUESTIONS, add_asking_prompt
from fixture_tasks import TASKS, add_tasks

from akash_mcp.cli.serve import embedded_network
from akash_mcp.config import Settings
from akash_mcp.server import build
from akash_mcp.tools import TOOLSETS
from akash_mcp.transports import serve_http
from akash_mcp.workflow.runtime import Intervals

SPEED = 60.0


async def serve() -> None:
    """Serve until a signal comes."""
    assert isinstance(TOOLSETS, dict)
    TOOLSETS["observe"] += (*CONTENTS, *QUESTIONS, *TASKS)
    async with AsyncExitStack() as stack:
        settings = await stack.enter_async_context(
            embedded_network(Settings(toolsets=("deploy", "observe")), SPEED)
        )
        server = build(settings, intervals=Intervals().times(SPEED))
        add_readable(server)
        add_asking_prompt(server)
        add_tasks(server)
        await serve_http(server, host="127.0.0.1", port=0, token=None, sse=True, listening=_say_where)


def _say_where(url: str) -> None:
    print(f"listening on {url}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    anyio.run(serve)
