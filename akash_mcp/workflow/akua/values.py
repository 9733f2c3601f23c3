"""Checks the values of an install by its package's input schema before anything is sent.

What cannot be checked is not called right: whoever is told that values were checked relies on it. The schema comes
from outside, so another process judges, which is ended when it takes long (`schema_judge`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import anyio

from akash_mcp.errors import BadArgument
from akash_mcp.sanitize.text import field, one_line
from akash_mcp.workflow.akua import schema_judge

VALUES_BYTES = 64 * 1024
SCHEMA_BYTES = 512 * 1024
DEEPEST = 32
"""Objects and lists inside each other, in values."""
DEEPEST_SCHEMA = 100
"""And in a schema, which needs two levels for one of its values."""
SECONDS = 12.0
"""How long a judgement is waited for: its processor time is bounded too, but other processes take turns with it."""
AT_ONCE = 2
"""Judgements that run at a time."""

_PLACE_BYTES = 120
_FAULT_BYTES = 400

_turns = anyio.CapacityLimiter(AT_ONCE)


async def check_values(schema: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Return where `values` are as the JSON Schema (2020-12, if it names no other) wants them.

    Raises `BadArgument` that names at most 10 faults by their place and the rule that is broken, without the values
    themselves; and one that says so where values or schema are too large, or the schema cannot be judged by.
    """
    said = _values_json(values)
    if not schema:
        return  # it takes whatever JSON there is
    asked = b'{"schema":%s,"values":%s}' % (_schema_json(schema), said)
    async with _turns:
        answer = await _judged(asked)
    if (why := answer.get("unjudged")) is not None:
        raise _unchecked(str(why))
    faults = answer.get("faults")
    if not isinstance(faults, list):
        raise _unchecked("its check gave no answer that can be read")
    if faults:
        raise _wrong([_sentence(path, what) for path, what in faults])


def _values_json(values: Mapping[str, Any]) -> bytes:
    if _is_deeper(values, DEEPEST):
        raise BadArgument(f"The values are nested more than {DEEPEST} levels deep.")
    try:
        text = json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError) as odd:  # NaN, half a character, or what JSON has no word for
        raise BadArgument(
            "The values hold something that JSON cannot carry.",
            next_step="Use texts, numbers, true, false, null, lists and objects.",
        ) from odd
    if len(text) > VALUES_BYTES:
        raise BadArgument(f"The values have {len(text):,} bytes, and may have {VALUES_BYTES:,}.")
    return text


def _schema_json(schema: Mapping[str, Any]) -> bytes:
    if _is_deeper(schema, DEEPEST_SCHEMA):
        raise _unchecked(f"it is nested more than {DEEPEST_SCHEMA} levels deep")
    try:
        text = json.dumps(schema, allow_nan=False, default=_number)
    except (TypeError, ValueError) as odd:
        raise _unchecked("it holds a number that nobody can mean") from odd
    if len(text) > SCHEMA_BYTES:
        raise _unchecked(f"it has {len(text):,} bytes, and up to {SCHEMA_BYTES:,} are judged")
    return text.encode()


def _number(value: object) -> float:
    """A number as the client reads it; a `TypeError` for anything else."""
    if not isinstance(value, Decimal):
        raise TypeError("not a number")
    return float(value)


def _is_deeper(value: object, levels: int) -> bool:
    """Whether more objects and lists than that are inside each other. Looks no further than needed."""
    level = [value]
    for _ in range(levels + 1):
        level = [item for each in level for item in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple):
        yield from value


async def _judged(asked: bytes) -> Mapping[str, Any]:
    """What the judge said. Raises `BadArgument` where it said nothing in time."""
    said = b""
    try:
        with anyio.fail_after(SECONDS):
            async with await anyio.open_process(
                [sys.executable, "-P", "-m", schema_judge.__name__],
                env=_environment(),
                stderr=subprocess.DEVNULL,
            ) as process:
                assert process.stdin is not None
                assert process.stdout is not None
                with suppress(
                    anyio.BrokenResourceError, anyio.ClosedResourceError
                ):  # it ended: it says nothing
                    await process.stdin.send(asked)
                    await process.stdin.aclose()
                said = b"".join([part async for part in process.stdout])
                await process.wait()
    except TimeoutError as late:
        raise _unchecked("checking them takes too long") from late
    except OSError as failed:
        raise _unchecked("the process that checks them cannot be started") from failed
    try:
        answer = json.loads(said)
    except ValueError as unread:  # it was ended by its limits, or by what it could not cope with
        raise _unchecked("their check broke off, as one does that takes too much time or memory") from unread
    return answer if isinstance(answer, dict) else {}


def _environment() -> dict[str, str]:
    """What the judge gets: where its modules are, and what Python needs to start. No setting and no secret."""
    kept = {name: os.environ[name] for name in _NEEDED_TO_START if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


_NEEDED_TO_START = (
    "SYSTEMROOT",
    "PATH",
    "PYTHONHOME",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
)


def _sentence(path: Sequence[str | int], what: str) -> str:
    place = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
    return one_line(f"{field(place, _PLACE_BYTES) or 'the whole'} {what}", limit=_FAULT_BYTES)


def _wrong(faults: Sequence[str]) -> BadArgument:
    most = schema_judge.MOST_FAULTS
    more = "; and there are more faults" if len(faults) > most else ""
    return BadArgument(
        f"The values do not fit the package's input schema: {'; '.join(faults[:most])}{more}.",
        next_step="Nothing was sent. Correct them: akua_get_package_inputs shows the schema.",
    )


def _unchecked(why: str) -> BadArgument:
    return BadArgument(
        f"The values cannot be checked by the package's input schema: {why}. They were not sent, and may be right.",
        next_step="Tell the user: whoever keeps the package can correct its schema, and it can be installed in Akua's "
        "own dashboard.",
    )
