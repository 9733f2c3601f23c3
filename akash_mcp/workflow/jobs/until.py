"""What ends a run earlier than its hours: a text in the log of a service, or the end of its container.

As text, in a tool's argument and in the journal alike: `log:train:epoch 10/10` or `exit:train`.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.text import quoted
from akash_mcp.sanitize.unicode import visible

SHORTEST_TEXT = 3
LONGEST_TEXT = 200
"""Characters. A shorter text stands in almost every line, and no line that means an end needs a longer one."""

_SERVICE = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_QUOTES = "\"'`"
_HOW = "Write log:SERVICE:TEXT, such as log:train:epoch 10/10, or exit:SERVICE, such as exit:train."


@dataclass(frozen=True, slots=True)
class Until:
    """Ends a run once a line of `service`'s log has `text`, in any case; where that is None, only with its container.

    The end of the container ends the run either way: whatever ends, Akash starts again for ever.
    """

    service: str
    text: str | None = None

    def __str__(self) -> str:
        return f"exit:{self.service}" if self.text is None else f"log:{self.service}:{self.text}"

    @property
    def what(self) -> str:
        """What is waited for, inside a sentence."""
        end = f"the container of service {self.service} has ended"
        return (
            end
            if self.text is None
            else f"the log of service {self.service} has {quoted(self.text)}, or {end}"
        )

    def check_service(self, services: Collection[str]) -> None:
        """Raise `BadArgument` unless the SDL has the service, whose names are `services`."""
        if self.service not in services:
            raise BadArgument(
                f"until names service {self.service}, and the SDL's services are {', '.join(sorted(services))}.",
                next_step="Name the one that does the work.",
            )


def parse_until(text: str) -> Until:
    """What a tool's argument or the journal says. Raises `BadArgument` with how to write it."""
    kind, _, rest = text.strip().partition(":")
    kind, (service, colon, said) = kind.strip().lower(), rest.partition(":")
    service, said = service.strip(), said.strip()
    if kind not in ("log", "exit") or not _SERVICE.fullmatch(service):
        raise BadArgument(f"{quoted(text)} says nothing that could end a run.", next_step=_HOW)
    if kind == "exit":
        if colon:
            raise BadArgument(
                f"until takes nothing after exit:{service}, since providers do not tell exit codes.",
                next_step=f"Write exit:{service}. To end at a text in its log, write log:{service}:TEXT.",
            )
        return Until(service)
    if said[:1] in _QUOTES and said[-1:] == said[:1] and said:
        raise BadArgument(
            "The text of until stands in quotes, which would be looked for too.", next_step=_HOW
        )
    if not SHORTEST_TEXT <= len(said) <= LONGEST_TEXT or visible(said) != said or len(said.splitlines()) != 1:
        raise BadArgument(
            f"The text of until must be a part of one line, of {SHORTEST_TEXT} to {LONGEST_TEXT} plain characters.",
            next_step=_HOW,
        )
    return Until(service, said)
