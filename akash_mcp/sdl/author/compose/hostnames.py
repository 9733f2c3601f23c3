"""Service names and host names: what a service is called in the SDL, and where other services' settings name it.

On a network of Compose a service answers to its own name, its container's, its aliases and its links; on Akash to the
one name that the SDL gives it. So where another's settings say an old name as a host, they get the new one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from akash_mcp.sanitize.secrets import sounds_secret
from akash_mcp.sdl.author.workload import SERVICE_NAME

_HOST = re.compile(r"(?P<before>^|//|[@,=(\s])(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?=[]:/?#,;)\s\"']|$)")
_PORT = re.compile(r":[0-9]{1,5}(?=[]:/?#,;)\s\"']|$)")
_PORT_BY_NAME = re.compile(r":\$[^@/\s]*(?=[/\s]|$)")
"""`:$PORT`, and not the password before an `@`."""
_NAMED_PORT = re.compile(r"(?<![\w.-])([A-Za-z0-9_][A-Za-z0-9_.-]*):([0-9]{2,5})(?![\w.])", re.ASCII)
_HOST_SETTING = re.compile(r"HOST|ADDR|SERVER|ENDPOINT|UPSTREAM|BROKER|NODE", re.IGNORECASE)
_ENDS_AS_A_HOST = re.compile(rf"(?:{_HOST_SETTING.pattern})(?:NAME|ESS)?(?:E?S)?_?[0-9]*$", re.IGNORECASE)


def sdl_names(services: Iterable[str]) -> dict[str, str]:
    """For each service the name that an SDL takes.

    That is a-z, 0-9 and "-", beginning with a letter and not ending with "-", at most 63 characters. One that is so
    already keeps its name, whatever another has to be called.
    """
    all_names = list(services)
    names = {name: name for name in all_names if SERVICE_NAME.fullmatch(name)}
    taken = set(names)
    for service in (name for name in all_names if name not in names):
        plain = re.sub("[^a-z0-9]+", "-", service.lower()).strip("-")
        base = (plain if plain[:1].isalpha() else f"s-{plain}").rstrip("-")[:60].rstrip("-")
        name, number = base, 2
        while name in taken:
            name, number = f"{base}-{number}", number + 1
        taken.add(name)
        names[service] = name
    return {name: names[name] for name in all_names}


def renamed(text: str, names: Mapping[str, str], *, setting: str = "") -> str:
    """The text with every old name that stands as a host replaced: in a URL, before a port, or alone in a `setting`
    whose name says that it is a host.

    A user or a password that is called like a host stays: before the `@` of a URL, and in a `setting` that sounds like
    a secret, outside URLs.
    """
    url = text.find("//")
    is_secret = sounds_secret(setting)
    says_host = _ENDS_AS_A_HOST.search(setting) if is_secret else _HOST_SETTING.search(setting)

    def replace(match: re.Match[str]) -> str:
        host, before, end = match["host"], match["before"], match.end()
        if host not in names:
            return match[0]
        has_port = _PORT.match(text, end) is not None
        if before == "//" or (before == "@" and 0 <= url < match.start()):
            is_host = has_port or text[end : end + 1] != ":" or _PORT_BY_NAME.match(text, end) is not None
        elif says_host:
            is_host = has_port or host == text
        else:
            is_host = has_port and (not is_secret or before in ("@", "("))
        return before + names[host] if is_host else match[0]

    return _HOST.sub(replace, text)


def ports_named(text: str) -> Iterable[tuple[str, int]]:
    """Every `name:port` in a text."""
    for match in _NAMED_PORT.finditer(text):
        if 1 <= int(match[2]) <= 65_535:
            yield match[1], int(match[2])
