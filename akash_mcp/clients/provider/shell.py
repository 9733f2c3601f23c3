"""The shell of a lease: one command in one container, once, with what it said and how it ended.

A gateway tells a command on a lease that is gone, or on a cluster that does not answer, like one that succeeded in
silence: exit code 0 and not a word more (akash-network/provider gateway/rest). So the container's own shell is asked
to say a random word first and to become the command then: `sh -c 'echo "$0"; exec "$@"' WORD COMMAND…`. The command
is the same process with the same arguments, input, output and exit code, and the word proves that it was started. An
image without `sh` is sent the command as it is, after the gateway has said that there is none; a silent success is
not proven then.

A command may change things, so it is never sent twice: only a handshake that failed is tried again.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import anyio

from akash_mcp.clients.provider.access import ProviderAccess, ProviderSession
from akash_mcp.clients.provider.command import Command, ExecResult, ExecStatus, Output
from akash_mcp.clients.provider.shell_frames import (
    Code,
    NoSuchProgram,
    query_of,
    refusal_in,
    resize_frame,
    result_of,
    stdin_frame,
)
from akash_mcp.clients.provider.tokens import SHELL_SCOPES
from akash_mcp.errors import AkashError, Interrupted
from akash_mcp.ids import LeaseId

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

MOST_BYTES = 8 * 1024 * 1024
"""Bytes of output after which the command is left."""

_START = ("sh", "-c", 'echo "$0"; exec "$@"')
_NOT_STARTED = (126, 127, 128)
"""What container runtimes make of a program that is not there, where they do not say it in words."""
_CHUNK = 16 * 1024


class ProviderShell:
    """Runs commands in containers. Only the gate builds one."""

    def __init__(self, access: ProviderAccess) -> None:
        self._access = access

    async def run(self, lease: LeaseId, command: Command, *, seconds: float) -> ExecResult:
        """Run a command, and wait at most `seconds` for its end once it was sent.

        Raises where nothing was run for sure: `BadArgument` for a service, replica or program that there is not,
        `NotRunningYet` where the container is not ready, and what `ProviderAccess.ask` raises.
        """
        word = secrets.token_hex(12)
        try:
            ran = await self._run(lease, replace(command, argv=(*_START, word, *command.argv)), seconds)
        except NoSuchProgram:
            return await self._run(lease, command, seconds)
        if ran.stdout.take_out(re.compile(rb"%b\r?\n" % word.encode())):
            return replace(ran, started=True)
        if ran.exit_code in _NOT_STARTED and not ran.stdout.tail:
            # The shell was not started, or its first act would have been the word.
            return await self._run(lease, command, seconds)
        return ran

    async def _run(self, lease: LeaseId, command: Command, seconds: float) -> ExecResult:
        # Here, not above: most sessions run no command, and the import is a good part of the server's start.
        from akash_mcp.clients.provider.stream import frames, open_stream

        async with AsyncExitStack() as stack:

            async def opened(
                session: ProviderSession,
            ) -> tuple[ClientConnection, ProviderSession] | Interrupted:
                path = f"{lease.path}/shell?{query_of(command)}"
                try:
                    stream = await stack.enter_async_context(open_stream(session, path, silence=None))
                except Interrupted as lost:
                    return lost  # the request may have arrived, so the command may run
                return stream, session

            opening = await self._access.ask(lease, opened, scopes=SHELL_SCOPES, services=(command.service,))
            if isinstance(opening, Interrupted):
                return ExecResult(
                    ExecStatus.DROPPED, None, Output(), Output(), started=False, message=opening.what
                )
            connection, session = opening
            # Instead of a Close frame: without standard input nobody reads one, and with it only a connection that
            # is lost ends the command.
            stack.callback(connection.transport.abort)
            ends = anyio.current_time() + seconds
            if command.stdin is not None or command.terminal is not None:
                sending = await stack.enter_async_context(anyio.create_task_group())
                stack.callback(sending.cancel_scope.cancel)
                sending.start_soon(_send, connection, command)
            stream = frames(
                connection,
                session.endpoint.host,
                ends,
                confirm=partial(self._access.confirm, lease, session),
            )
            return await _outcome(await stack.enter_async_context(aclosing(stream)), ends)


async def _send(connection: ClientConnection, command: Command) -> None:
    from websockets.exceptions import ConnectionClosed

    try:
        if command.terminal is not None:
            await connection.send(resize_frame(command.terminal))
        data = command.stdin or b""
        for start in range(0, len(data), _CHUNK):
            await connection.send(stdin_frame(data[start : start + _CHUNK]))
    except ConnectionClosed:
        return  # the command ended without reading all of it, and its result says how


async def _outcome(stream: AsyncGenerator[bytes], ends: float) -> ExecResult:
    """Read until the result. Raises what a result's refusal is, where nothing was run."""
    stdout, stderr = Output(), Output()
    refusal: AkashError | None = None

    def ran(status: ExecStatus, exit_code: int | None = None, message: str = "") -> ExecResult:
        # Nothing but a program that was started says something, or has an exit code other than 0.
        started = bool(stdout.written or stderr.written or exit_code)
        return ExecResult(status, exit_code, stdout, stderr, started, message)

    try:
        async for frame in stream:
            code, payload = frame[0] if frame else None, frame[1:]
            if code == Code.STDOUT:
                stdout.add(payload)
            elif code == Code.STDERR:
                stderr.add(payload)
            elif code == Code.FAILURE:
                return ran(ExecStatus.FAILED)
            elif code == Code.RESULT:
                result = result_of(payload)
                if result is None:
                    return ran(ExecStatus.FAILED, message="The provider's result cannot be read.")
                if not result.message:
                    return ran(ExecStatus.EXITED, result.exit_code)
                refusal = refusal_in(result.message)
                if refusal is None or stdout.written or stderr.written:
                    return ran(ExecStatus.FAILED, message=result.message)
                break
            if stdout.written + stderr.written > MOST_BYTES:
                return ran(ExecStatus.TOO_MUCH)
    except AkashError as lost:
        return ran(ExecStatus.DROPPED, message=lost.what)
    if refusal is not None:
        raise refusal
    return ran(ExecStatus.TIMED_OUT if anyio.current_time() >= ends else ExecStatus.DROPPED)
