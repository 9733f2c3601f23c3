"""A cursor: where an answer with logs ended, as a short text that needs no memory of ours.

It holds checksums and numbers, and no text of a log. It is good for the deployment and service that it was made for.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from hashlib import blake2b

from akash_mcp.errors import BadArgument
from akash_mcp.ids import Dseq
from akash_mcp.workflow.logs.resume import WINDOW, Mark

MAX_PODS = 64
MAX_CHARACTERS = 2_000

PodId = bytes

_VERSION = b"\x01"
_SEAL_BYTES = 6
_POD = struct.Struct(">5sIBI8s")
_UNKNOWN = 2**32 - 1


def pod_id(provider: str, pod: str) -> PodId:
    """What a cursor calls a pod."""
    return blake2b(f"{provider} {pod}".encode(), digest_size=5).digest()


def encode(marks: Mapping[PodId, Mark], dseq: Dseq, service: str | None) -> str:
    """The cursor for the places in `marks`, of at most `MAX_PODS` pods."""
    body = _VERSION + b"".join(
        _POD.pack(pod, _UNKNOWN if mark.count is None else mark.count, mark.lines, mark.last, mark.digest)
        for pod, mark in marks.items()
    )
    return base64.urlsafe_b64encode(_seal(body, dseq, service) + body).decode().rstrip("=")


def decode(text: str, dseq: Dseq, service: str | None) -> dict[PodId, Mark]:
    """The places that a cursor holds. Raises `BadArgument` for what `encode` did not make for these two."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _refused() from None
    seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if len(text) > MAX_CHARACTERS or body[:1] != _VERSION or (len(body) - 1) % _POD.size:
        raise _refused()
    marks = {}
    for pod, count, lines, last, digest in _POD.iter_unpack(body[1:]):
        marks[pod] = Mark(None if count == _UNKNOWN else count, lines, last, digest)
    makes_sense = len(marks) <= MAX_PODS and all(
        1 <= mark.lines <= WINDOW and (mark.count is None or mark.count >= mark.lines)
        for mark in marks.values()
    )
    if seal != _seal(body, dseq, service) or not makes_sense or encode(marks, dseq, service) != text:
        raise _refused()
    return marks


def _seal(body: bytes, dseq: Dseq, service: str | None) -> bytes:
    """Finds a cursor that was changed or is of something else. It keeps nothing secret and need not."""
    return blake2b(f"{dseq} {service or ''} ".encode() + body, digest_size=_SEAL_BYTES).digest()


def _refused() -> BadArgument:
    return BadArgument(
        "The cursor is not one that get_logs gave for this deployment and service.",
        next_step="Copy it whole from that answer, or leave it out to read the last lines.",
    )
