"""Text that stands for a value which somebody has yet to fill in: `<YOUR_KEY>`, `changeme`, `sk-...`.

It is a guess from the words. What is not recognised may be wrong for its user all the same.
"""

from __future__ import annotations

import re

_LOOKED_AT = 2_000
"""Characters of a text that are looked at: what stands for a value is short."""

_PLACEHOLDER = re.compile(
    r"<[A-Za-z][\w .:/-]{0,60}>"  # <YOUR_KEY>
    r"|\A\$\{\w+\}\Z|\$\{AKASH_\w+\}|\{\{(?!\s?\.)[^{}]{1,60}\}\}"  # ${NAME}: nobody replaces it
    r"|\[(?:enter|insert|your)\b[^\]]{0,60}\]"
    r"|(?<![a-z])(?:change|replace|fill)[-_ ]?(?:me|this|with|after|before|by|in)(?![a-z])"
    r"|(?<![a-z])(?:put|enter|insert|add)[-_ ](?:your|here|the)(?![a-z])"
    r"|(?<![a-z])your[-_ ]\w"
    r"|(?<![a-z])your(?:domain|site|host|server|app|wallet|address|name|user|email|key|token|secret|pass)"
    r"|(?<![a-z])my[-_ ]?(?:domain|key|token|secret|pass)"
    r"|(?<![\w-])example\.(?:com|org|net)(?![\w-])"
    r"|(?<![a-z])(?:placeholder|(?-i:TODO)|fixme|tbd|changeit)(?![a-z])"
    r"|x{4,}|\Axxx\Z|\*{6,}|\Apassw(?:or|0r)d\d*\Z"
    r"|\A\.{3}\Z|://\.{3}|\A(?:sk|pk|hf|gh[a-z]|xox[a-z]|ssh)[-_][\w -]{0,12}\.{3}",
    re.IGNORECASE,
)
_PREFIX = re.compile(r"(?:hf|sk|gh[a-z]|pk|ssh)[_-]|ssh-(?:rsa|ed25519)", re.IGNORECASE)
"""What keys begin with, and nothing behind it."""


_HOW = re.compile(r"(?:TYPE|MODE|METHODS?|STRATEGY|BACKEND)\Z", re.IGNORECASE)
"""How names end of what says how one logs in: by password."""


def is_placeholder(value: str, name: str = "") -> bool:
    """Whether a value only stands for one. `name` is that of its variable: `AUTH_MODE=password` is a choice."""
    if value.lower() == "password" and _HOW.search(name):
        return False
    return holds_placeholder(value) or _PREFIX.fullmatch(value) is not None


def holds_placeholder(text: str) -> bool:
    """Whether something in a text stands for a value."""
    return _PLACEHOLDER.search(text[:_LOOKED_AT]) is not None
