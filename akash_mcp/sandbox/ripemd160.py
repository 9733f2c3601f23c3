"""RIPEMD-160, which account addresses are made of and which not every Python can compute.

`hashlib` borrows it from OpenSSL, and OpenSSL 3.0.0 to 3.0.6 (Ubuntu 22.04 among others) and FIPS builds keep
it switched off; `cryptography` has none. So where `hashlib` refuses, the function is computed here, after the
specification of Dobbertin, Bosselaers and Preneel.
"""

from __future__ import annotations

import hashlib
import struct

_ROTATE = (
    (11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8),
    (7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12),
    (11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5),
    (11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12),
    (9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6),
)
_ROTATE_PARALLEL = (
    (8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6),
    (9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11),
    (9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5),
    (15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8),
    (8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11),
)
_ORDER = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8),
    (3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12),
    (1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2),
    (4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13),
)
_ORDER_PARALLEL = (
    (5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12),
    (6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2),
    (15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13),
    (8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14),
    (12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11),
)
_ADD = (0x00000000, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E)
_ADD_PARALLEL = (0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0x00000000)
_START = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0)
_MASK = 0xFFFFFFFF


def ripemd160(data: bytes) -> bytes:
    """The 20-byte digest of `data`."""
    try:
        return hashlib.new("ripemd160", data).digest()
    except ValueError:
        return computed(data)


def computed(data: bytes) -> bytes:
    """The same digest without OpenSSL's help."""
    padded = data + b"\x80" + b"\0" * (-(len(data) + 9) % 64) + struct.pack("<Q", 8 * len(data))
    state: tuple[int, ...] = _START
    for offset in range(0, len(padded), 64):
        words = struct.unpack_from("<16I", padded, offset)
        left, right = list(state), list(state)
        for turn in range(5):
            _round(left, words, turn, turn, _ORDER, _ROTATE, _ADD)
            _round(right, words, turn, 4 - turn, _ORDER_PARALLEL, _ROTATE_PARALLEL, _ADD_PARALLEL)
        state = tuple((state[(i + 1) % 5] + left[(i + 2) % 5] + right[(i + 3) % 5]) & _MASK for i in range(5))
    return struct.pack("<5I", *state)


def _round(
    lane: list[int],
    words: tuple[int, ...],
    turn: int,
    mix: int,
    order: tuple[tuple[int, ...], ...],
    rotate: tuple[tuple[int, ...], ...],
    add: tuple[int, ...],
) -> None:
    for position, amount in zip(order[turn], rotate[turn], strict=True):
        a, b, c, d, e = lane
        mixed = (a + _mix(mix, b, c, d) + words[position] + add[turn]) & _MASK
        lane[:] = e, (_rotated(mixed, amount) + e) & _MASK, b, _rotated(c, 10), d


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (32 - by)) & _MASK


def _mix(which: int, x: int, y: int, z: int) -> int:
    match which:
        case 0:
            return x ^ y ^ z
        case 1:
            return x & y | ~x & z
        case 2:
            return (x | ~y) ^ z
        case 3:
            return x & z | y & ~z
    return x ^ (y | ~z)
