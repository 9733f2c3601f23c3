"""Points in time as JavaScript writes and reads them: ISO 8601 in UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """Seconds since the epoch as `toISOString` writes them."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """Such a point, or any with its zone, in seconds since the epoch. Raises `ValueError`."""
    point = datetime.fromisoformat(text)
    if point.tzinfo is None:
        raise ValueError("no zone")
    return point.timestamp()
