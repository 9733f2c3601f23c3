"""Judges values by a JSON Schema, as a process of its own: `python -m akash_mcp.workflow.akua.schema_judge`.

The schema is somebody else's, and one can be written that takes for ever or all memory: a pattern that backtracks, a
definition that names itself twice at each of forty levels. So this process has a little time and memory of its own,
holds nothing that is worth taking, and is ended by whoever started it. It reads `{"schema": …, "values": …}` from its
input and writes `{"faults": [[path, what], …]}` or `{"unjudged": why}`.

It says which rule is broken, and never repeats the value that breaks it: that may be a secret.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from jsonschema import ValidationError

CPU_SECONDS = 4
"""The processor time that a judgement may take."""
MEMORY_BYTES = 512 << 20
"""The memory that it may take, where the system keeps to such a limit."""
MOST_FAULTS = 10
_MOST_NAMED = 20
_LONGEST_VALUE = 200

Path: TypeAlias = tuple[str | int, ...]
Fault: TypeAlias = tuple[Path, str]
"""Where in the values, and what is wrong there: a sentence whose subject is the place."""


def judge(schema: Any, values: Any) -> dict[str, Any]:
    """The first `MOST_FAULTS` faults of `values` and one more where there are more; or why they cannot be judged.

    Numbers with a fraction are `Decimal`, so that 1.13 is a multiple of 0.01.
    """
    # Imported where it is needed: whoever starts this process imports this module for its limits.
    from jsonschema import validators
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    dialects = {
        "https://json-schema.org/draft/2020-12/schema": validators.Draft202012Validator,
        "https://json-schema.org/draft/2019-09/schema": validators.Draft201909Validator,
        "http://json-schema.org/draft-07/schema": validators.Draft7Validator,
    }
    named = schema.get("$schema") if isinstance(schema, dict) else None
    dialect = dialects.get(str(named).removesuffix("#"), None if named else validators.Draft202012Validator)
    if dialect is None:
        return {"unjudged": "it is written in a dialect of JSON Schema that is not known here"}
    exact: Any = validators.extend(  # type: ignore[no-untyped-call]  # the library's stub gives it no types
        dialect, type_checker=dialect.TYPE_CHECKER.redefine("integer", _is_whole)
    )
    try:
        dialect.check_schema(schema)
        # A registry of our own, since the library's default fetches what a schema refers to.
        found = _faults(exact(schema, registry=Registry()).iter_errors(values))
        return {"faults": list(islice(found, MOST_FAULTS + 1))}
    except SchemaError:
        return {"unjudged": "it is not a valid JSON Schema"}
    except Unresolvable:
        return {"unjudged": "it refers to a definition that is not in it"}
    except RecursionError:
        return {"unjudged": "it refers to itself without end, or is nested too deeply"}
    except re.error:
        return {"unjudged": "it has a pattern that cannot be read here"}


def _is_whole(_checker: object, value: object) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _faults(errors: Iterable[ValidationError]) -> Iterator[Fault]:
    """Each fault once: of a rule about several names, the library tells an error a name, and does not say which."""
    seen: set[Fault] = set()
    for error in errors:
        for fault in _told(error):
            if fault not in seen:
                seen.add(fault)
                yield fault


def _told(error: ValidationError) -> Iterator[Fault]:
    path = tuple(error.absolute_path)
    judged: Any = error.instance
    wanted: Any = error.validator_value
    if error.validator == "required":
        yield from (((*path, name), "is missing") for name in wanted if name not in judged)
    elif error.validator == "additionalProperties":
        schema: Any = error.schema
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        for name in judged:
            if name not in known and not any(re.search(pattern, name) for pattern in patterns):
                yield (*path, name), "is not an input of this package"
    else:
        yield path, _words(error, wanted)


def _words(error: ValidationError, wanted: Any) -> str:
    rule = str(error.validator)
    if "propertyNames" in error.absolute_schema_path:
        return "has a name that is not allowed"
    if rule in ("anyOf", "oneOf"):
        return _form(error)
    if error.validator is None:
        return "is not allowed"
    words = _RULES.get(rule)
    return words(wanted) if words else f"breaks the rule {rule[:40]}"


def _form(error: ValidationError) -> str:
    """What is wrong with a value that should have exactly one of several forms, or at least one."""
    from jsonschema.exceptions import best_match

    if not error.context:
        return "has more than one of the forms of which it must have one"
    nearest = best_match(iter([error]))
    if nearest is None or nearest is error or nearest.context:
        return "has none of the forms that it may have"
    (path, words), *_ = _told(nearest)
    place = "".join(f"/{step}" for step in path)
    return f"has none of the forms that it may have; of the nearest, {place or 'it'} {words}"


def _kinds(wanted: Any) -> str:
    kinds = wanted if isinstance(wanted, list) else [wanted]
    return " or ".join(_KINDS.get(kind, "something else") for kind in kinds)


def _value(wanted: Any) -> str:
    """A value that the schema names, as JSON."""
    text = json.dumps(wanted, ensure_ascii=False, default=float)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _choices(wanted: list[Any]) -> str:
    more = f" or one of {len(wanted) - _MOST_NAMED} more" if len(wanted) > _MOST_NAMED else ""
    return f"must be one of {', '.join(map(_value, wanted[:_MOST_NAMED]))}{more}"


def _count(thing: str, bound: str) -> Callable[[Any], str]:
    def words(wanted: Any) -> str:
        return f"must have {bound} {wanted} {thing}{'' if wanted == 1 else 's'}"

    return words


_KINDS = {
    "object": "an object",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_RULES: Mapping[str, Callable[[Any], str]] = {
    "type": lambda wanted: f"must be {_kinds(wanted)}",
    "enum": _choices,
    "const": lambda wanted: f"must be {_value(wanted)}",
    "pattern": lambda wanted: f"does not match the pattern {_value(wanted)}",
    "minimum": lambda wanted: f"must be at least {_value(wanted)}",
    "maximum": lambda wanted: f"must be at most {_value(wanted)}",
    "exclusiveMinimum": lambda wanted: f"must be more than {_value(wanted)}",
    "exclusiveMaximum": lambda wanted: f"must be less than {_value(wanted)}",
    "multipleOf": lambda wanted: f"must be a multiple of {_value(wanted)}",
    "minLength": _count("character", "at least"),
    "maxLength": _count("character", "at most"),
    "minItems": _count("item", "at least"),
    "maxItems": _count("item", "at most"),
    "minProperties": _count("name", "at least"),
    "maxProperties": _count("name", "at most"),
    "uniqueItems": lambda _: "has the same item twice",
    "contains": lambda _: "lacks an item that it must have, or has too many of it",
    "not": lambda _: "has a form that it must not have",
    "dependentRequired": lambda _: "lacks a name that another of its names needs",
    "unevaluatedProperties": lambda _: "has a name that is not an input of this package",
    "unevaluatedItems": lambda _: "has an item too many",
}


def take_little() -> None:
    """Take no more than a little, also where whoever started this process is gone and ends it no more."""
    try:
        import resource
    except ImportError:  # Windows has none: there the time that the starter waits is the bound
        return
    for limit, most in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY_BYTES)):
        with suppress(ValueError, OSError):  # macOS refuses the second
            resource.setrlimit(limit, (most, most))


def main() -> None:
    """Judge what comes in."""
    take_little()
    asked = json.loads(sys.stdin.buffer.read(), parse_float=Decimal)
    json.dump(judge(asked["schema"], asked["values"]), sys.stdout)


if __name__ == "__main__":
    main()
