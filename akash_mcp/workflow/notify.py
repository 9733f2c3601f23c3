"""How the person is told: by a command or a webhook of their own (`AKASH_MCP_NOTIFY_COMMAND`, `_URL`).

A notice is written down by whoever found it and sent by whichever process looks next, so that sending it neither holds
up nor fails what it tells of. Each is taken once: one that a killed process had in hand is not sent again, and still
stands in the next answer of a tool. What was sent holds what the notice says and nothing else.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import anyio
from anyio.abc import Process

from akash_mcp.clients.webhook import NotTaken, Webhook
from akash_mcp.errors import LedgerUnusable
from akash_mcp.guard.books import notices
from akash_mcp.guard.books.notices import Notice
from akash_mcp.guard.books.store import Store
from akash_mcp.workflow.play_money import marked

log = logging.getLogger(__name__)

COMMAND_SECONDS = 10.0
"""How long a command may run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notifier:
    """What the person configured: a command, a webhook, both or neither.

    `command` is a program and its first arguments, run without a shell: it gets the notice as JSON on its standard
    input and as a short text in its last argument.
    """

    command: Sequence[str] = ()
    webhook: Webhook | None = None
    seconds: float = COMMAND_SECONDS
    play_money: bool = False

    async def deliver(self, store: Store) -> None:
        """Send what was not sent yet of the store's account. What goes wrong is logged; nothing is raised.

        Without a command or webhook the store is not touched.
        """
        if not self.command and self.webhook is None:
            return
        try:
            while await store.read(notices.any_unsent):
                for notice in await store.run(notices.take_unsent):
                    await self.tell(notice)
        except LedgerUnusable as error:
            log.warning("notices could not be read, so that nobody was told: %s", error.what)

    async def tell(self, notice: Notice) -> None:
        """Give one notice to the command and to the webhook, both at once. What goes wrong is logged."""
        if self.play_money:
            notice = replace(notice, text=marked(notice.text))
        document = as_document(notice)
        async with anyio.create_task_group() as tasks:
            if self.command:
                argv = [*self.command, f"{notice.level}: {notice.text}"]
                tasks.start_soon(_run, argv, json.dumps(document).encode(), self.seconds)
            if self.webhook is not None:
                tasks.start_soon(_post, self.webhook, document)


def as_document(notice: Notice) -> dict[str, str]:
    """A notice as it is sent: `at` (ISO 8601, UTC), `level`, `text`, and `dseq` and `op_id` where it has them."""
    document = {
        "at": datetime.fromtimestamp(notice.at, UTC).isoformat(timespec="seconds"),
        "level": notice.level.value,
        "text": notice.text,
    }
    return document | {name: value for name in ("dseq", "op_id") if (value := getattr(notice, name))}


async def _post(webhook: Webhook, document: Mapping[str, str]) -> None:
    try:
        await webhook.post(document)
    except NotTaken as error:
        log.warning("a notice did not reach the webhook of notify_url, which %s", error)


async def _run(argv: Sequence[str], document: bytes, seconds: float) -> None:
    try:
        process = await anyio.open_process(
            argv,
            stdin=subprocess.PIPE,
            # Never ours: standard output is the protocol's, and what a command prints can hold anything.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            start_new_session=True,  # so that it can be killed with all that it started
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds a null character"
        log.warning("the notify command cannot be started: %s", why)
        return
    async with process:
        try:
            with anyio.move_on_after(seconds):
                await _feed(process, document)
                await process.wait()
        finally:
            timed_out = process.returncode is None
            if timed_out:
                _kill(process)
    if timed_out:
        log.warning("the notify command was killed after %g s", seconds)
    elif process.returncode:
        log.warning("the notify command ended with exit code %d", process.returncode)


async def _feed(process: Process, document: bytes) -> None:
    assert process.stdin is not None
    try:
        await process.stdin.send(document)
        await process.stdin.aclose()
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError):
        log.debug("the notify command did not read its standard input")


def _kill(process: Process) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        log.debug("the notify command had just ended")


def _environment() -> dict[str, str]:
    """Ours, without what is for us alone: the API keys are among it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AKASH_", "AKUA_"))}
