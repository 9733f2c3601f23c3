"""The wire of stdio: between the client and the server's own stdin, from the first moment of the process.

The SDK reads stdin in a thread, and a blocking read cannot be cancelled. So fd 0 becomes a pipe that a thread of ours
feeds from the client, and a signal looks to the SDK like a client that hangs up. While the SDK is still being imported,
that thread can answer the client itself; fd 1 is stderr until then, so that nothing but answers reaches the client.

Imports next to nothing, since it runs before anything else is imported.
"""

from __future__ import annotations

import fcntl
import os
import select
import sys
import threading

TYPE_CHECKING = False  # importing typing for it would cost more than all the rest
if TYPE_CHECKING:
    from typing import Protocol

    from akash_mcp.tool_choice import Serving

    class EarlyAnswers(Protocol):
        """What answers lines before the server is there. `take` gives the answer, empty where it has none, and what
        the server is told in the line's place. `is_over`: it answers nothing more. `owes`: the server is to answer
        what it was told. `replay_id`: of requests that it is told and whose answers the client has already."""

        replay_id: str
        is_over: bool
        owes: bool

        def take(self, line: bytes) -> tuple[bytes, bytes]: ...


_CHUNK = 1 << 16
_LONGEST_LINE = 1 << 16
"""Bytes. A longer line is not a question that is answered early."""


class StdioWire:
    """Carries what the client sends to `server_in`, and answers early what `early` can.

    Nothing here blocks on one end while the other has something to say: a client may write all its requests before it
    reads the first answer.
    """

    def __init__(
        self,
        client_in: int,
        client_out: int,
        early: EarlyAnswers | None = None,
        promised: Serving | None = None,
    ) -> None:
        """`promised`: what the early answers say is served."""
        self.server_in, self._server_out = os.pipe()
        self.promised = promised
        self.replay_id = early.replay_id if early else None
        self._client_in, self._client_out = client_in, client_out
        self._early = early
        self._lock = threading.Lock()
        self._line = bytearray()  # begun, and not ended yet
        self._forward = bytearray()
        self._answers = bytearray()
        self._answers_left = threading.Event()
        self._answers_left.set()
        self._news = threading.Semaphore(0)
        self._hung_up = False
        self._stopped, stop = os.pipe()  # readable once its other end is closed
        self._stop: int | None = stop
        os.set_blocking(self._server_out, False)
        self._thread = threading.Thread(target=self._carry, name="stdin", daemon=True)
        self._thread.start()

    @classmethod
    def claim(cls, early: EarlyAnswers | None = None, promised: Serving | None = None) -> StdioWire:
        """The wire of this process. Until `hand_over`, what is printed goes to stderr."""
        client_in, client_out = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3) for fd in (0, 1))
        if early is not None:
            os.dup2(2, 1)
        wire = cls(client_in, client_out, early, promised)
        os.dup2(wire.server_in, 0)
        os.close(wire.server_in)
        wire.server_in = 0
        return wire

    def linger(self, seconds: float) -> bool:
        """Wait while the client asks what is answered early: until it asks nothing for so long, or has had it all.

        Importing meanwhile would make it wait for the interpreter. True where the client has hung up and is owed
        nothing, so that no server is needed.
        """
        while self._early is not None and not self._early.is_over and self._news.acquire(timeout=seconds):
            if self._hung_up:
                break
        is_served = self._hung_up and self._early is not None and not self._early.owes
        return is_served and self._answers_left.wait()

    def hand_over(self) -> None:
        """Answer nothing more, and return once what was answered has left; fd 1 is the client's then."""
        with self._lock:
            self._early = None
        self._answers_left.wait()
        if self.server_in == 0:
            sys.stdout.flush()  # to stderr, whatever was printed so far
            os.dup2(self._client_out, 1)

    def hang_up(self) -> None:
        """Let the server see the end of its stdin, though the client stays."""
        stop, self._stop = self._stop, None
        if stop is not None:
            os.close(stop)

    def release(self) -> None:
        """Carry nothing more, and make fd 0 the client's again."""
        self.hang_up()
        self._thread.join()
        if self.server_in == 0:
            os.dup2(self._client_in, 0)

    def _carry(self) -> None:
        try:
            while not self._hung_up or self._forward or self._answers:
                # What the client says is kept without bound while it has not taken its answers: it may first finish.
                listens = not self._hung_up and (not self._forward or bool(self._answers))
                readable, writable, _ = select.select(
                    [self._stopped, *([self._client_in] if listens else [])],
                    [
                        *([self._server_out] if self._forward else []),
                        *([self._client_out] if self._answers else []),
                    ],
                    [],
                )
                if self._stopped in readable:
                    return
                if self._client_in in readable:
                    self._take(self._read())
                if self._server_out in writable:
                    del self._forward[: os.write(self._server_out, self._forward[:_CHUNK])]
                if self._client_out in writable:
                    self._answer()
        except BrokenPipeError:
            return  # the server ended
        finally:
            os.close(self._server_out)
            os.close(self._stopped)
            self._answers_left.set()
            self._news.release()

    def _read(self) -> bytes:
        try:
            return os.read(self._client_in, _CHUNK)
        except OSError:  # the terminal went away
            return b""

    def _take(self, chunk: bytes) -> None:
        with self._lock:
            self._line += chunk
            self._hung_up = not chunk
            while self._early is not None and not self._early.is_over and b"\n" in self._line:
                line, _, self._line = self._line.partition(b"\n")
                answer, told = self._early.take(bytes(line) + b"\n")
                self._answers += answer
                self._forward += told
            if self._answers:
                self._answers_left.clear()
            is_over = self._early is not None and self._early.is_over
            if self._line and (is_over or self._hung_up or len(self._line) > _LONGEST_LINE):
                self._early = (
                    None  # a line without end, and one behind the last answer, are the server's to judge
                )
            if self._early is None:
                self._forward += self._line
                self._line.clear()
        if self._hung_up and not self._answers:
            self._news.release()

    def _answer(self) -> None:
        # No more at once than a writable pipe takes without blocking.
        try:
            del self._answers[: os.write(self._client_out, self._answers[: select.PIPE_BUF])]
        except OSError:  # the client takes no answers: the server will find the same
            self._answers.clear()
        if not self._answers:
            self._answers_left.set()
            self._news.release()
