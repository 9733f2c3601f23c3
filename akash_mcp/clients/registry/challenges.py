"""`WWW-Authenticate`: how a registry wants to be asked (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

LONGEST = 8_192
"""Characters of the header that are read."""

_PIECE = re.compile(
    r"[\s,]*(?:(?P<name>[\w!#$%&'*+.^`|~-]+)\s*=\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<plain>[^\s,\"]+))"
    r"|(?P<scheme>[\w!#$%&'*+.^`|~-]+))",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to be let in: `bearer` or `basic`, in small letters, and its parameters."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)


def parse_challenge(header: str) -> Challenge | None:
    """The first way that we know in a header, which can name several; None where there is none."""
    challenges: list[tuple[str, dict[str, str]]] = []
    for piece in _PIECE.finditer(header[:LONGEST]):
        if scheme := piece["scheme"]:
            challenges.append((scheme.lower(), {}))
        elif challenges:
            value = piece["plain"] or re.sub(r"\\(.)", r"\1", piece["quoted"] or "")
            challenges[-1][1].setdefault(piece["name"].lower(), value)
    return next((Challenge(*each) for each in challenges if each[0] in ("bearer", "basic")), None)
