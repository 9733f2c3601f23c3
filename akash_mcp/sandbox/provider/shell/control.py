"""How a script leaves what it is in."""

from __future__ import annotations


class ShellFailed(Exception):
    """An error that ends the shell, with exit code 2."""


class ExitShell(Exception):
    """`exit`, and what `set -e` does."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ReturnFromFunction(Exception):
    """`return`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class LeaveLoop(Exception):
    """`break` and `continue`, through so many loops."""

    def __init__(self, loops: int) -> None:
        super().__init__(loops)
        self.loops = loops

    def pass_on(self) -> None:
        """Raise it again for the next loop around this one, where it is meant for that."""
        if self.loops > 1:
            self.loops -= 1
            raise self


class BreakLoop(LeaveLoop):
    """`break`."""


class ContinueLoop(LeaveLoop):
    """`continue`."""
