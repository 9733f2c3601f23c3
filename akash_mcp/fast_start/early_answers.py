"""What is answered before the server is there: the first questions of a client, where there is no doubt about them.

It judges line by line, as the SDK will, and stops at the first line that is not plainly what clients send: the SDK
reads that one and all after it. A request that decides what the SDK makes of later ones, which are the first of all and
`initialize`, is answered here and told to the SDK as well, under an id of our own whose answer nobody gets.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping

TYPE_CHECKING = False  # importing typing for it would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, NoReturn

HANDSHAKE, ENVELOPE = "handshake", "envelope"
"""The two eras of the protocol: `initialize` opens a connection, or each request carries its envelope."""

_META = "io.modelcontextprotocol/"
_VERSION, _CAPABILITIES, _CLIENT = (
    _META + name for name in ("protocolVersion", "clientCapabilities", "clientInfo")
)
_TRACING = ("traceparent", "tracestate", "baggage")
_MOST_BRACKETS = 100
"""More may be nested more deeply than the SDK reads."""
_MOST_ID = 1 << 53


class FirstAnswers:
    """Answers `initialize` or `server/discover`, and `tools/list`, once each.

    `versions`: the protocol versions of each era. `result`: the JSON text of a method's result, by era, method and the
    version that was asked for.
    """

    def __init__(
        self, versions: Mapping[str, tuple[str, ...]], result: Callable[[str, str, str], str]
    ) -> None:
        self.replay_id = f"akash-mcp-{os.urandom(16).hex()}"
        self.is_over = False
        self.owes = False
        self._versions, self._result = versions, result
        self._era = ""  # until the first request
        self._version = ""  # in the era of handshakes: until `initialize`
        self._answered: set[str] = set()

    def take(self, line: bytes) -> tuple[bytes, bytes]:
        """The answer to a line, empty where it has none yet, and what the SDK is told in its place."""
        message = _plain_message(line)
        if message is None:
            return self._leave(line)
        if "id" not in message:
            return b"", line
        method, params = message["method"], message.get("params", {})
        opens = not self._era
        if opens:
            self._era = HANDSHAKE if method == "initialize" or not _has_envelope(params) else ENVELOPE
        if method == "initialize":
            if self._era == ENVELOPE or self._version or not self._is_greeting(params):
                return self._leave(line)
            self._version = params["protocolVersion"]
        elif method in self._answered or not self._is_question(method, params):
            self.owes = True
            return b"", line
        self._answered.add(method)
        self.is_over = method == "tools/list"
        version = self._version or params["_meta"][_VERSION]
        text = self._result(self._era, method, version)
        answer = f'{{"jsonrpc":"2.0","id":{_written(message["id"])},"result":{text}}}\n'.encode()
        if not (opens or method == "initialize"):
            return answer, b""
        return answer, json.dumps({**message, "id": self.replay_id}).encode() + b"\n"

    def _leave(self, line: bytes) -> tuple[bytes, bytes]:
        self.is_over = self.owes = True
        return b"", line

    def _is_greeting(self, params: dict[str, Any]) -> bool:
        return (
            params.keys() <= {"protocolVersion", "capabilities", "clientInfo", "_meta"}
            and params.get("protocolVersion") in self._versions[HANDSHAKE]
            and _is_capabilities(params.get("capabilities"))
            and _is_client(params.get("clientInfo"))
            and _is_meta(params.get("_meta", {}))
        )

    def _is_question(self, method: str, params: dict[str, Any]) -> bool:
        """Whether a request is `server/discover` or `tools/list`, and its answer is on record."""
        if not params.keys() <= {"_meta"}:
            return False
        meta = params.get("_meta", {})
        if self._era == HANDSHAKE:
            return bool(self._version) and method == "tools/list" and _is_meta(meta)
        return (
            method in ("server/discover", "tools/list")
            and _has_envelope(params)
            and meta[_VERSION] in self._versions[ENVELOPE]
            and _is_capabilities(meta.get(_CAPABILITIES))
            and (_CLIENT not in meta or _is_client(meta[_CLIENT]))
            and _is_meta({name: meta[name] for name in meta.keys() - {_VERSION, _CAPABILITIES, _CLIENT}})
        )


def _plain_message(line: bytes) -> dict[str, Any] | None:
    """A request or notification as clients send it; None for anything else, and for what readers of JSON differ on."""
    text = line[:-2] if line.endswith(b"\r\n") else line[:-1]
    if (
        b"\r" in text  # to the SDK the end of a line
        or b"\\u" in text.replace(b"\\u00", b"")  # half a character, perhaps
        or text.count(b"{") + text.count(b"[") > _MOST_BRACKETS
    ):
        return None
    try:
        message = json.loads(
            text.decode(), parse_float=_refuse, parse_constant=_refuse, object_pairs_hook=_without_twins
        )
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        return None
    number = message.get("id", 0)
    if (
        message.keys() <= {"jsonrpc", "id", "method", "params"}
        and isinstance(message.get("method"), str)
        and isinstance(message.get("params", {}), dict)
        and (isinstance(number, str) or (type(number) is int and abs(number) < _MOST_ID))
    ):
        return message
    return None


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name stands there twice")
    return table


def _written(number: int | str) -> str:
    return json.dumps(number, ensure_ascii=False)


def _has_envelope(params: dict[str, Any]) -> bool:
    meta = params.get("_meta")
    return isinstance(meta, dict) and _VERSION in meta


def _is_meta(meta: object) -> bool:
    """Whether it is what else stands under `_meta`: a progress token, and words of tracing."""
    return isinstance(meta, dict) and all(
        isinstance(value, str) if name in _TRACING else name == "progressToken" and type(value) in (int, str)
        for name, value in meta.items()
    )


def _is_capabilities(told: object) -> bool:
    """Whether it is objects by name, with objects in them, as every capability has it but `roots`."""
    return isinstance(told, dict) and all(
        isinstance(value, dict)
        and all(
            type(inner) is bool
            if (name, key) == ("roots", "listChanged")
            else _is_objects(
                inner, deep=name not in ("elicitation", "sampling", "experimental", "extensions")
            )
            for key, inner in value.items()
        )
        for name, value in told.items()
    )


def _is_objects(value: object, *, deep: bool) -> bool:
    return isinstance(value, dict) and (not deep or all(_is_objects(v, deep=True) for v in value.values()))


def _is_client(told: object) -> bool:
    """Whether it is a name and a version, and other words about itself."""
    return (
        isinstance(told, dict)
        and {"name", "version"} <= told.keys()
        and all(
            isinstance(value, str)
            if name != "icons"
            else isinstance(value, list) and all(map(_is_icon, value))
            for name, value in told.items()
        )
    )


def _is_icon(told: object) -> bool:
    if not isinstance(told, dict) or not {"src"} <= told.keys() <= {"src", "mimeType", "sizes"}:
        return False
    sizes = told.get("sizes", [])
    return all(isinstance(told[name], str) for name in told.keys() - {"sizes"}) and (
        isinstance(sizes, list) and all(isinstance(size, str) for size in sizes)
    )
