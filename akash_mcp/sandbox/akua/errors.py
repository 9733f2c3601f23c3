"""How Akua says no, in either of its two envelopes.

Its OpenAPI document has a list of errors with whole numbers as codes, its documentation one error with a word. The
document does not say which number means what; those that its own tests use are used here, the others are made up. So
a client that branches on them, and not on the status, is right by accident.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from starlette.responses import Response

Envelope: TypeAlias = Literal["errors", "error"]
"""The document's, or the documentation's."""

NOT_FOUND = 7002
NO_SUCH_ROUTE = 7003
NO_CONTEXT = 7004
NOT_PLAYED = 9001

_CODES = {
    400: 7000,
    401: 7001,
    403: 7001,
    404: NOT_FOUND,
    406: 7000,
    409: 7002,
    413: 7000,
    422: 7000,
    429: 7005,
    501: NOT_PLAYED,
}
_WORDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    406: "not_acceptable",
    409: "conflict",
    413: "payload_too_large",
    422: "validation_error",
    429: "rate_limited",
    500: "internal_error",
    501: "not_implemented",
    503: "service_unavailable",
    504: "gateway_timeout",
}


class Refused(Exception):
    """A request that is not carried out. `path` leads to what is wrong with it, `metadata` says more."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: int | None = None,
        path: Sequence[str] = (),
        metadata: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = _CODES.get(status, 9000) if code is None else code
        self.path = tuple(path)
        self.metadata = dict(metadata or {})
        self.headers = dict(headers or {})

    def answer(self, envelope: Envelope) -> Response:
        """The response for it."""
        body = self._document() if envelope == "errors" else self._documentation()
        return as_json(body, self.status, self.headers)

    def _document(self) -> dict[str, Any]:
        entry: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.path:
            entry["path"] = list(self.path)
        if self.metadata:
            entry["metadata"] = self.metadata
        return {"success": False, "errors": [entry], "result": {}}

    def _documentation(self) -> dict[str, Any]:
        error: dict[str, Any] = {
            "code": _WORDS.get(self.status, "internal_error"),
            "message": self.message,
        }
        if self.path:
            error["param"] = ".".join(self.path)
        if self.metadata:
            error["details"] = self.metadata
        return {"error": error}


def not_found(kind: str, path: Sequence[str] = ()) -> Refused:
    """404 for something that is not there, or not in this workspace."""
    return Refused(404, f"{kind} not found.", path=path)


def invalid(message: str, *path: str) -> Refused:
    """422 for a part of a request that cannot be."""
    return Refused(422, message, path=path)


def as_json(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Response(text, status, dict(headers or {}), media_type="application/json")
