"""Workers: which process carries an operation out, in a name by which others on its machine see whether it runs."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from functools import cache


def new_worker() -> str:
    """A name for this process: its machine, its number there, and something that no other process has."""
    return f"{_machine()}/{os.getpid()}/{secrets.token_hex(4)}"


def is_gone(worker: str | None) -> bool:
    """Whether a worker has certainly ended. One of another machine, or whose number was given anew, may still run."""
    machine, _, rest = (worker or "").partition("/")
    number = rest.partition("/")[0]
    if machine != _machine() or not number.isdecimal() or sys.platform == "win32":
        return False  # on Windows asking for a process by a signal would end it
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


@cache
def _machine() -> str:
    """This machine, or the part of it whose processes have numbers of their own."""
    try:
        processes = os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        processes = 0
    return f"{socket.gethostname()}:{processes}"
