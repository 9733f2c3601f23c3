from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from akash_mcp.clients.console.client import MEANINGS
from akash_mcp.clients.error_mapping import (
    LONGEST_MESSAGE,
    InsufficientBalance,
    MessageCleaner,
    TopUpPending,
    error_of,
    meanings_of,
)
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
from akash_mcp.money import Usd
from akash_mcp.sanitize.secrets import MASK
from akash_mcp.sanitize.unicode import visible


def error(status: int, body: object, **headers: str) -> ApiError:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_of(status, fields, raw, name="Akash Console", clean=MessageCleaner(["opensesame"]))


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "message"),
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
    status: int, body: object, kind: type[ApiError], code: str, message: str
) -> None:
    understood = error(status, body)
    assert (type(understood), understood.status, understood.upstream_code, understood.message) == (
        kind,
        status,
        code,
        message,
    )


def test_a_validation_error_says_what_was_wrong() -> None:
    issues = [
        {"code": "invalid_type", "path": ["data", "deposit"], "message": "Required"},
        {"message": "odd"},
    ]
    understood = error(400, {"message": "Validation error", "code": "validation_error", "data": issues})
    assert understood.message == "Validation error: data.deposit: Required; odd"


@pytest.mark.parametrize("content_type", ["text/html; charset=UTF-8", ""])
def test_a_web_page_is_not_repeated(content_type: str) -> None:
    understood = error(403, "<!DOCTYPE html><script>alert(1)</script>", content_type=content_type)
    assert isinstance(understood, Forbidden)
    assert "web page" in understood.what
    assert "script" not in understood.what


def test_a_message_is_bounded_and_on_one_line() -> None:
    understood = error(400, {"message": "a\r\n\x1b[31mred\u202eback" + " xx" * 5000})
    assert understood.message.startswith("a redback xx xx")
    assert understood.message.endswith("…")
    assert LONGEST_MESSAGE - 6 < len(understood.message.encode()) <= LONGEST_MESSAGE


def test_no_half_of_a_secret_is_left_where_a_message_is_cut() -> None:
    understood = error(400, {"message": "x" * (LONGEST_MESSAGE - 20) + " ghp_" + "aB3" * 12})
    assert "aB3" not in understood.what


def test_what_hides_inside_a_secret_does_not_hide_the_secret() -> None:
    assert error(400, {"message": "pass\u200bword=\xadhunter2"}).message == f"password={MASK}"


@given(st.text())
def test_nothing_in_a_cleaned_message_is_invisible(text: str) -> None:
    line = MessageCleaner()(text)
    assert len(line.encode()) <= LONGEST_MESSAGE
    assert visible(line) == line
    assert "\n" not in line


@given(st.text(alphabet="opensamOPENSAM. ", max_size=40), st.text(alphabet="opensamOPENSAM. ", max_size=40))
def test_what_we_show_an_upstream_is_never_repeated(before: str, after: str) -> None:
    assert "opensesame" not in MessageCleaner(["opensesame", ""])(f"{before}OpenSesame{after}").lower()


@pytest.mark.parametrize("key", ["k", "abc", "short7x"])
@pytest.mark.parametrize("shown", ["the key {} is wrong", "{}", "key={}&x=1"])
def test_what_we_show_an_upstream_is_hidden_however_short_it_is(key: str, shown: str) -> None:
    cleaned = MessageCleaner([key])(shown.format(key.upper()))
    assert key not in cleaned.replace(MASK, "").lower()


def test_a_short_key_does_not_change_what_an_error_is() -> None:
    refusal = b'{"code": "wallet_provisioning", "message": "Not Found"}'
    assert isinstance(error_of(409, {}, refusal, name="It", clean=MessageCleaner(["e"])), WalletProvisioning)
    assert (
        error_of(404, {}, b"Not Found", name="It", clean=MessageCleaner(["e"])).upstream_code
        == "unknown_error"
    )


SECRETS = {
    "our key": ("the key OpenSesame is wrong", "OpenSesame"),
    "a key of Akash Console": ("got ac.sk.production.0123456789abcdef!", "0123456789abcdef"),
    "a token": ("got eyJhbGciOiJFUzI1NksifQ.eyJpc3MiOiJhIn0.c2ln!", "eyJpc3MiOiJhIn0"),
    "a password of the SDL": ("services.web.env: DB_PASSWORD=hunter2secret is odd", "hunter2secret"),
    "a GitHub token": (f"no such image, ghp_{'aB3' * 12} was used", "aB3aB3"),
    "a password in a URL": ("cannot reach postgres://me:hunter2secret@db:5432/x", "hunter2secret"),
    "a private key": ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----", "MHcCAQ"),
}


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS.keys())
@pytest.mark.parametrize("field", ["message", "error", "code", "path", "issue", "body"])
def test_a_secret_that_is_echoed_is_masked_in_the_error_itself(field: str, text: str, secret: str) -> None:
    bodies: dict[str, object] = {
        "message": {"message": text},
        "error": {"error": text},
        "code": {"message": "no", "code": text},
        "path": {"message": "no", "data": [{"path": [text], "message": "odd"}]},
        "issue": {"message": "no", "data": [{"path": ["x"], "message": text}]},
        "body": text,
    }
    understood = error(400, bodies[field])
    shown = (str(understood), understood.what, understood.message, understood.upstream_code, repr(understood))
    assert not any(secret in each for each in shown)
    assert any(MASK in each for each in shown)


def test_what_a_message_means_is_recognised_before_it_is_masked() -> None:
    patterns = {"landed": re.compile("already exists")}
    raw = '{"message": "token=\'the deployment already exists\'"}'
    assert meanings_of(raw, patterns) == {"landed"}
    understood = error_of(500, {}, raw.encode(), name="It", clean=MessageCleaner(), meanings=patterns)
    assert "exists" not in understood.message
    assert understood.meanings == {"landed"}


def test_a_top_up_under_way_is_recognised_before_it_is_masked() -> None:
    text = "secret: 'A top up from your saved payment method is on the way'"
    assert isinstance(error(402, {"message": text}), TopUpPending)


def test_figures_of_a_missing_balance_survive_the_masking() -> None:
    body = {
        "message": f"DB_PASSWORD=hunter2secret ghp_{'aB3' * 12}",
        "code": "insufficient_balance",
        "data": {"requiredAmountUsd": 5, "availableAmountUsd": 1.25},
    }
    understood = error(402, body)
    assert isinstance(understood, InsufficientBalance)
    assert (understood.required, understood.available) == (Usd(5), Usd("1.25"))
    assert "hunter2secret" not in str(understood)


def test_retry_after_is_seconds_or_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)
    assert error(429, "", retry_after="12").retry_after == 12
    assert 50 < (error(429, "", retry_after=soon).retry_after or 0) <= 60
    assert error(429, "", retry_after=past).retry_after == 0
    assert error(429, "", retry_after="soon").retry_after is None
    assert error(429, "").retry_after is None
    of_its_own_clock = error(
        429, "", date="Fri, 20 Nov 2026 10:00:00 GMT", retry_after="Fri, 20 Nov 2026 10:04:00 GMT"
    )
    assert of_its_own_clock.retry_after == 240


def test_why_a_provider_refused_is_told_and_means_nothing() -> None:
    body = {
        "message": "The lease exists. Send this request again.",
        "code": "manifest_not_delivered",
        "data": {"dseq": "7", "provider": "akash1aaa", "reason": "Provider not authorized\n"},
    }
    understood = error_of(
        422,
        {},
        json.dumps(body).encode(),
        name="Akash Console",
        clean=MessageCleaner(),
        meanings=MEANINGS,
    )
    assert understood.message == "Provider not authorized"
    assert not understood.meanings
