"""How the Console says no: one error shape, and the odd ones out.

The shape is that of akash-network/console `HonoErrorHandlerService`. Which status comes with which name and
code is not what one would guess: 402, 413 and 500 all carry `unknown_error`.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import PlainTextResponse, Response

_NAMES = {
    401: "UnauthorizedError",
    402: "PaymentRequiredError",
    403: "ForbiddenError",
    404: "NotFoundError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    422: "UnprocessableEntityError",
    429: "TooManyRequestsError",
    500: "InternalServerError",
    502: "BadGatewayError",
    503: "ServiceUnavailableError",
}
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    409: "conflict",
    429: "rate_limited",
    502: "service_unavailable",
    503: "service_unavailable",
}


class Problem(Exception):
    """An error that a handler answers with. `code` and `name` follow from the status unless given.

    `data` says more where a code has it; `retry_after` is in seconds.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        name: str | None = None,
        kind: str | None = None,
        data: object = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code or _CODES.get(status, "unknown_error")
        self.name = name or _NAMES.get(status, "InternalServerError" if status >= 500 else "BadRequestError")
        self.kind = kind or ("server_error" if status >= 500 else "client_error")
        self.data = data
        self.retry_after = retry_after

    def answer(self) -> Response:
        """The response for it."""
        body: dict[str, object] = {
            "error": self.name,
            "message": self.message,
            "code": self.code,
            "type": self.kind,
        }
        if self.data is not None:
            body["data"] = self.data
        headers = None if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return answer(body, self.status, headers)


class Unanswered(Exception):
    """The request was carried out and no answer comes: the connection stays open for so many real seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__("no answer")
        self.seconds = seconds


def internal_error() -> Problem:
    """What every failure that nobody foresaw becomes."""
    return Problem(500, "Internal server error", code="internal_server_error")


def validation_error(issues: list[dict[str, Any]]) -> Response:
    """400 with the list of what is wrong with the request."""
    body = {
        "error": "BadRequestError",
        "message": "Validation error",
        "code": "validation_error",
        "type": "validation_error",
        "data": issues,
    }
    return answer(body, 400)


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON response as Console writes it."""
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return Response(text, status, headers, media_type="application/json; charset=UTF-8")


def plain(text: str, status: int) -> Response:
    """A text response, as unknown routes, providers and blocks get."""
    return PlainTextResponse(text, status)
