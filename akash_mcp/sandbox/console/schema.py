"""Request schemas that complain in the words of zod 3, which Console validates with.

A parser takes a value, the path to it and the list of issues so far, and returns what the handler gets.
Unknown keys of objects are dropped without a word. Nothing is raised: all issues of one part of a request
come together.
"""

from __future__ import annotations

import datetime
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from akash_mcp.ids import BadId, bech32_decode
from akash_mcp.sandbox.console.moments import seconds

Path: TypeAlias = tuple["str | int", ...]
Issues: TypeAlias = list[dict[str, Any]]
Parser: TypeAlias = Callable[[Any, Path, Issues], Any]


class _Undefined:
    """A key that is not there, which JavaScript tells from null."""


UNDEFINED = _Undefined()


def string(value: Any, path: Path, issues: Issues) -> Any:
    """Text."""
    return value if isinstance(value, str) else _wrong_type("string", value, path, issues)


def number(value: Any, path: Path, issues: Issues) -> Any:
    """A JSON number."""
    return value if _is_number(value) else _wrong_type("number", value, path, issues)


def boolean(value: Any, path: Path, issues: Issues) -> Any:
    """true or false."""
    return value if isinstance(value, bool) else _wrong_type("boolean", value, path, issues)


def record(value: Any, path: Path, issues: Issues) -> Any:
    """Any JSON object."""
    return value if isinstance(value, dict) else _wrong_type("object", value, path, issues)


def positive_integer(value: Any, path: Path, issues: Issues) -> Any:
    """A whole number above 0."""
    if not _is_number(value):
        return _wrong_type("number", value, path, issues)
    if isinstance(value, float) and not value.is_integer():
        issues.append(
            _issue(
                "invalid_type", path, "Expected integer, received float", expected="integer", received="float"
            )
        )
    elif value <= 0:
        issues.append(_too_small("number", 0, path, inclusive=False))
    return value


def obj(**fields: Parser) -> Parser:
    """An object with these keys."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        if not isinstance(value, Mapping):
            return _wrong_type("object", value, path, issues)
        parsed = {
            key: field(value.get(key, UNDEFINED), (*path, key), issues) for key, field in fields.items()
        }
        return {key: item for key, item in parsed.items() if item is not UNDEFINED}

    return parse


def array(item: Parser, *, minimum: int = 0, maximum: int | None = None) -> Parser:
    """A list of such items."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        if not isinstance(value, list):
            return _wrong_type("array", value, path, issues)
        if len(value) < minimum:
            message = f"Array must contain at least {minimum} element(s)"
            details = {"minimum": minimum, "type": "array", "inclusive": True, "exact": False}
            issues.append(_issue("too_small", path, message, **details))
        elif maximum is not None and len(value) > maximum:
            message = f"Array must contain at most {maximum} element(s)"
            details = {"maximum": maximum, "type": "array", "inclusive": True, "exact": False}
            issues.append(_issue("too_big", path, message, **details))
        return [item(element, (*path, index), issues) for index, element in enumerate(value)]

    return parse


def optional(inner: Parser, default: object = UNDEFINED) -> Parser:
    """May be missing."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        return default if value is UNDEFINED else inner(value, path, issues)

    return parse


def nullable(inner: Parser) -> Parser:
    """May be null."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        return None if value is None else inner(value, path, issues)

    return parse


def either(first: Parser, second: Parser) -> Parser:
    """One or the other; where it is neither, both say why."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        failures = []
        for option in (first, second):
            own: Issues = []
            parsed = option(value, path, own)
            if not own:
                return parsed
            failures.append({"name": "ZodError", "issues": own})
        issues.append(_issue("invalid_union", path, "Invalid input", unionErrors=failures))
        return value

    return parse


def mapping(item: Parser, *, names: Parser | None = None) -> Parser:
    """An object with any keys, or such `names`, each of them to such an item."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        if not isinstance(value, dict):
            return _wrong_type("object", value, path, issues)
        if names is not None:
            for key in value:
                names(key, (*path, key), issues)
        return {key: item(element, (*path, key), issues) for key, element in value.items()}

    return parse


def at_least(minimum: int | float, maximum: int | float = float("inf"), *, whole: bool = False) -> Parser:
    """A finite JSON number within bounds."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        if not _is_number(value):
            return _wrong_type("number", value, path, issues)
        if isinstance(value, float) and not math.isfinite(value):
            issues.append(_issue("not_finite", path, "Number must be finite"))
        elif whole and value != int(value):
            details = {"expected": "integer", "received": "float"}
            issues.append(_issue("invalid_type", path, "Expected integer, received float", **details))
        elif value < minimum:
            issues.append(_too_small("number", minimum, path, inclusive=True))
        elif value > maximum:
            issues.append(_too_big(maximum, path))
        return value

    return parse


def text(minimum: int, maximum: int | float, pattern: str | None = None, *, trimmed: bool = False) -> Parser:
    """Text of bounded length, all of it like the pattern. `trimmed`: blanks around it do not count, and go."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        if not isinstance(value, str):
            return _wrong_type("string", value, path, issues)
        value = value.strip() if trimmed else value
        bounds = {"type": "string", "inclusive": True, "exact": False}
        if len(value) < minimum:
            message = f"String must contain at least {minimum} character(s)"
            issues.append(_issue("too_small", path, message, minimum=minimum, **bounds))
        elif len(value) > maximum:
            message = f"String must contain at most {maximum} character(s)"
            issues.append(_issue("too_big", path, message, maximum=maximum, **bounds))
        elif pattern and not re.fullmatch(pattern, value):
            issues.append(_issue("invalid_string", path, "Invalid", validation="regex"))
        return value

    return parse


def date(value: Any, path: Path, issues: Issues) -> Any:
    """A day as YYYY-MM-DD."""
    if not isinstance(value, str):
        return _wrong_type("string", value, path, issues)
    try:
        day = datetime.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=datetime.UTC).date()
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:
        issues.append(_issue("custom", path, "Invalid date format, must be YYYY-MM-DD"))
    return day


def moment(value: Any, path: Path, issues: Issues) -> Any:
    """A point in time as ISO 8601 has it, with its zone."""
    if not isinstance(value, str):
        return _wrong_type("string", value, path, issues)
    try:
        seconds(value)
    except ValueError:
        issues.append(_issue("invalid_string", path, "Invalid datetime", validation="datetime"))
    return value


def anything(value: Any, path: Path, issues: Issues) -> Any:
    """Any JSON at all."""
    return value


def issue(path: Path, message: str) -> dict[str, Any]:
    """A complaint that concerns several parts of a request together."""
    return _issue("custom", path, message)


def choice(*allowed: str) -> Parser:
    """One of these texts."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        if value is UNDEFINED:
            return _wrong_type(" | ".join(f"'{a}'" for a in allowed), value, path, issues)
        if value not in allowed:
            names = " | ".join(f"'{a}'" for a in allowed)
            message = f"Invalid enum value. Expected {names}, received '{value}'"
            issues.append(_issue("invalid_enum_value", path, message, received=value, options=list(allowed)))
        return value

    return parse


def query_number(minimum: int, maximum: int | None = None) -> Parser:
    """A number in a query or path, as JavaScript's `Number()` reads text."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        parsed = _as_number(value)
        if parsed is None:
            message = "Expected number, received nan"
            issues.append(_issue("invalid_type", path, message, expected="number", received="nan"))
            return value
        if parsed < minimum:
            issues.append(_too_small("number", minimum, path, inclusive=True))
        elif maximum is not None and parsed > maximum:
            issues.append(_too_big(maximum, path))
        return int(parsed)

    return parse


class Repeated(str):
    """The last value of a parameter of a query, and `each` of them."""

    each: tuple[str, ...]

    def __new__(cls, values: Sequence[str]) -> Repeated:
        made = super().__new__(cls, values[-1])
        made.each = tuple(values)
        return made


def repeated(item: Parser, maximum: int) -> Parser:
    """A parameter that a query has once or several times; gives the list."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        given = list(value.each) if isinstance(value, Repeated) else value
        return array(item, minimum=1, maximum=maximum)(given, path, issues)

    return parse


def separated(maximum: int) -> Parser:
    """Texts with commas between them; gives the list."""

    def parse(value: Any, path: Path, issues: Issues) -> Any:
        if not isinstance(value, str):
            return _wrong_type("string", value, path, issues)
        return array(string, maximum=maximum)([each for each in value.split(",") if each], path, issues)

    return parse


def dseq(value: Any, path: Path, issues: Issues) -> Any:
    """A deployment's number, coerced as JavaScript's `BigInt()` does, and given back as decimal text."""
    if value is UNDEFINED:
        return _wrong_type("bigint", value, path, issues)
    parsed = _bigint(value)
    if parsed is None:
        return _wrong_type("bigint", value, path, issues)
    if parsed <= 0:
        issues.append(_too_small("bigint", "0", path, inclusive=False))
    return str(parsed)


def akash_address(value: Any, path: Path, issues: Issues) -> Any:
    """A bech32 address that starts with `akash1`."""
    if not isinstance(value, str):
        return _wrong_type("string", value, path, issues)
    try:
        prefix, _ = bech32_decode(value)
    except BadId:
        prefix = ""
    if prefix != "akash":
        issues.append(_issue("custom", path, "Invalid address"))
    return value


def uuid_text(value: Any, path: Path, issues: Issues) -> Any:
    """A UUID."""
    if not isinstance(value, str):
        return _wrong_type("string", value, path, issues)
    try:
        uuid.UUID(value)
    except ValueError:
        issues.append(_issue("invalid_string", path, "Invalid uuid", validation="uuid"))
    return value


def addresses(value: Any, path: Path, issues: Issues) -> Any:
    """One to twenty addresses with commas between them."""
    parts: Sequence[str] = [part.strip() for part in str(value).split(",") if part.strip()]
    if not 1 <= len(parts) <= 20:
        issues.append(_issue("custom", path, "Between 1 and 20 addresses are allowed"))
    return [akash_address(part, path, issues) for part in parts]


def _bigint(value: object) -> int | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text == "":
        return 0
    # The length is our limit: nothing on chain has a number of a hundred digits.
    if re.fullmatch(r"[+-]?[0-9]{1,99}|0[xX][0-9a-fA-F]{1,99}|0[oO][0-7]{1,99}|0[bB][01]{1,99}", text):
        return int(text, 10 if text.lstrip("+-").isdigit() else 0)
    return None


def _as_number(value: object) -> float | None:
    """Text as JavaScript's `Number()` reads it, so far as it is finite; nothing at all is 0."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})?", text):
        return None
    return float(text) if len(text) < 100 else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _wrong_type(expected: str, value: object, path: Path, issues: Issues) -> object:
    received = _type_of(value)
    message = "Required" if value is UNDEFINED else f"Expected {expected}, received {received}"
    issues.append(_issue("invalid_type", path, message, expected=expected, received=received))
    return value


def _too_big(maximum: int | float, path: Path) -> dict[str, Any]:
    message = f"Number must be less than or equal to {maximum}"
    return _issue("too_big", path, message, maximum=maximum, type="number", inclusive=True, exact=False)


def _too_small(kind: str, minimum: int | float | str, path: Path, *, inclusive: bool) -> dict[str, Any]:
    relation = "greater than or equal to" if inclusive else "greater than"
    message = f"Number must be {relation} {minimum}"
    return _issue("too_small", path, message, minimum=minimum, type=kind, inclusive=inclusive, exact=False)


def _issue(code: str, path: Path, message: str, **details: object) -> dict[str, Any]:
    return {"code": code, **details, "path": list(path), "message": message}


def _type_of(value: object) -> str:
    if value is UNDEFINED:
        return "undefined"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
