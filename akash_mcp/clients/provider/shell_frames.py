"""What a lease's shell is asked and what it says: a query of numbered arguments, and binary frames.

A frame's first byte says what the rest is (akash-network/provider gateway/rest). The shell is left with a result or a
failure, and what a result means is decided by its message first: where there is one the command did not run well,
whatever the exit code beside it says.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from urllib.parse import urlencode

from akash_mcp.clients.api_model import read_json
from akash_mcp.clients.provider.command import Command, Terminal
from akash_mcp.errors import AkashError, BadArgument, NotRunningYet


class Code(IntEnum):
    """The first byte of a frame. `STDIN` and `RESIZE` are ours to send, the others the provider's."""

    STDOUT = 100
    STDERR = 101
    RESULT = 102
    FAILURE = 103
    STDIN = 104
    RESIZE = 105


def query_of(command: Command) -> str:
    """The query that asks for a command."""
    words = {f"cmd{index}": word for index, word in enumerate(command.argv)}
    return urlencode(
        {
            **words,
            "tty": int(command.terminal is not None),
            "service": command.service,
            "stdin": int(command.stdin is not None),
            "podIndex": command.pod_index,
        }
    )


def stdin_frame(data: bytes) -> bytes:
    """Bytes for the program's standard input. None of them would mean nothing, not the end."""
    return bytes([Code.STDIN]) + data


def resize_frame(terminal: Terminal) -> bytes:
    """The terminal's size: columns, then rows, as big-endian numbers of 16 bits."""
    return struct.pack(">BHH", Code.RESIZE, terminal.columns, terminal.rows)


@dataclass(frozen=True, slots=True)
class Result:
    """How the gateway says that it went. `message` is the provider's text, untrusted; usually empty."""

    exit_code: int
    message: str = ""


def result_of(payload: bytes) -> Result | None:
    """The result in a frame; None for a payload that is not one."""
    try:
        value = read_json(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    code, message = value.get("exit_code"), value.get("message", "")
    if not isinstance(code, int) or isinstance(code, bool) or not isinstance(message, str):
        return None
    return Result(code, message)


class NoSuchProgram(BadArgument):
    """The container does not have the program, so nothing was run."""


def refusal_in(message: str) -> AkashError | None:
    """What a result's message says if nothing was run; None for a message that leaves that open."""
    for pattern, refusal in _REFUSALS:
        found = re.search(pattern, message)
        if found:
            return refusal(found)
    return None


def _no_service(found: re.Match[str]) -> AkashError:
    return BadArgument(
        "The deployment has no such service at its provider, so nothing was run.",
        next_step="get_deployment names its services.",
    )


def _not_running(found: re.Match[str]) -> AkashError:
    state = found["state"] if "state" in found.groupdict() else None
    return NotRunningYet(
        f"No command was run: {state or 'no replica of the service is ready'}.",
        next_step="diagnose_deployment says why.",
    )


def _no_replica(found: re.Match[str]) -> AkashError:
    last = int(found["last"])
    return BadArgument(
        "There is no such replica, so nothing was run.",
        next_step="The only one is 0." if last == 0 else f"They are counted from 0 to {last}.",
    )


def _no_program(found: re.Match[str]) -> AkashError:
    return NoSuchProgram(
        "The container has no such program, so nothing was run.",
        next_step="Name it with its path, or run another. Shell syntax (|, >, &&) needs sh -c.",
    )


# The gateway's own words (akash-network/provider cluster, cluster/kube), `replicase` as it spells it.
_REFUSALS: Sequence[tuple[str, Callable[[re.Match[str]], AkashError]]] = (
    (r"no service for that lease|no such service exists with that name", _no_service),
    (r"no active replicas?e? for service", _not_running),
    (r"not running(?:: (?P<state>the service (?:has completed|has failed|is not ready)))?", _not_running),
    (r"pod index out of range: valid range is \[0, (?P<last>\d{1,9})\]", _no_replica),
    (r"could not be executed because it does not exist", _no_program),
)
