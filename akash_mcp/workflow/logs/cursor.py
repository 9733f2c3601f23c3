"""A cursor: where an answer with logs ended, as a short text, so that the server need not remember it.

It holds checksums and numbers, and no text of a log. It is valid for the deployment and service it was made for.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from hashlib import blake2b

from akash_mcp.errors import BadArgument
from akash_mcp.ids import Dseq
from akash_mcp.workflow.logs.resume import WINDOW, Position

MAX_PODS = 64
MAX_CHARACTERS = 2_000

PodId = bytes

_VERSION = b"\x01"
_CHECKSUM_BYTES = 6
_POD = struct.Struct(">5sIBI8s")
_UNKNOWN = 2**32 - 1


def pod_id(provider: str, pod: str) -> PodId:
    """The 5 bytes that stand for a pod in a cursor."""
    return blake2b(f"{provider} {pod}".encode(), digest_size=5).digest()


def encode(positions: Mapping[PodId, Position], dseq: Dseq, service: str | None) -> str:
    """The cursor for the positions of at most `MAX_PODS` pods."""
    body = _VERSION + b"".join(
        _POD.pack(pod, _UNKNOWN if at.count is None else at.count, at.lines, at.last, at.digest)
        for pod, at in positions.items()
    )
    return base64.urlsafe_b64encode(_checksum(body, dseq, service) + body).decode().rstrip("=")


def decode(text: str, dseq: Dseq, service: str | None) -> dict[PodId, Position]:
    """The positions in a cursor. Raises `BadArgument` for what `encode` did not make for `dseq` and `service`."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused() from None
    checksum, body = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
    if len(text) > MAX_CHARACTERS or body[:1] != _VERSION or (len(body) - 1) % _POD.size:
        raise _refused()
    positions = {}
    for pod, count, lines, last, digest in _POD.iter_unpack(body[1:]):
        positions[pod] = Position(None if count == _UNKNOWN else count, lines, last, digest)
    makes_sense = len(positions) <= MAX_PODS and all(
        1 <= position.lines <= WINDOW and (position.count is None or position.count >= position.lines)
        for position in positions.values()
    )
    if (
        checksum != _checksum(body, dseq, service)
        or not makes_sense
        or encode(positions, dseq, service) != text
    ):
        raise _refused()
    return positions


def _checksum(body: bytes, dseq: Dseq, service: str | None) -> bytes:
    """A checksum that reveals a cursor that was changed or is of another deployment. It protects no secret."""
    return blake2b(f"{dseq} {service or ''} ".encode() + body, digest_size=_CHECKSUM_BYTES).digest()


def _refused() -> BadArgument:
    return BadArgument(
        "The cursor is not one that get_logs gave for this deployment and service.",
        next_step="Copy it whole from that answer, or leave it out to read the last lines.",
    )
