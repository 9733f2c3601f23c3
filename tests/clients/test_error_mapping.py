from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.error_mapping import LONGEST_WORDS, Redactor, bounded, error_of
from akash_mcp.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerError,
    TooLarge,
    Unauthorized,
    WalletProvisioning,
)


def error(status: int, body: object, **headers: str) -> ApiError:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(status, fields, raw, name="Akash Console", redact=Redactor(["sesame"]))


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "said"),
    [
        # the API's own handler
        (401, {"error": "UnauthorizedError", "message": "Invalid API key", "code": "unauthorized"}, Unauthorized,
         "unauthorized", "Invalid API key"),
        (402, {"error": "PaymentRequiredError", "message": "Not enough", "code": "unknown_error"}, PaymentRequired,
         "unknown_error", "Not enough"),
        (403, {"error": "ForbiddenError", "message": "Forbidden", "code": "forbidden"}, Forbidden, "forbidden",
         "Forbidden"),
        (404, {"error": "NotFoundError", "message": "Deployment not found", "code": "not_found"}, NotFound,
         "not_found", "Deployment not found"),
        (409, {"error": "ConflictError", "message": "wait", "code": "wallet_provisioning"}, WalletProvisioning,
         "wallet_provisioning", "wait"),
        (409, {"message": "other", "code": "conflict"}, Conflict, "conflict", "other"),
        (413, {"error": "Error", "message": "", "code": "unknown_error"}, TooLarge, "unknown_error", "Error"),
        (422, {"message": "no"}, BadRequest, "unknown_error", "no"),
        (429, {"message": "slow"}, RateLimited, "unknown_error", "slow"),
        (495, {"error": "BadRequestError", "message": "Invalid certificate error: expired"}, BadRequest,
         "unknown_error", "Invalid certificate error: expired"),
        (500, {"message": "Internal server error", "code": "internal_server_error"}, ServerError,
         "internal_server_error", "Internal server error"),
        # a body without message
        (400, {"error": "Unsupported Content-Type"}, BadRequest, "unknown_error", "Unsupported Content-Type"),
        (405, {"error": "MethodNotAllowed"}, BadRequest, "unknown_error", "MethodNotAllowed"),
        # NestJS
        (400, {"statusCode": 400, "message": ["name too short", "bad id"]}, BadRequest, "unknown_error",
         "name too short; bad id"),
        # a Cosmos node
        (404, {"code": 5, "message": "provider not found", "details": []}, NotFound, "unknown_error",
         "provider not found"),
        # text, nothing, and nonsense
        (404, "404 Not Found", NotFound, "unknown_error", "404 Not Found"),
        (404, "Provider not found.\n", NotFound, "unknown_error", "Provider not found."),
        (500, "", ServerError, "unknown_error", ""),
        (400, "[1, 2]", BadRequest, "unknown_error", "[1, 2]"),
        (400, {"message": {"deep": 1}, "code": {"x": 1}}, BadRequest, "unknown_error", ""),
    ],
)  # fmt: skip
def test_every_shape_of_error_is_understood(
    status: int, body: object, kind: type[ApiError], code: str, said: str
) -> None:
    understood = error(status, body)
    assert (type(understood), understood.status, understood.code, understood.said) == (
        kind,
        status,
        code,
        said,
    )


def test_a_validation_error_says_what_was_wrong() -> None:
    issues = [
        {"code": "invalid_type", "path": ["data", "deposit"], "message": "Required"},
        {"message": "odd"},
    ]
    understood = error(400, {"message": "Validation error", "code": "validation_error", "data": issues})
    assert understood.said == "Validation error: data.deposit: Required; odd"


@pytest.mark.parametrize("content_type", ["text/html; charset=UTF-8", ""])
def test_a_web_page_is_not_repeated(content_type: str) -> None:
    understood = error(403, "<!DOCTYPE html><script>alert(1)</script>", content_type=content_type)
    assert isinstance(understood, Forbidden)
    assert "web page" in understood.what
    assert "script" not in understood.what


def test_the_words_are_bounded_and_on_one_line() -> None:
    understood = error(400, {"message": "a\r\n\x1b[31mred\u202eback" + " xx" * 5000})
    assert understood.said.startswith("a [31mredback xx xx")
    assert understood.said.endswith(" xx…")
    assert LONGEST_WORDS - 3 < len(understood.said) <= LONGEST_WORDS


def test_no_half_of_a_word_is_left_where_the_words_are_cut() -> None:
    understood = error(400, {"message": "x" * (LONGEST_WORDS - 10) + " ghp_" + "aB3" * 12})
    assert understood.said == "x" * (LONGEST_WORDS - 10) + "…"


def test_what_hides_inside_a_word_does_not_part_it() -> None:
    assert error(400, {"message": "pass\u200bword=\xadhunter2"}).said == "password=hunter2"


@given(st.text())
def test_bounded_text_is_always_printable(text: str) -> None:
    line = bounded(text)
    assert len(line) <= LONGEST_WORDS
    assert line.isprintable()


@given(st.text(alphabet="sesamSESAM. ", max_size=40))
def test_a_secret_is_never_left(text: str) -> None:
    assert "sesame" not in Redactor(["sesame", ""])(text).lower()


@pytest.mark.parametrize(
    "secret", ["ac.sk.production.0123456789abcdef", "eyJhbGciOiJFUzI1NksifQ.eyJpc3MiOiJhIn0.c2ln"]
)
def test_whatever_looks_like_a_secret_goes_too(secret: str) -> None:
    assert Redactor()(f"got {secret}!") == "got [redacted]!"


def test_retry_after_is_seconds_or_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)
    assert error(429, "", retry_after="12").retry_after == 12
    assert 50 < (error(429, "", retry_after=soon).retry_after or 0) <= 60
    assert error(429, "", retry_after=past).retry_after == 0
    assert error(429, "", retry_after="soon").retry_after is None
    assert error(429, "").retry_after is None
