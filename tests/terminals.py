"""A person at a terminal: a command of ours behind a pseudoterminal, with what it shows and what is typed."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

SECONDS = 30.0


class Terminal:
    """`with Terminal("approve", ID) as screen`: read until a question is there, then type."""

    def __init__(self, *command: str, columns: int = 100, **environ: str | Path) -> None:
        self._command = (sys.executable, "-m", "akash_mcp", *command)
        clean = {name: value for name, value in os.environ.items() if not name.startswith("AKASH")}
        self._environ = clean | {"COLUMNS": str(columns)} | {k: str(v) for k, v in environ.items()}
        self.shown = ""

    def __enter__(self) -> Terminal:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            self._command, stdin=theirs, stdout=theirs, stderr=theirs, env=self._environ, close_fds=True
        )
        os.close(theirs)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)

    def until(self, text: str) -> str:
        """All that was shown, once `text` is among it."""
        ends = time.monotonic() + SECONDS
        while text not in self.shown:
            assert time.monotonic() < ends, self.shown
            assert self._read(ends), self.shown
        return self.shown

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """The exit status, once it has ended, with all that it showed read."""
        ends = time.monotonic() + SECONDS
        while self._read(ends):
            pass
        return self._process.wait(SECONDS)

    def _read(self, ends: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(0.0, ends - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._ours, 65_536)
        except OSError:  # the command has ended, and nobody holds the other side
            return False
        self.shown += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)


QUESTION = "Type yes or no: "


def answered(op_id: str, word: str, state_dir: Path) -> Terminal:
    """`akash-mcp approve OP`, answered with a word. Its screen."""
    with Terminal("approve", op_id, AKASH_MCP_STATE_DIR=state_dir) as screen:
        screen.until(QUESTION)
        screen.type(f"{word}\n")
        assert screen.end() == 0, screen.shown
    return screen
